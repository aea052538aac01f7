"""Changes are gathered for one frame, and a running try is laid over the stored bubble."""

from __future__ import annotations

import asyncio

import pytest

from client.app import publisher as publishing
from client.app.changes import BubblesChanged, Change, ChatsChanged, LineChanged, PacketSeen, Progressed
from client.app.publisher import Publisher
from client.core.model import Bubble, Line, Seen, State, TransferProgress
from protocol.content import Text
from protocol.values import ConvId, Lid, Uid, replace

CONV = ConvId("c")
QUEUED = Bubble(Lid(1), CONV, Uid("u"), True, State.QUEUED, 1, Text("hello"))


def listening(batch_s: float = 0.0) -> tuple[Publisher, list[Change]]:
    heard: list[Change] = []
    publisher = Publisher(batch_s)
    publisher.subscribe(heard.append)
    return publisher, heard


async def test_many_changes_of_one_bubble_are_one() -> None:
    publisher, heard = listening()
    publisher.show([QUEUED])
    publisher.show([replace(QUEUED, state=State.ACCEPTED, pos=4)])
    assert heard == []
    await asyncio.sleep(0)
    assert heard == [
        BubblesChanged((replace(QUEUED, state=State.ACCEPTED, pos=4),)),
        ChatsChanged((CONV,)),
    ]


async def test_a_frame_waits_for_its_time() -> None:
    publisher, heard = listening(batch_s=0.02)
    publisher.show([QUEUED])
    await asyncio.sleep(0)
    assert heard == []
    publisher.flush()
    assert len(heard) == 2


async def test_the_newest_of_line_and_progress_each_packet() -> None:
    publisher, heard = listening()
    seen = [PacketSeen(Seen(Lid(1), "msg:R", "out", n, 1), CONV) for n in (1, 2)]
    changes: list[Change] = [
        LineChanged(Line("dialing")),
        Progressed(TransferProgress(Lid(1), "up", 1, 9)),
        *seen,
        Progressed(TransferProgress(Lid(1), "up", 9, 9)),
        LineChanged(Line("ready")),
    ]
    for change in changes:
        publisher.tell(change)
    publisher.flush()
    assert heard == [*seen, Progressed(TransferProgress(Lid(1), "up", 9, 9)), LineChanged(Line("ready"))]


async def test_a_try_is_laid_over_a_queued_bubble() -> None:
    publisher, heard = listening()
    publisher.show([QUEUED])
    assert publisher.tried(Lid(1), 2, 50.0)
    sending = replace(QUEUED, state=State.SENDING, tries=2, due_s=50.0)
    assert publisher.dress(QUEUED) == sending
    publisher.flush()
    assert heard[0] == BubblesChanged((sending,))

    assert publisher.tried(Lid(1), 0, 0.0)
    assert publisher.dress(QUEUED) == QUEUED


async def test_a_try_does_not_hide_what_came_after_it() -> None:
    publisher, _ = listening()
    publisher.show([QUEUED])
    publisher.tried(Lid(1), 1, 50.0)
    accepted = replace(QUEUED, state=State.ACCEPTED)
    assert publisher.dress(accepted) == replace(accepted, tries=1, due_s=50.0)
    delivered = replace(QUEUED, state=State.DELIVERED)
    publisher.show([delivered])
    assert publisher.dress(delivered) == delivered
    assert publisher.dress(QUEUED) == QUEUED


async def test_who_tells_no_reading_is_shown_none() -> None:
    publisher, _ = listening()
    read = replace(QUEUED, state=State.READ, read_by=1)
    assert publisher.dress(read) == read
    publisher.receipts = False
    assert publisher.dress(read) == replace(QUEUED, state=State.DELIVERED)


async def test_tries_are_forgotten_with_the_core_that_made_them() -> None:
    publisher, heard = listening()
    assert not publisher.tried(Lid(9), 1, 1.0)
    publisher.show([QUEUED])
    publisher.tried(Lid(1), 1, 50.0)
    publisher.flush()
    publisher.forget_tries()
    publisher.flush()
    assert heard[-1] == BubblesChanged((QUEUED,))


async def test_who_unsubscribes_hears_no_more_and_who_fails_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    publisher, heard = listening()
    others: list[Change] = []

    def clumsy(change: Change) -> None:
        raise ValueError(change)

    stop = publisher.subscribe(clumsy)
    publisher.subscribe(others.append)
    publisher.touch(CONV)
    publisher.flush()
    stop()
    stop()
    publisher.touch(CONV)
    publisher.flush()
    assert heard == others == [ChatsChanged((CONV,))] * 2
    assert caplog.text.count("a listener failed") == 1


async def test_it_remembers_so_many_bubbles_by_number_and_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "KEPT_MAX", 3)
    publisher, _ = listening()
    publisher.show(replace(QUEUED, lid=Lid(n), pos=n) for n in range(1, 6))
    assert [publisher.kept(Lid(n)) is not None for n in range(1, 6)] == [False, False, True, True, True]
    assert publisher.kept_at(CONV, 1) is None
    kept = publisher.kept_at(CONV, 5)
    assert kept is not None
    assert kept.lid == 5


async def test_a_try_of_a_change_shows_in_the_bubble_it_is_about() -> None:
    publisher, heard = listening()
    waits = replace(QUEUED, state=State.DELIVERED, change=State.QUEUED, change_lid=Lid(7))
    publisher.show([waits])
    publisher.flush()
    assert publisher.tried(Lid(7), 1, 50.0)
    publisher.flush()
    assert heard[-1] == BubblesChanged((replace(waits, change=State.SENDING),))

    publisher.forget_tries()
    publisher.flush()
    assert heard[-1] == BubblesChanged((waits,))
    publisher.tried(Lid(7), 1, 50.0)
    publisher.show([replace(waits, change=None, change_lid=Lid(0))])
    assert not publisher.tried(Lid(7), 1, 50.0)


async def test_changes_are_forgotten_with_their_bubbles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "KEPT_MAX", 1)
    publisher, _ = listening()
    publisher.show([replace(QUEUED, change=State.QUEUED, change_lid=Lid(7)), replace(QUEUED, lid=Lid(2))])
    assert not publisher.tried(Lid(7), 1, 50.0)
