"""Changes are gathered for one frame, and a running try is laid over the stored bubble."""

from __future__ import annotations

import asyncio

import pytest

from client.app import screen as screens
from client.app.changes import BubblesChanged, Change, ChatsChanged, LineChanged, PacketSeen, Progressed
from client.app.screen import Screen
from client.core.model import Bubble, Line, Seen, State, TransferProgress
from protocol.content import Text
from protocol.values import ConvId, Lid, Uid, replace

CONV = ConvId("c")
QUEUED = Bubble(Lid(1), CONV, Uid("u"), True, State.QUEUED, 1, Text("hello"))


def listening(batch_s: float = 0.0) -> tuple[Screen, list[Change]]:
    heard: list[Change] = []
    screen = Screen(batch_s)
    screen.subscribe(heard.append)
    return screen, heard


async def test_many_changes_of_one_bubble_are_one() -> None:
    screen, heard = listening()
    screen.show([QUEUED])
    screen.show([replace(QUEUED, state=State.ACCEPTED, pos=4)])
    assert heard == []
    await asyncio.sleep(0)
    assert heard == [
        BubblesChanged((replace(QUEUED, state=State.ACCEPTED, pos=4),)),
        ChatsChanged((CONV,)),
    ]


async def test_a_frame_waits_for_its_time() -> None:
    screen, heard = listening(batch_s=0.02)
    screen.show([QUEUED])
    await asyncio.sleep(0)
    assert heard == []
    screen.flush()
    assert len(heard) == 2


async def test_the_newest_of_line_and_progress_each_packet() -> None:
    screen, heard = listening()
    seen = [PacketSeen(Seen(Lid(1), "msg:R", "out", n, 1), CONV) for n in (1, 2)]
    changes: list[Change] = [
        LineChanged(Line("dialing")),
        Progressed(TransferProgress(Lid(1), "up", 1, 9)),
        *seen,
        Progressed(TransferProgress(Lid(1), "up", 9, 9)),
        LineChanged(Line("ready")),
    ]
    for change in changes:
        screen.tell(change)
    screen.flush()
    assert heard == [*seen, Progressed(TransferProgress(Lid(1), "up", 9, 9)), LineChanged(Line("ready"))]


async def test_a_try_is_laid_over_a_queued_bubble() -> None:
    screen, heard = listening()
    screen.show([QUEUED])
    assert screen.tried(Lid(1), 2, 50.0)
    sending = replace(QUEUED, state=State.SENDING, tries=2, due_s=50.0)
    assert screen.dress(QUEUED) == sending
    screen.flush()
    assert heard[0] == BubblesChanged((sending,))

    assert screen.tried(Lid(1), 0, 0.0)
    assert screen.dress(QUEUED) == QUEUED


async def test_a_try_does_not_hide_what_came_after_it() -> None:
    screen, _ = listening()
    screen.show([QUEUED])
    screen.tried(Lid(1), 1, 50.0)
    accepted = replace(QUEUED, state=State.ACCEPTED)
    assert screen.dress(accepted) == replace(accepted, tries=1, due_s=50.0)
    delivered = replace(QUEUED, state=State.DELIVERED)
    screen.show([delivered])
    assert screen.dress(delivered) == delivered
    assert screen.dress(QUEUED) == QUEUED


async def test_who_tells_no_reading_is_shown_none() -> None:
    screen, _ = listening()
    read = replace(QUEUED, state=State.READ, read_by=1)
    assert screen.dress(read) == read
    screen.receipts = False
    assert screen.dress(read) == replace(QUEUED, state=State.DELIVERED)


async def test_tries_are_forgotten_with_the_core_that_made_them() -> None:
    screen, heard = listening()
    assert not screen.tried(Lid(9), 1, 1.0)
    screen.show([QUEUED])
    screen.tried(Lid(1), 1, 50.0)
    screen.flush()
    screen.forget_tries()
    screen.flush()
    assert heard[-1] == BubblesChanged((QUEUED,))


async def test_who_unsubscribes_hears_no_more_and_who_fails_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    screen, heard = listening()
    others: list[Change] = []

    def clumsy(change: Change) -> None:
        raise ValueError(change)

    stop = screen.subscribe(clumsy)
    screen.subscribe(others.append)
    screen.touch(CONV)
    screen.flush()
    stop()
    stop()
    screen.touch(CONV)
    screen.flush()
    assert heard == others == [ChatsChanged((CONV,))] * 2
    assert caplog.text.count("a listener failed") == 1


async def test_it_remembers_so_many_bubbles_by_number_and_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screens, "KEPT_MAX", 3)
    screen, _ = listening()
    screen.show(replace(QUEUED, lid=Lid(n), pos=n) for n in range(1, 6))
    assert [screen.kept(Lid(n)) is not None for n in range(1, 6)] == [False, False, True, True, True]
    assert screen.kept_at(CONV, 1) is None
    kept = screen.kept_at(CONV, 5)
    assert kept is not None
    assert kept.lid == 5
