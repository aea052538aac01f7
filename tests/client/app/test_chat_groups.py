"""Through the door: groups and their tables, hints, this person's devices, and what is older than this one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from client.app.changes import LineChanged, MembersChanged, PresenceChanged, TypingChanged
from client.app.queries import missing_at
from client.core.model import NOWHERE, Bubble, Device, Member, Presence, Receipt, Span, State
from protocol.codec import to_text
from protocol.content import Content, Joined, Left, Notice, Opened, Ranked, Text, Titled, pack, pack_notice
from protocol.lanes import digest
from protocol.packets import (
    AckN,
    AckR,
    Close,
    Crowd,
    Event,
    Gap,
    GroupA,
    GroupR,
    Head,
    Hello,
    Here,
    Mark,
    MembersA,
    MembersR,
    MsgN,
    MsgR,
    OfflineA,
    OfflineR,
    PresenceN,
    PresenceR,
    Seat,
    Step,
    TypingN,
    TypingR,
    Welcome,
)
from protocol.problems import MembersTooMany, NameInvalid, NotMember, NotPossibleNow, ServerUnreachable
from protocol.values import SERVER_DID, Did, Lid, Uid, replace
from tests.helpers.app import BOB, CONV, ME, App, close_app, open_app, text_of

CAROL = Uid("u-carol")
NEW_DID = Did("99")
BOBS = Did("88")
T = TypeVar("T")


def said(pos: int, text: str, uid: Uid = BOB, did: Did = BOBS, content: bytes = b"") -> Event:
    """A message in the log."""
    content = content or pack(Content(uid, CONV, pos.to_bytes(8, "big"), 1000 + pos, Text(text)))
    return Event(pos, 1000 + pos, uid, did, pos, digest(CONV, content), "plain1", to_text(content))


def notice(pos: int, what: Notice) -> Event:
    """What the server says in the log."""
    content = pack_notice(what)
    return Event(pos, 1000 + pos, Uid(""), SERVER_DID, pos, digest(CONV, content), "server1", to_text(content))


async def tell(app: App, *events: Event, gaps: tuple[Gap, ...] = (), first: int = 0) -> None:
    """The server pushes these, and the client stores them."""
    last = max([event.pos for event in events] + [gap.last for gap in gaps])
    begin = first or min([event.pos for event in events] + [gap.first for gap in gaps])
    app.wire.answer(MsgN(CONV, begin - 1, last, last, events, gaps))
    await app.wire.hears(AckR, lambda packet: packet.upto >= last)


def begin(work: Coroutine[Any, Any, T]) -> asyncio.Future[tuple[T]]:
    """Let it run beside the test; `result` waits for it."""
    return asyncio.gather(work)


async def result(work: asyncio.Future[tuple[T]]) -> T:
    """What came of it."""
    (value,) = await work
    return value


async def answered(app: App, wish: Coroutine[Any, Any, T], *, code: str = "") -> tuple[GroupR, T]:
    """Let the server answer a change of a group; return what it was asked and the wish's result."""
    task = begin(wish)
    asked = await app.wire.hears(GroupR)
    app.wire.answer(GroupA(asked.x, asked.conv, code))
    return asked, await result(task)


@pytest.fixture
async def group(ready: App) -> App:
    """A group of alice, who administers it, and bob."""
    await tell(
        ready,
        notice(1, Opened("group", "Walks", ME.uid)),
        notice(2, Joined(ME.uid, ME.name, 1)),
        notice(3, Joined(BOB, "Bob")),
    )
    return ready


# ------------------------------------------------------------------------------------------- groups


async def test_every_change_of_a_group_asks_the_server(group: App) -> None:
    chat = group.chat
    asked = [
        (await answered(group, wish))[0]
        for wish in (
            chat.add_members(CONV, [CAROL]),
            chat.remove_member(CONV, BOB),
            chat.rename_group(CONV, " Long walks "),
            chat.set_role(CONV, BOB, 1),
            chat.leave(CONV),
        )
    ]
    assert [(packet.do, packet.uids, packet.title, packet.role) for packet in asked] == [
        ("add", (CAROL,), "", 0),
        ("remove", (BOB,), "", 0),
        ("rename", (), "Long walks", 0),
        ("role", (BOB,), "", 1),
        ("leave", (), "", 0),
    ]
    assert len({packet.x for packet in asked}) == len(asked)


