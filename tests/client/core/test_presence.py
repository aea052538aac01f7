"""Whom this person looks at is said again in every session; without one nobody is known to be here."""

from __future__ import annotations

from client.core.effects import PresenceKnown, Send
from client.core.events import Dial, SessionDown, Watch
from client.core.model import Presence
from client.core.presence import Watcher
from protocol.limits import WATCHED_MAX
from protocol.packets import Here, OpenA, PresenceN, PresenceR
from protocol.values import Uid
from tests.helpers.machines import BOB, CAROL, C, Desk


def test_who_is_watched_is_said_in_every_session() -> None:
    watcher = Desk(Watcher())
    watcher.online()
    assert watcher.sent == []
    watcher.does(Watch((BOB, CAROL)))
    watcher.does(Watch((CAROL, BOB)))
    watcher.does(SessionDown(1))
    watcher.does(Watch((BOB,)))
    watcher.online()
    watcher.does(Watch(()))
    assert [packet for _, packet in watcher.sent] == [
        PresenceR(uids=(BOB, CAROL)),
        PresenceR(uids=(BOB,)),
        PresenceR(uids=()),
    ]


def test_only_so_many_are_watched() -> None:
    watcher = Desk(Watcher())
    watcher.online()
    uids = tuple(Uid(f"u{number}") for number in range(WATCHED_MAX + 1))
    assert watcher.does(Watch(uids)) == [Send(1, (PresenceR(uids=uids[:-1]),))]


def test_what_changed_is_told_and_only_of_who_is_watched() -> None:
    watcher = Desk(Watcher())
    watcher.online()
    watcher.does(Watch((BOB,)))
    heard = watcher.hears(PresenceN((Here(BOB, True), Here(CAROL, True))), OpenA("x", C))
    assert heard == [PresenceKnown((Presence(BOB, online=True),))]
    assert watcher.hears(PresenceN((Here(BOB, True),))) == []
    assert watcher.hears(PresenceN((Here(BOB, False, 77),))) == [PresenceKnown((Presence(BOB, seen_ms=77),))]


def test_without_a_session_nobody_is_known_to_be_here() -> None:
    watcher = Desk(Watcher())
    watcher.online()
    watcher.does(Watch((BOB,)))
    watcher.hears(PresenceN((Here(BOB, True),)))
    assert watcher.does(SessionDown(1)) == [PresenceKnown((Presence(BOB),))]
    assert watcher.does(SessionDown(1)) == []
    assert watcher.machine.next_wakeup_s() is None


def test_who_is_not_watched_any_more_is_forgotten() -> None:
    watcher = Desk(Watcher())
    watcher.online()
    watcher.does(Watch((BOB,)))
    watcher.hears(PresenceN((Here(BOB, True),)))
    assert watcher.does(Watch((CAROL,))) == [
        PresenceKnown((Presence(BOB),)),
        Send(1, (PresenceR(uids=(CAROL,)),)),
    ]


def test_nothing_told_is_unknown() -> None:
    assert not Presence(BOB).known
    assert Presence(BOB, online=True).known
    assert Presence(BOB, seen_ms=5).known


def test_what_is_for_others_is_left_to_them() -> None:
    assert Desk(Watcher()).does(Dial()) == []
