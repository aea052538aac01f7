"""May this person do that? (SEC-20, SEC-21, P-70, P-74)"""

from __future__ import annotations

import pytest

from protocol.packets import Relation
from protocol.values import Uid
from server.core.rights import (
    ADMINISTRATOR,
    EDIT_MAX_MS,
    EDITS_MAX,
    NOBODY,
    Action,
    File,
    OnItsWay,
    Standing,
    Target,
    may,
    may_change,
    may_relate,
)
from tests.helpers.wire import ALICE, BOB

MEMBER = Standing(((1, 0),))
LEFT = Standing(((1, 7),))
BACK = Standing(((2, 5), (9, 0)))
BLOCKED = Standing(((1, 0),), blocked=True)
ME, OTHER = Uid("me"), Uid("other")


@pytest.mark.parametrize("action", Action)
def test_a_stranger_may_nothing(action: Action) -> None:
    assert may(action, NOBODY) == "unknown_conversation"
    assert may(action, File(owner=False, seen=False)) == "media_unknown"
    assert may(action, OnItsWay(mine=False)) == "media_unknown"


@pytest.mark.parametrize(
    ("action", "standing", "code"),
    [
        (Action.SEND, MEMBER, ""),
        (Action.SEND, BACK, ""),
        (Action.SEND, LEFT, "not_member"),
        (Action.SEND, BLOCKED, "blocked"),
        (Action.UPLOAD, MEMBER, ""),
        (Action.UPLOAD, LEFT, "not_member"),
        (Action.PULL, LEFT, ""),
        (Action.ACKNOWLEDGE, LEFT, ""),
        (Action.PULL, BLOCKED, ""),
        (Action.FETCH, MEMBER, "unknown_conversation"),
    ],
)
def test_in_a_conversation(action: Action, standing: Standing, code: str) -> None:
    assert may(action, standing) == code


def test_a_file_is_fetched_by_its_owner_and_by_those_who_see_its_message() -> None:
    assert may(Action.FETCH, File(owner=True, seen=False)) == ""
    assert may(Action.FETCH, File(owner=False, seen=True)) == ""
    assert may(Action.SEND, File(owner=True, seen=True)) == "media_unknown"


@pytest.mark.parametrize("action", Action)
def test_an_upload_is_for_the_device_that_promised_it(action: Action) -> None:
    """P-75: it goes on with it and ends it; what else there is is not asked of an upload."""
    assert (may(action, OnItsWay(mine=True)) == "") == (action in (Action.CONTINUE, Action.END))
    assert may(Action.END, File(owner=True, seen=True)) == "media_unknown"


def test_a_person_sees_from_each_join_to_the_following_leave() -> None:
    assert [pos for pos in range(1, 12) if BACK.sees(pos)] == [2, 3, 4, 5, 9, 10, 11]
    assert BACK.head(20) == 20
    assert LEFT.head(20) == 7
    assert NOBODY.head(20) == 0
    assert (MEMBER.current, LEFT.current, NOBODY.current) == (True, False, False)


@pytest.mark.parametrize(
    ("kind", "target", "role", "allowed"),
    [
        ("edit", Target(ME, EDIT_MAX_MS, EDITS_MAX - 1, visible=True), 0, True),
        ("edit", Target(ME, EDIT_MAX_MS + 1, 0, visible=True), 0, False),
        ("edit", Target(ME, 0, EDITS_MAX, visible=True), 0, False),
        ("edit", Target(OTHER, 0, 0, visible=True), ADMINISTRATOR, False),
        ("recall", Target(ME, EDIT_MAX_MS * 9, 0, visible=True), 0, True),
        ("recall", Target(OTHER, 0, 0, visible=True), 0, False),
        ("recall", Target(OTHER, 0, 0, visible=True), ADMINISTRATOR, True),
        ("recall", Target(ME, 0, 0, visible=False), 0, False),
        ("recall", None, ADMINISTRATOR, False),
    ],
)
def test_edits_and_recalls(kind: str, target: Target | None, role: int, allowed: bool) -> None:
    rel = Relation("edit" if kind == "edit" else "recall", 3)
    refusal = may_relate(rel, ME, Standing(((1, 0),), role), target)
    assert refusal == ("" if allowed else "relation_refused")


@pytest.mark.parametrize("what", ["add", "rename", "leave", "remove", "role", "burn"])
def test_who_may_change_a_group(what: str) -> None:
    """Every member may add, rename and leave; removing and roles are for who administers (P-59)."""
    member, head = Standing(((1, 0),)), Standing(((1, 0),), ADMINISTRATOR)
    everybody = what in ("add", "rename", "leave")
    assert may_change(what, member, "group") == ("" if everybody else "not_administrator")
    assert may_change(what, head, "group") == ("not_administrator" if what == "burn" else "")
    assert may_change(what, Standing(((1, 3),), ADMINISTRATOR), "group") == "not_member"
    assert may_change(what, head, "direct") == "group_only"
    assert may_change(what, NOBODY, "group") == "unknown_conversation"


def test_the_table_is_for_who_is_there() -> None:
    assert may(Action.TABLE, Standing(((1, 0),), blocked=True)) == ""
    assert may(Action.TABLE, Standing(((1, 3),))) == "not_member"
    assert may(Action.TABLE, NOBODY) == "unknown_conversation"


def test_every_member_may_react_to_what_is_seen_and_there() -> None:
    react, member = Relation("react", 4), Standing(((1, 0),))
    assert may_relate(react, BOB.uid, member, Target(ALICE.uid, 10**12, 99, visible=True)) == ""
    for target in (None, Target(ALICE.uid, 0, 0, visible=False), Target(ALICE.uid, 0, 0, visible=True, plain=False)):
        assert may_relate(react, BOB.uid, member, target) == "relation_refused"