async def test_a_refused_change_raises_why(group: App) -> None:
    with pytest.raises(MembersTooMany) as refusal:
        await answered(group, group.chat.add_members(CONV, [CAROL]), code="members_too_many")
    assert refusal.value.facts == {"limit": 500}
    with pytest.raises(NameInvalid):
        await group.chat.rename_group(CONV, " ")


async def test_what_the_server_says_of_a_group_is_kept(group: App, tmp_path: Path) -> None:
    await tell(
        group,
        notice(4, Joined(CAROL, "Carol", by=BOB, mlv=4)),
        notice(5, Ranked(BOB, 1, by=ME.uid, mlv=5)),
        notice(6, Titled("Runs", by=BOB, mlv=6)),
        notice(7, Left(ME.uid, by=BOB, mlv=7)),
    )
    await group.told(MembersChanged)
    (entry,) = await group.chat.chats()
    assert (entry.title, entry.away) == ("Runs", True)
    assert entry.members == (Member(BOB, "Bob", 1), Member(CAROL, "Carol"))


async def test_who_is_no_member_reads_on_and_writes_nothing(group: App) -> None:
    await tell(group, said(4, "bye"), notice(5, Left(ME.uid, by=BOB)))
    with pytest.raises(NotMember):
        await group.chat.say(CONV, "wait")
    with pytest.raises(NotMember):
        await group.chat.send_file(CONV, __file__)
    assert [bubble.pos for bubble in await group.chat.page(CONV)] == [1, 2, 3, 4, 5]


async def test_who_comes_again_is_told_who_is_here_now(group: App) -> None:
    await tell(group, notice(4, Left(ME.uid)))
    await tell(group, notice(9, Joined(ME.uid, ME.name)), gaps=(Gap(5, 8, "not_member"),))
    await group.wire.hears(MembersR)
    seats = (Seat(CAROL, "Carol", 1), Seat(ME.uid, ME.name))
    group.wire.answer(MembersA(CONV, seats, form="group", title="Later walks"))

    async def renamed() -> bool:
        return (await group.chat.chats())[0].title == "Later walks"

    await group.until(renamed)
    (entry,) = await group.chat.chats()
    assert (entry.away, entry.members) == (False, (Member(CAROL, "Carol", 1), Member(ME.uid, ME.name)))
    await group.chat.say(CONV, "back")


async def test_the_table_comes_from_the_server_or_from_here(group: App) -> None:
    task = begin(group.chat.members(CONV))
    await group.wire.hears(MembersR)
    bob = Seat(BOB, "Bob", 0, 3, 2, 1003, 1002)
    group.wire.answer(MembersA(CONV, (Seat(ME.uid, ME.name, 1), bob)))
    assert await result(task) == [Seat(ME.uid, ME.name, 1), bob]
    group.wire.fall()
    assert bob in await group.chat.members(CONV)


# ----------------------------------------------------------------------------------------- receipts


async def test_an_own_message_says_since_when_others_have_it(group: App) -> None:
    lids = [await group.chat.say(CONV, f"walk {number}") for number in (4, 5)]
    for pos in (4, 5):
        asked = await group.accept(pos)
        await tell(group, Event(pos, 1000 + pos, ME.uid, ME.did, asked.n, asked.dg, asked.suite, asked.content))
    group.wire.answer(AckN(CONV, 0, 1, (Mark(BOB, 4, 0, 2004),)))
    group.wire.answer(AckN(CONV, 1, 2, (Mark(BOB, 5, 4, 2005, 3004),)))
    await group.shows(lids[1], State.DELIVERED)
    assert await group.chat.receipts(lids[0]) == [Receipt(BOB, "Bob", True, True, 2004, 3004)]
    assert await group.chat.receipts(lids[1]) == [Receipt(BOB, "Bob", True, False, 2005, 0)]
    await group.chat.change_settings(replace(group.chat.settings, receipts=False))
    assert await group.chat.receipts(lids[0]) == [Receipt(BOB, "Bob", True, False, 2004, 0)]


