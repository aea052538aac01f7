"""What is greyed in the page of a group, and the reason that is said with it (P-70)."""

from __future__ import annotations

from client.ui.viewmodels.group_rights import rights
from protocol.limits import MEMBERS_MAX
from protocol.packets import Seat
from protocol.values import Uid

ME, BEN, ADA = Uid("me"), Uid("ben"), Uid("ada")
NOBODY = Uid("")


def table(me: int = 0, ben: int = 0, ada: int = 0) -> list[Seat]:
    return [Seat(ME, "Nora", me), Seat(BEN, "Ben", ben), Seat(ADA, "Ada", ada)]


def test_every_member_may_add_rename_and_leave() -> None:
    may = rights(table(ben=1), ME, ADA, away=False)
    assert (may.add, may.rename, may.leave) == ("", "", "")
    assert "administers" in may.remove
    assert "administers" in may.rank


def test_who_administers_may_remove_and_rank() -> None:
    may = rights(table(me=1, ada=1), ME, ADA, away=False)
    assert (may.remove, may.rank, may.ranked) == ("", "", True)
    assert rights(table(me=1), ME, BEN, away=False).ranked is False


def test_nobody_is_chosen() -> None:
    assert rights(table(me=1), ME, NOBODY, away=False).remove == "Choose a person first"


def test_one_leaves_and_is_not_removed() -> None:
    may = rights(table(me=1, ben=1), ME, ME, away=False)
    assert "leave" in may.remove
    assert not may.rank


def test_somebody_must_administer() -> None:
    assert "another administrator" in rights(table(me=1), ME, ME, away=False).rank


def test_a_full_group() -> None:
    full = [Seat(Uid(str(n)), str(n)) for n in range(MEMBERS_MAX)]
    assert str(MEMBERS_MAX) in rights(full, Uid("1"), NOBODY, away=False).add


def test_who_is_away_may_nothing() -> None:
    may = rights(table(me=1), ME, BEN, away=True)
    assert {may.add, may.rename, may.leave, may.remove, may.rank} == {"You are not in this group any more"}
