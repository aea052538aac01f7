"""Names in a text are found by their letters, in every script."""

from __future__ import annotations

import pytest

from client.core.model import Member
from client.ui.viewmodels.mentions import Asked, asked_at, candidates, found, shifted
from protocol.content import Mention
from protocol.values import Uid
from tests.stages.people import BEN, LONG, ME, MEI, YUSUF, ZOE

TEAM = [ME, BEN, MEI, YUSUF, LONG, ZOE]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("@", Asked(0, 1, "")),
        ("hi @be", Asked(3, 6, "be")),
        ("＠陈", Asked(0, 2, "陈")),
        ("你好@陈美", Asked(2, 5, "陈美")),
        ("🚀 @Ben Ok", Asked(2, 9, "Ben Ok")),
        ("mail ann@example", None),
        ("@ben\nand", None),
        ("@ and", None),
        ("no sign", None),
    ],
)
def test_what_is_being_completed(text: str, wanted: Asked | None) -> None:
    assert asked_at(text, len(text)) == wanted


def test_those_whose_name_begins_so_come_first_and_never_oneself() -> None:
    ann = Member(Uid("x"), "Anders Benson")
    assert candidates([*TEAM, ann], ME.uid, "ben") == [BEN, ann]
    assert candidates(TEAM, ME.uid, "zoe") == [ZOE], "accents do not matter"
    assert ME not in candidates(TEAM, ME.uid, "")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("@Ben Okafor, look", [Mention(BEN.uid, 0, 11)]),
        ("看@陈美玲你好 @ben okafor", [Mention(MEI.uid, 1, 4), Mention(BEN.uid, 8, 11)]),
        ("🏔🏔 @يوسف الخطيب!", [Mention(YUSUF.uid, 3, 12)]),
        ("@Ben Okafors", []),
        ("to@Ben Okafor", []),
        ("@Nobody @@Ben Okafor", [Mention(BEN.uid, 9, 11)]),
        ("", []),
    ],
)
def test_names_that_are_there(text: str, wanted: list[Mention]) -> None:
    assert found(text, TEAM) == wanted


def test_of_two_names_the_longer_one_is_meant() -> None:
    short, long = Member(Uid("s"), "Ann"), Member(Uid("l"), "Ann Lee")
    assert found("@Ann Lee", [short, long]) == [Mention(long.uid, 0, 8)]
    assert found("@Ann Li", [short, long]) == [Mention(short.uid, 0, 4)]


def test_a_text_whose_beginning_was_taken_away() -> None:
    assert shifted([Mention(BEN.uid, 0, 4), Mention(MEI.uid, 8, 4)], 5) == [Mention(MEI.uid, 3, 4)]