async def test_a_direct_bubble_says_since_when_it_was_read(ready: App) -> None:
    await ready.open_room()
    lid = await ready.chat.say(CONV, "hello")
    await ready.accept(4)
    ready.wire.answer(AckN(CONV, 0, 1, (Mark(BOB, 4, 4, 2004, 3004),)))
    bubble = await ready.shows(lid, State.READ)
    assert (bubble.delivered_ms, bubble.read_ms) == (2004, 3004)
    await ready.chat.change_settings(replace(ready.chat.settings, receipts=False))
    bubble = await ready.chat.bubble(lid)
    assert (bubble.state, bubble.delivered_ms, bubble.read_ms) == (State.DELIVERED, 2004, 0)


async def test_a_crowd_is_counted_and_its_table_comes_from_the_server(group: App) -> None:
    lid = await group.chat.say(CONV, "hello all")
    await group.accept(4)
    group.wire.answer(AckN(CONV, 0, 7, crowd=Crowd(40, (Step(4, 30),), (Step(4, 12),))))
    bubble = await group.shows(lid, State.ACCEPTED, lambda bubble: bubble.of == 40)
    assert (bubble.state, bubble.delivered_to, bubble.read_by) == (State.ACCEPTED, 30, 12)
    task = begin(group.chat.receipts(lid))
    await group.wire.hears(MembersR)
    group.wire.answer(MembersA(CONV, (Seat(BOB, "Bob", 0, 9, 0, 2009),)))
    assert await result(task) == [Receipt(BOB, "Bob", True, False, 2009, 0)]
    group.wire.answer(AckN(CONV, 7, 8, crowd=Crowd(40, (Step(4, 40),), (Step(4, 40),))))
    await group.shows(lid, State.READ)


# -------------------------------------------------------------------------------------------- hints


async def test_who_writes_is_told_both_ways(group: App) -> None:
    group.chat.typing(CONV, "voice")
    assert await group.wire.hears(TypingR) == TypingR(CONV, "voice")
    group.wire.answer(TypingN(CONV, BOB, "text"))
    await group.told(TypingChanged, lambda change: change == TypingChanged(CONV, BOB, "text"))
    assert group.chat.typists(CONV) == {BOB: "text"}
    await tell(group, said(4, "done"))
    await group.told(TypingChanged, lambda change: not change.doing)
    assert group.chat.typists(CONV) == {}


async def test_who_does_not_want_it_does_not_tell_that_they_write(group: App) -> None:
    await group.chat.change_settings(replace(group.chat.settings, typing=False))
    group.chat.typing(CONV, "text")
    await group.chat.say(CONV, "hello")
    await group.wire.hears(MsgR)
    assert not any(isinstance(packet, TypingR) for packet in group.wire.said)


async def test_who_is_here_is_known_while_the_line_is(group: App) -> None:
    group.chat.watch([BOB])
    assert await group.wire.hears(PresenceR) == PresenceR((BOB,))
    assert not group.chat.presence(BOB).known
    group.wire.answer(PresenceN((Here(BOB, True),)))
    await group.told(PresenceChanged, lambda change: change.people == (Presence(BOB, True),))
    assert group.chat.presence(BOB).online
    group.wire.fall()
    await group.told(PresenceChanged, lambda change: change.people == (Presence(BOB),))
    assert not group.chat.presence(BOB).known


async def test_a_core_that_is_built_anew_watches_the_same_people(group: App) -> None:
    group.chat.watch([BOB])
    await group.wire.hears(PresenceR)
    group.wire.answer(PresenceN((Here(BOB, True),)), TypingN(CONV, BOB, "text"))
    await group.told(TypingChanged)
    await group.chat.change_settings(replace(group.chat.settings, retry_mode="ask"))
    await group.told(TypingChanged, lambda change: not change.doing)
    await group.told(PresenceChanged, lambda change: change.people == (Presence(BOB),))
    await group.greet()
    assert await group.wire.hears(PresenceR) == PresenceR((BOB,))


# ------------------------------------------------------------------------------------------ history


async def arrive(app: App) -> App:
    """A new device, in a conversation that was at position 100 when it began."""
    app.wire.answer(OfflineA(CONV, 0, 101, 101, (said(101, "new"),), (Gap(1, 100, "before_device"),)))
    await app.wire.hears(MembersR)
    app.wire.answer(MembersA(CONV, (Seat(ME.uid, ME.name), Seat(BOB, "Bob")), form="direct"))
    return app


@pytest.fixture
async def newcomer(ready: App) -> App:
    return await arrive(ready)


