"""Doorbells inside one process (P-13, P-51, P-86)."""

from __future__ import annotations

from protocol.values import Did
from server.core.moves import Bell, MarksBell
from server.core.values import Identity
from server.ports import Ring
from server.routes.local import LocalRoute
from tests.helpers.wire import ALICE, BOB, CAROL, TALK

BELL = Bell(TALK, 3, (), (ALICE.uid, BOB.uid))


class Ear:
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.heard: list[Ring] = []
        self.replaced_by: list[int] = []

    def ring(self, bell: Ring) -> None:
        self.heard.append(bell)

    def replaced(self, sn: int) -> None:
        self.replaced_by.append(sn)


def test_members_hear_on_every_device_and_others_do_not() -> None:
    route = LocalRoute()
    phone, tablet, bob, carol = Ear(), Ear(), Ear(), Ear()
    route.attach(ALICE, 1, phone)
    route.attach(Identity(ALICE.uid, Did("101"), "Alice"), 1, tablet)
    route.attach(BOB, 1, bob)
    route.attach(CAROL, 1, carol)
    marks = MarksBell(TALK, 0, 1, (), (ALICE.uid,))
    route.publish(BELL)
    route.publish(marks)
    assert phone.heard == tablet.heard == [BELL, marks]
    assert bob.heard == [BELL]
    assert carol.heard == []


def test_the_newest_session_of_a_device_wins_in_any_order() -> None:
    route = LocalRoute()
    older, newer, late = Ear(), Ear(), Ear()
    route.attach(ALICE, 4, older)
    route.attach(ALICE, 6, newer)
    route.attach(ALICE, 5, late)
    assert (older.replaced_by, newer.replaced_by, late.replaced_by) == ([6], [], [6])
    route.publish(BELL)
    assert (older.heard, newer.heard, late.heard) == ([], [BELL], [])


def test_who_is_gone_is_not_at_home() -> None:
    route = LocalRoute()
    ear = Ear()
    assert not route.somebody_home((ALICE.uid, BOB.uid), but=BOB.uid)
    route.attach(ALICE, 1, ear)
    assert route.somebody_home((ALICE.uid, BOB.uid), but=BOB.uid)
    assert not route.somebody_home((ALICE.uid, BOB.uid), but=ALICE.uid)
    route.detach(ear)
    route.detach(ear)
    assert not route.somebody_home((ALICE.uid,), but=BOB.uid)
    route.publish(BELL)
    assert ear.heard == []


def test_a_bell_that_ends_a_session_disturbs_nobody_else() -> None:
    route = LocalRoute()
    ears = [Ear(), Ear()]

    class Leaver(Ear):
        def ring(self, bell: Ring) -> None:
            route.detach(self)

    route.attach(Identity(ALICE.uid, Did("1"), "Alice"), 1, Leaver())
    for number, ear in enumerate(ears, 2):
        route.attach(Identity(ALICE.uid, Did(str(number)), "Alice"), 1, ear)
    route.publish(BELL)
    assert [ear.heard for ear in ears] == [[BELL], [BELL]]
