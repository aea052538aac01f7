"""What a wish to change a group comes to (P-59, P-70)."""

from __future__ import annotations

from typing import Literal

import pytest

from protocol.content import Joined, Left, Notice, Ranked, Titled
from protocol.limits import MEMBERS_MAX
from protocol.packets import GroupR
from protocol.values import Uid
from server.core.groups import Group, Refused, changes
from server.core.rights import Standing
from tests.helpers.wire import TALK

ANN, BEN, CAM, DAN, EVE = (Uid(name) for name in ("ann", "ben", "cam", "dan", "eve"))
NAMES = {ANN: "Ann", BEN: "Ben", CAM: "Cam", DAN: "Dan"}
HERE = {
    ANN: Standing(((1, 0),), 1),
    CAM: Standing(((1, 4), (9, 0))),
    BEN: Standing(((5, 0),)),
    DAN: Standing(((1, 6),), 1),
}
GROUP = Group("group", "Friends", 3, HERE)
Do = Literal["add", "remove", "leave", "rename", "role"]


def wish(do: Do, *uids: Uid, title: str = "", role: int = 0) -> GroupR:
    return GroupR("x", TALK, do, uids, title, role)


def made(who: Uid, asked: GroupR, group: Group = GROUP) -> tuple[Notice, ...] | str:
    found = changes(who, asked, group, NAMES)
    return found.code if isinstance(found, Refused) else found


def test_members_are_those_who_are_here() -> None:
    assert set(GROUP.members) == {ANN, BEN, CAM}


@pytest.mark.parametrize(
    ("who", "asked", "notices"),
    [
        (BEN, wish("add", DAN, DAN), (Joined(DAN, "Dan", 0, BEN, 4),)),
        (BEN, wish("add", ANN), ()),
        (BEN, wish("add"), ()),
        (BEN, wish("rename", title=" Family "), (Titled("Family", BEN, 4),)),
        (BEN, wish("rename", title="Friends"), ()),
        (BEN, wish("leave"), (Left(BEN, Uid(""), 4),)),
        (BEN, wish("remove", BEN), (Left(BEN, Uid(""), 4),)),
        (DAN, wish("leave"), ()),
        (ANN, wish("remove", BEN, CAM, DAN), (Left(BEN, ANN, 4), Left(CAM, ANN, 4))),
        (ANN, wish("remove", DAN), ()),
        (BEN, wish("remove", DAN), ()),
        (ANN, wish("role", BEN, role=7), (Ranked(BEN, 1, ANN, 4),)),
        (BEN, wish("role", BEN), ()),
    ],
)
def test_what_is_still_to_be_done(who: Uid, asked: GroupR, notices: tuple[Notice, ...]) -> None:
    assert made(who, asked) == notices


@pytest.mark.parametrize(
    ("who", "asked", "code"),
    [
        (EVE, wish("leave"), "unknown_conversation"),
        (DAN, wish("rename", title="x"), "not_member"),
        (DAN, wish("add", ANN), "not_member"),
        (BEN, wish("add", EVE), "unknown_person"),
        (BEN, wish("rename", title="\u202e"), "name_invalid"),
        (BEN, wish("remove", ANN), "not_administrator"),
        (BEN, wish("role", BEN, role=1), "not_administrator"),
        (ANN, wish("role", DAN, role=1), "unknown_person"),
        (ANN, wish("role", ANN), "last_administrator"),
    ],
)
def test_what_is_refused(who: Uid, asked: GroupR, code: str) -> None:
    assert made(who, asked) == code


def test_other_conversations_cannot_be_changed() -> None:
    direct = Group("direct", "", 0, HERE)
    assert made(ANN, wish("add", DAN), direct) == "group_only"
    assert made(DAN, wish("leave"), direct) == "group_only"


def test_a_group_has_at_most_five_hundred_members() -> None:
    many = {Uid(f"p{number}"): Standing(((1, 0),), 1) for number in range(MEMBERS_MAX)}
    full = Group("group", "", 0, many)
    assert made(Uid("p0"), wish("add", BEN), full) == "members_too_many"
    assert made(Uid("p0"), wish("add", Uid("p1")), full) == ()


def test_when_the_last_who_administers_leaves_the_longest_member_does() -> None:
    """Ben came at 5; Cam was here earlier, but came back only at 9."""
    assert made(ANN, wish("leave")) == (Left(ANN, Uid(""), 4), Ranked(BEN, 1, Uid(""), 4))
    assert made(ANN, wish("remove", ANN, BEN)) == (Left(ANN, Uid(""), 4), Left(BEN, ANN, 4), Ranked(CAM, 1, Uid(""), 4))


def test_the_last_of_all_leaves_nobody() -> None:
    alone = Group("group", "", 0, {ANN: Standing(((1, 0),), 1)})
    assert made(ANN, wish("leave"), alone) == (Left(ANN, Uid(""), 1),)


def test_a_role_can_be_given_back_while_another_administers() -> None:
    both = Group("group", "", 3, {**HERE, BEN: Standing(((5, 0),), 1)})
    assert made(ANN, wish("role", ANN), both) == (Ranked(ANN, 0, ANN, 4),)
    assert made(ANN, wish("role", ANN, BEN), both) == "last_administrator"


def test_the_longest_member_is_the_heir_whatever_the_name() -> None:
    """Eve came first; Ben's name comes first."""
    here = {ANN: Standing(((1, 0),), 1), BEN: Standing(((7, 0),)), EVE: Standing(((3, 0),)), CAM: Standing(((9, 0),))}
    assert made(ANN, wish("leave"), Group("group", "", 3, here))[1:] == (Ranked(EVE, 1, Uid(""), 4),)


def test_of_those_who_came_together_the_name_decides() -> None:
    here = {ANN: Standing(((1, 0),), 1), EVE: Standing(((3, 0),)), BEN: Standing(((3, 0),))}
    assert made(ANN, wish("leave"), Group("group", "", 3, here))[1:] == (Ranked(BEN, 1, Uid(""), 4),)