async def serve_history(app: App, *, limit: int = 1000) -> None:
    """Be a server that has positions 1 to 100, and shows them from 4 on."""
    while True:
        asked = await app.wire.hears(OfflineR, lambda packet: packet.history)
        to = min(asked.after + min(asked.limit, limit), 100)
        events = tuple(said(pos, f"old {pos}") for pos in range(max(asked.after + 1, 4), to + 1))
        gaps = (Gap(asked.after + 1, min(to, 3), "before_join"),) if asked.after < 3 else ()
        app.wire.answer(OfflineA(CONV, asked.after, to, 101, events, gaps, history=True))


async def pages(app: App, limit: int) -> list[list[int]]:
    """Scroll to the beginning; the positions of each page."""
    found: list[list[int]] = []
    before = None
    while page := await app.chat.page(CONV, before=before, limit=limit):
        found.append([bubble.pos for bubble in page])
        before = page[0].order
    return found


async def test_older_pages_come_from_the_server(newcomer: App) -> None:
    server = begin(serve_history(newcomer, limit=7))
    found = await pages(newcomer, 20)
    server.cancel()
    assert [pos for page in reversed(found) for pos in page] == list(range(4, 102))
    assert [len(page) for page in found] == [20, 20, 20, 20, 18]
    memory = await newcomer.disk.load()
    assert (memory.rooms[0].older, memory.rooms[0].cursor) == ((), 101)
    assert await pages(newcomer, 50) == [list(range(52, 102)), list(range(4, 52))[-48:]]


async def test_without_a_line_a_page_is_what_is_here(newcomer: App) -> None:
    newcomer.wire.fall()
    assert [bubble.pos for bubble in await newcomer.chat.page(CONV)] == [101]


async def test_history_goes_on_after_a_restart(tmp_path: Path) -> None:
    found: list[list[int]] = []
    for limit in (30, 60):
        app = await open_app(tmp_path)
        await app.greet()
        if not found:
            await arrive(app)
        server = begin(serve_history(app))
        found = (
            [[bubble.pos for bubble in await app.chat.page(CONV, limit=limit)]] if not found else await pages(app, 60)
        )
        server.cancel()
        await close_app(app)
    assert [pos for page in reversed(found) for pos in page] == list(range(4, 102))


def bubbles(*positions: int) -> list[Bubble]:
    return [Bubble(Lid(pos), CONV, BOB, False, State.RECEIVED, 1, None, pos=pos) for pos in positions]


@pytest.mark.parametrize(
    ("page", "before", "after", "wanted"),
    [
        (bubbles(50, 51), None, None, None),  # full, and nothing missing in it
        (bubbles(41, 42), None, None, 49),  # the end is missing
        (bubbles(40, 50), None, None, 49),  # in the middle of it
        (bubbles(41), None, None, 49),  # not full: down to the beginning
        (bubbles(), (2 * 30, 1), None, 20),  # above the page
        (bubbles(25, 26), (2 * 30, 1), None, None),
        (bubbles(), (2 * 5, 1), None, None),
        (bubbles(30, 40), None, (2 * 25, 1), None),
        (bubbles(30, 60), None, (2 * 25, 1), 44),
        (bubbles(25), None, (2 * 12, 1), 14),
        (bubbles(61), None, (2 * 60, 1), None),
    ],
)
def test_a_page_wants_what_is_missing_in_it(
    page: list[Bubble], before: tuple[int, int] | None, after: tuple[int, int] | None, wanted: int | None
) -> None:
    spans = (Span(10, 20), Span(43, 49))
    assert missing_at(page, before, after, 2, spans) == wanted


def test_a_page_at_the_end_is_whole_too() -> None:
    assert missing_at([], (NOWHERE, 1), None, 5, (Span(1, 9),)) == 9


# ------------------------------------------------------------------------------------------ devices


async def test_devices_are_the_servers_to_list(ready: App) -> None:
    ready.accounts.listed = [Device(ME.did, "laptop", 2, 1, here=True)]
    assert await ready.chat.device_code() == "code of alice"
    assert await ready.chat.devices() == ready.accounts.listed
    await ready.chat.end_device(ME.did)
    assert ready.accounts.ended == [ME.did]


@pytest.fixture
async def ended(ready: App) -> App:
    """Alice wrote two messages; only the first was taken, she did not hear of it, and her device was ended."""
    await ready.open_room()
    await ready.chat.say(CONV, "taken")
    await ready.chat.say(CONV, "not taken")
    await ready.wire.hears(MsgR, lambda packet: "not taken" in text_of(packet))
    ready.wire.fall(Close.TOKEN)
    await ready.told(LineChanged, lambda change: change.line.state == "stopped")
    ready.wire.said.clear()
    return ready


async def begin_again(app: App) -> None:
    """The same person joins with a code; the profile is a new device now."""
    app.accounts.did = NEW_DID
    me = await app.chat.join("127.0.0.1:8787", "", "CODE")
    assert (me.did, me.name) == (NEW_DID, ME.name)


async def test_an_ended_device_says_what_was_not_sent(ended: App) -> None:
    assert ended.chat.line.code == "sign_in_again"
    assert [bubble.state for bubble in await ended.chat.left_over()] == [State.QUEUED, State.QUEUED]


async def test_what_the_server_had_taken_is_never_sent_again(ended: App) -> None:
    taken = (await ended.disk.content_of((await ended.chat.left_over())[0].lid), Did(ME.did))
    await begin_again(ended)
    lids = [bubble.lid for bubble in await ended.chat.left_over()]
    assert len(lids) == 2
    await greet_new(ended, head=6)
    task = begin(ended.chat.take_over())
    await pull_new(ended, 6)
    asked = await ended.wire.hears(OfflineR, lambda packet: packet.history)
    assert (asked.after, asked.limit) == (3, 3)
    events = (said(4, "hi"), said(5, "", ME.uid, taken[1], taken[0]), said(6, "?"))
    ended.wire.answer(OfflineA(CONV, 3, 6, 6, events, history=True))
    assert await result(task) == lids[1:]
    anew = await ended.wire.hears(MsgR)
    assert ("not taken" in text_of(anew), anew.n, anew.pd) == (True, 1, "")
    assert not any(isinstance(packet, MsgR) for packet in ended.wire.said)
    assert [(await ended.chat.bubble(lid)).state for lid in lids] == [State.ACCEPTED, State.SENDING]
    assert await ended.chat.left_over() == []


async def test_nothing_is_taken_over_while_the_log_cannot_be_seen(ended: App) -> None:
    await begin_again(ended)
    with pytest.raises(ServerUnreachable):
        await ended.chat.take_over()
    assert len(await ended.chat.left_over()) == 2


async def test_one_of_them_is_sent_again_by_itself_and_the_other_taken_away(ended: App) -> None:
    await begin_again(ended)
    first, second = [bubble.lid for bubble in await ended.chat.left_over()]
    await greet_new(ended, head=3)
    assert await ended.chat.resend(first) == first
    assert "taken" in text_of(await ended.wire.hears(MsgR))
    await ended.chat.remove(second)
    assert await ended.chat.left_over() == []


async def test_a_file_goes_up_again_from_this_device(ready: App, tmp_path: Path) -> None:
    await ready.open_room()
    file = tmp_path / "notes.txt"
    file.write_text("notes")
    lid = await ready.chat.send_file(CONV, str(file), caption="mine")
    gone = await ready.chat.send_file(CONV, __file__)
    for _ in range(2):
        await ready.wire.hears(MsgR)
    await ready.disk._write(lambda db: db.execute("update bubble set path = '/nowhere' where lid = ?", (gone,)))
    await begin_again(ready)
    await greet_new(ready, head=3)
    assert await ready.chat.take_over() == [lid]
    again = await ready.wire.hears(MsgR)
    assert ("mine" in text_of(again), again.n, len(again.media)) == (True, 1, 1)
    assert [bubble.lid for bubble in await ready.chat.left_over()] == [gone]
    with pytest.raises(NotPossibleNow):
        await ready.chat.resend(gone)


async def greet_new(app: App, head: int) -> None:
    """The server welcomes the new device; the conversation has come so far."""
    await app.wire.hears(Hello)
    heads = (Head(CONV, head, 0),)
    app.wire.answer(Welcome(v=1, sn=1, gen="g1", ts=1, uid=ME.uid, did=NEW_DID, name=ME.name, heads=heads))


async def pull_new(app: App, head: int) -> None:
    """The server answers the new device's first pull: what came meanwhile is older than the device."""
    asked = await app.wire.hears(OfflineR, lambda packet: not packet.history)
    gaps = (Gap(asked.after + 1, head, "before_device"),)
    app.wire.answer(OfflineA(CONV, asked.after, head, head, (), gaps))
