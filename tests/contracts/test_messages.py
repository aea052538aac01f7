"""What a profile's database promises (client.ports.Messages); every implementation must keep it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import product
from pathlib import Path

import msgspec
import pytest

from client.adapters import sqlite_changes, sqlite_words
from client.adapters.sqlite_messages import SqliteMessages
from client.core.effects import (
    Renumbered,
    SaveArrived,
    SaveComposed,
    SaveDropped,
    SaveFetch,
    SaveFetched,
    SaveFetchGone,
    SaveGeneration,
    SaveMarks,
    SaveOlder,
    SavePath,
    SavePeople,
    SavePrefs,
    SaveRead,
    SaveRenumbered,
    SaveRequeued,
    SaveRoster,
    SaveSeenLast,
    SaveSettled,
    SaveState,
    SaveUpload,
)
from client.core.model import Inspected, Lane, Me, Member, Own, Reach, Receipt, Seen, Span, State, Upload, Wanted
from protocol.codec import to_text
from protocol.content import (
    PLAIN,
    SERVER,
    Attachment,
    Content,
    File,
    Joined,
    Left,
    Mention,
    Notice,
    Opened,
    Picture,
    Reaction,
    Text,
    Voice,
    pack,
    pack_notice,
)
from protocol.lanes import digest
from protocol.packets import Crowd, Event, Gap, Mark, Person, Prefs, Relation, Step
from protocol.problems import UnknownMessage
from protocol.values import SERVER_DID, ConvId, Did, Digest, Lid, MediaId, Uid, replace

ALICE, BOB, CAROL = Uid("alice"), Uid("bob"), Uid("carol")
PHONE, LAPTOP, DESK = Did("11"), Did("12"), Did("21")
CHAT, TEAM = ConvId("chat"), ConvId("team")
ME = Me(ALICE, LAPTOP, "Alice", "token", "http://127.0.0.1:1")
PAIR = (Member(ALICE, "Alice"), Member(BOB, "Bob"))


@pytest.fixture
async def messages(tmp_path: Path) -> AsyncIterator[SqliteMessages]:
    store = SqliteMessages(tmp_path / "profile")
    await store.open()
    await store.become(ME)
    yield store
    await store.close()


def words(text: str, *, author: Uid = ALICE, conv: ConvId = CHAT, at_ms: int = 5) -> bytes:
    return pack(Content(author, conv, text.encode()[:8].ljust(8, b"."), at_ms, Text(text)))


def heard(pos: int, content: bytes, *, uid: Uid = BOB, did: Did = DESK, conv: ConvId = CHAT) -> Event:
    return Event(pos, 1_000 + pos, uid, did, pos, digest(conv, content), PLAIN, to_text(content))


def said(pos: int, text: str, *, author: Uid = BOB, did: Did = DESK, conv: ConvId = CHAT) -> Event:
    return heard(pos, words(text, author=author, conv=conv), uid=author, did=did, conv=conv)


def noticed(pos: int, notice: Notice, conv: ConvId = CHAT) -> Event:
    data = pack_notice(notice)
    return Event(pos, 1_000 + pos, Uid(""), SERVER_DID, pos, digest(conv, data), SERVER, to_text(data))


def composed(lid: int, text: str, *, n: int | None = None, conv: ConvId = CHAT) -> SaveComposed:
    content, number = words(text, conv=conv), n or lid
    dg = digest(conv, content)
    return SaveComposed(Lid(lid), conv, number, Digest(f"before {number}"), dg, content, (), 70 + lid, Lane(number, dg))


def arrived(*events: Event, conv: ConvId = CHAT, **more: object) -> SaveArrived:
    last = max((event.pos for event in events), default=0)
    return SaveArrived(conv, events, **{"gaps": (), "cursor": last, "head": last} | more)  # type: ignore[arg-type]


def settled(lid: int, pos: int, state: State = State.ACCEPTED, conv: ConvId = CHAT, code: str = "") -> SaveSettled:
    return SaveSettled(Lid(lid), conv, state, pos, 1_000 + pos if pos else 0, lid, code)


async def texts(messages: SqliteMessages, conv: ConvId = CHAT) -> list[str]:
    return [getattr(bubble.body, "text", "") for bubble in await messages.page(conv)]


async def state_of(messages: SqliteMessages, lid: int) -> State:
    return (await messages.bubble(Lid(lid))).state


# ------------------------------------------------------------------------------------------- sending


async def test_a_composed_message_is_a_bubble_and_a_row(messages: SqliteMessages) -> None:
    save = composed(1, "hello")
    [bubble] = await messages.save([save])

    assert (bubble.lid, bubble.mine, bubble.state, bubble.pos) == (1, True, State.QUEUED, 0)
    assert bubble.body == Text("hello")
    memory = await messages.load()
    [row] = memory.rows
    assert (row.n, row.pd, row.dg, row.content, row.wish) == (1, save.pd, save.dg, save.content, "send")
    assert (row.parked, row.first_ms) == (False, 71)
    assert memory.rooms[0].lane == Lane(1, save.dg, 0)
    assert memory.next_lid == 2
    assert await messages.content_of(Lid(1)) == save.content


async def test_saving_the_same_message_again_changes_nothing(messages: SqliteMessages) -> None:
    await messages.save([composed(1, "hello")])
    await messages.save([composed(1, "hello")])

    assert await texts(messages) == ["hello"]
    assert len((await messages.load()).rows) == 1


async def test_rows_come_back_in_the_order_of_their_lanes(messages: SqliteMessages) -> None:
    await messages.save([composed(lid, f"m{lid}", n=n) for lid, n in ((1, 3), (2, 1), (3, 2))])
    await messages.save([composed(4, "t", n=1, conv=TEAM)])

    assert [(row.conv, row.n) for row in (await messages.load()).rows] == [
        (CHAT, 1), (CHAT, 2), (CHAT, 3), (TEAM, 1),
    ]  # fmt: skip


async def test_renumbering_moves_rows_and_the_end_of_the_lane(messages: SqliteMessages) -> None:
    await messages.save([composed(1, "a"), composed(2, "b")])
    rows = (Renumbered(Lid(1), 5, Digest("x")), Renumbered(Lid(2), 6, Digest("y")))
    bubbles = await messages.save([SaveRenumbered(CHAT, rows, Lane(6, Digest("z"), 4))])

    assert [(bubble.lid, bubble.n) for bubble in bubbles] == [(1, 5), (2, 6)]
    memory = await messages.load()
    assert [(row.n, row.pd) for row in memory.rows] == [(5, "x"), (6, "y")]
    assert memory.rooms[0].lane == Lane(6, Digest("z"), 4)


async def test_settling_ends_the_waiting(messages: SqliteMessages) -> None:
    await messages.save([composed(1, "hello")])
    [bubble] = await messages.save([settled(1, 9)])

    assert (bubble.state, bubble.pos, bubble.ts) == (State.ACCEPTED, 9, 1_009)
    memory = await messages.load()
    assert memory.rows == ()
    assert [(known.lid, known.pos, known.n) for known in memory.accepted] == [(1, 9, 1)]
    assert memory.rooms[0].lane.seen_last == 1


async def test_a_refusal_names_its_reason(messages: SqliteMessages) -> None:
    await messages.save([composed(1, "hello")])
    [bubble] = await messages.save([settled(1, 0, State.REFUSED, code="not_member")])

    assert (bubble.state, bubble.code, bubble.pos) == (State.REFUSED, "not_member", 0)
    assert (await messages.load()).rows == ()


async def test_parking_and_the_wish_to_cancel_are_kept(messages: SqliteMessages) -> None:
    await messages.save([composed(1, "hello")])
    await messages.save([SaveState(Lid(1), State.NEEDS_YOU, parked=True)])
    assert (await messages.load()).rows[0].parked

    await messages.save([SaveState(Lid(1), State.CANCELLING, wish="cancel")])
    row = (await messages.load()).rows[0]
    assert (row.parked, row.wish) == (False, "cancel")
    assert await state_of(messages, 1) is State.CANCELLING


async def test_a_message_with_an_ack_is_not_probed_after_a_restart(messages: SqliteMessages) -> None:
    await messages.save([composed(1, "a"), composed(2, "b"), settled(1, 1), settled(2, 2)])
    await messages.save([SaveState(Lid(1), State.STORED)])

    assert [known.lid for known in (await messages.load()).accepted] == [2]


async def test_the_highest_last_only_climbs(messages: SqliteMessages) -> None:
    await messages.save([SaveSeenLast(CHAT, 7), SaveSeenLast(CHAT, 3)])

    assert (await messages.load()).rooms[0].lane.seen_last == 7


LADDER = [state for state in State if state.on_ladder]
SIDES = [State.CANCELLING, State.NEEDS_YOU, State.REFUSED, State.CANCELLED, State.LONG_AGO]
TAKEN = [State.ACCEPTED, State.STORED, State.DELIVERED, State.READ]


async def brought_to(messages: SqliteMessages, state: State) -> None:
    """A fresh bubble number 1 in `state`, the way it gets there."""
    if state is State.UPLOADING:
        await messages.save([SaveUpload(upload(1))])
    else:
        await messages.save([composed(1, "hello")])
    if state in TAKEN:
        await messages.save([settled(1, 1)])
    elif state in (State.REFUSED, State.CANCELLED, State.LONG_AGO):
        await messages.save([settled(1, 0, state)])
    await messages.save([SaveState(Lid(1), state)])
    assert await state_of(messages, 1) is state


@pytest.mark.parametrize(("old", "new"), [*product(LADDER, LADDER)])
async def test_on_the_ladder_a_state_only_climbs(messages: SqliteMessages, old: State, new: State) -> None:
    await brought_to(messages, old)
    changed = await messages.save([SaveState(Lid(1), new)])

    assert await state_of(messages, 1) is max(old, new)
    assert bool(changed) is (new >= old)


@pytest.mark.parametrize(("old", "new"), [*product(TAKEN, SIDES)])
async def test_what_the_server_has_taken_stays_taken(messages: SqliteMessages, old: State, new: State) -> None:
    await brought_to(messages, old)
    await messages.save([SaveState(Lid(1), new, code="late"), settled(1, 0, new, code="late")])

    bubble = await messages.bubble(Lid(1))
    assert (bubble.state, bubble.pos, bubble.code) == (old, 1, "")


@pytest.mark.parametrize(("old", "new"), [*product(SIDES[2:], SIDES + [State.QUEUED, State.SENDING])])
async def test_what_is_over_stays_over(messages: SqliteMessages, old: State, new: State) -> None:
    await brought_to(messages, old)
    await messages.save([SaveState(Lid(1), new)])

    assert await state_of(messages, 1) is old


@pytest.mark.parametrize(("old", "new"), [*product(SIDES, TAKEN)])
async def test_the_log_is_right_about_what_was_taken(messages: SqliteMessages, old: State, new: State) -> None:
    """LONG_AGO is a guess, and a wish to cancel may come too late (P-24, P-40)."""
    await brought_to(messages, old)
    await messages.save([settled(1, 4, new)])

    bubble = await messages.bubble(Lid(1))
    assert (bubble.state, bubble.pos) == (new, 4)


@pytest.mark.parametrize(("old", "new"), [*product(SIDES[:2], [State.QUEUED, State.SENDING, *SIDES])])
async def test_while_nothing_is_decided_wishes_take_turns(messages: SqliteMessages, old: State, new: State) -> None:
    await brought_to(messages, old)
    await messages.save([SaveState(Lid(1), new)])

    assert await state_of(messages, 1) is new


# -------------------------------------------------------------------------------------------- receiving


async def test_what_arrives_is_kept_with_the_cursor(messages: SqliteMessages) -> None:
    bubbles = await messages.save(
        [
            arrived(
                noticed(1, Opened("direct")), noticed(2, Joined(BOB, "Bob")), said(3, "hi"),
                form="direct", members=PAIR, title="", cursor=5, head=8, gaps=(Gap(4, 5, "expired"),),
            )
        ]
    )  # fmt: skip

    assert [(bubble.pos, bubble.mine, bubble.state) for bubble in bubbles] == [
        (pos, False, State.RECEIVED) for pos in (1, 2, 3)
    ]
    assert bubbles[1].body == Joined(BOB, "Bob")
    assert (bubbles[2].body, bubbles[2].uid, bubbles[2].ts, bubbles[2].at_ms) == (Text("hi"), BOB, 1_003, 5)
    [room] = (await messages.load()).rooms
    assert (room.cursor, room.head, room.form, room.members) == (5, 8, "direct", PAIR)


async def test_numbers_from_the_log_never_meet_numbers_given_here(messages: SqliteMessages) -> None:
    await messages.save([arrived(said(1, "one"), said(2, "two"))])
    await messages.save([composed((await messages.load()).next_lid, "mine")])

    assert (await messages.load()).next_lid == 2
    assert await texts(messages) == ["one", "two", "mine"]


async def test_the_echo_settles_an_own_message(messages: SqliteMessages) -> None:
    await messages.save([composed(1, "hello")])
    event = said(6, "hello", author=ALICE, did=LAPTOP)
    bubbles = await messages.save([arrived(event, settled=((Lid(1), event, State.ACCEPTED),))])

    assert [(bubble.lid, bubble.pos, bubble.state) for bubble in bubbles] == [(1, 6, State.ACCEPTED)]
    assert (await messages.load()).rows == ()
    assert await texts(messages) == ["hello"]


async def test_an_echo_nobody_paired_finds_its_bubble_by_the_digest(messages: SqliteMessages) -> None:
    await messages.save([composed(1, "hello")])
    await messages.save([arrived(said(6, "hello", author=ALICE, did=LAPTOP))])

    assert await texts(messages) == ["hello"]
    assert await state_of(messages, 1) is State.ACCEPTED


async def test_a_message_from_an_own_other_device_is_mine(messages: SqliteMessages) -> None:
    [bubble] = await messages.save([arrived(said(1, "from the phone", author=ALICE, did=PHONE))])

    assert (bubble.mine, bubble.state) == (True, State.ACCEPTED)
    assert (await messages.load()).accepted == ()  # the phone probes it


async def test_marks_known_before_the_message_count(messages: SqliteMessages) -> None:
    await messages.save([SaveMarks(CHAT, (Mark(BOB, 9, 4),), 3, 9, 4), composed(1, "a"), composed(2, "b")])
    await messages.save([settled(1, 4), settled(2, 5)])
    await messages.save([arrived(said(6, "from the phone", author=ALICE, did=PHONE))])

    assert [bubble.state for bubble in await messages.page(CHAT)] == [
        State.READ, State.DELIVERED, State.DELIVERED,
    ]  # fmt: skip


async def test_the_same_event_twice_is_one_bubble(messages: SqliteMessages) -> None:
    await messages.save([arrived(said(1, "hi"))])
    await messages.save([arrived(said(1, "hi"))])

    assert await texts(messages) == ["hi"]


async def test_the_server_may_say_the_same_twice(messages: SqliteMessages) -> None:
    """Somebody joins, leaves, and joins again: three notices, two of them with one digest."""
    await messages.save([arrived(noticed(1, Joined(BOB, "Bob")))])
    await messages.save([arrived(noticed(2, Left(BOB)), noticed(3, Joined(BOB, "Bob")))])

    assert [bubble.body for bubble in await messages.page(CHAT)] == [
        Joined(BOB, "Bob"), Left(BOB), Joined(BOB, "Bob"),
    ]  # fmt: skip

    await messages.save([SaveGeneration("2-b", ((CHAT, 1),))])
    assert [bubble.pos for bubble in await messages.page(CHAT)] == [1]


async def test_what_a_restored_server_has_lost_has_no_ticks_and_is_not_read(messages: SqliteMessages) -> None:
    """Another device of this person may offer it again: whoever had it has to get it once more."""
    event = said(2, "from the phone", author=ALICE, did=PHONE)
    await messages.save([arrived(said(1, "first"), event)])
    await messages.save([SaveMarks(CHAT, (), 1, 2, 2), SaveRead(CHAT, 2)])
    [before] = [bubble for bubble in await messages.page(CHAT) if bubble.mine]
    assert before.state is State.READ

    await messages.save([SaveGeneration("2-b", ((CHAT, 1),))])
    await messages.save([arrived(event)])
    [after] = [bubble for bubble in await messages.page(CHAT) if bubble.mine]
    assert (after.state, (await messages.load()).rooms[0].read_upto) == (State.ACCEPTED, 1)


async def test_who_is_in_a_group_is_asked_when_its_end_is_not_there_any_more(messages: SqliteMessages) -> None:
    for conv in (CHAT, TEAM):
        await messages.save([arrived(said(1, "first"), conv=conv, form="group", away=True)])
    await messages.save([SaveGeneration("2-b", ((CHAT, 0), (TEAM, 1)))])
    assert {room.conv: (room.thin, room.away) for room in (await messages.load()).rooms} == {
        CHAT: (True, False), TEAM: (False, True),
    }  # fmt: skip


async def test_a_second_claim_on_a_position_breaks_nothing(messages: SqliteMessages) -> None:
    await messages.save([arrived(said(1, "first"))])
    await messages.save([arrived(said(1, "second"), cursor=2, head=2)])
    assert await texts(messages) == ["first"]

    await messages.save([composed(1, "mine"), settled(1, 1)])
    assert await texts(messages) == ["mine", "first"]
    assert (await messages.load()).rooms[0].cursor == 2


@pytest.mark.parametrize(
    "event",
    [
        heard(1, b'{"kind":"from the future"}'),
        heard(1, words("I am Carol", author=CAROL)),
        heard(1, words("elsewhere", author=BOB, conv=TEAM)),
        msgspec.structs.replace(said(1, "secret"), suite="mls1"),
        msgspec.structs.replace(noticed(1, Left(CAROL)), did=DESK, uid=BOB),
        msgspec.structs.replace(said(1, "odd"), content="*"),
        msgspec.structs.replace(noticed(1, Opened("direct")), content=to_text(b'{"kind":"newer"}')),
    ],
    ids=[
        "unknown body",
        "another author",
        "another conversation",
        "unknown suite",
        "a forged notice",
        "no base64",
        "notice",
    ],
)
async def test_what_cannot_be_read_is_kept_and_says_so(messages: SqliteMessages, event: Event, tmp_path: Path) -> None:
    """P-81, P-91: stored, acknowledged, shown as not shown; the event itself stays in quarantine."""
    [bubble] = await messages.save([arrived(event)])

    assert (bubble.state, bubble.body, bubble.pos) == (State.UNREADABLE, None, 1)
    assert (await messages.load()).rooms[0].cursor == 1
    [(raw,)] = await messages._rows("select bytes from raw")
    assert msgspec.json.decode(raw, type=Event) == event


async def test_what_we_stumble_over_when_it_is_shown_takes_nothing_with_it(
    messages: SqliteMessages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P-81: the frame is stored, the rest of the page is shown, and a better version shows the whole of it."""

    def stumbles(mentions: Sequence[Mention], text: str) -> tuple[Mention, ...]:
        raise KeyError(text)

    named = pack(Content(BOB, CHAT, bytes(8), 5, Text("for you", (Mention(ALICE, 0, 3),))))
    monkeypatch.setattr(sqlite_words, "within", stumbles)
    saved = await messages.save([arrived(said(1, "hi"), heard(2, named), said(3, "there"))])
    for bubbles in (saved, await messages.page(CHAT)):
        assert [(bubble.state, bubble.body) for bubble in bubbles] == [
            (State.RECEIVED, Text("hi")), (State.UNREADABLE, None), (State.RECEIVED, Text("there")),
        ]  # fmt: skip
    assert (await messages.load()).rooms[0].cursor == 3

    monkeypatch.undo()
    assert await texts(messages) == ["hi", "for you", "there"]


async def test_a_change_that_we_stumble_over_does_not_hide_its_message(
    messages: SqliteMessages, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = said(1, "hi")
    thumb = pack(Content(BOB, CHAT, bytes(8), 5, Reaction(message.dg, "👍")))
    change = replace(heard(2, thumb), rel=Relation("react", 1))

    def stumbles(content: bytes, **where: object) -> Content:
        raise KeyError(content)

    monkeypatch.setattr(sqlite_changes, "unpack", stumbles)
    [bubble] = await messages.save([arrived(message, change)])
    assert (bubble.body, bubble.reactions) == (Text("hi"), ())

    monkeypatch.undo()
    [bubble] = await messages.page(CHAT)
    assert bubble.reactions == (("👍", (BOB,)),)


async def test_a_cursor_never_falls_by_a_late_frame(messages: SqliteMessages) -> None:
    await messages.save([arrived(cursor=9, head=9), arrived(said(3, "late"))])

    [room] = (await messages.load()).rooms
    assert (room.cursor, room.head) == (9, 9)


# ------------------------------------------------------------------------------------------------ marks


async def test_marks_merge_by_maximum_and_bubbles_climb(messages: SqliteMessages) -> None:
    await messages.save([composed(1, "a"), composed(2, "b"), composed(3, "c"), settled(1, 1), settled(2, 2)])
    bubbles = await messages.save([SaveMarks(CHAT, (Mark(BOB, 2, 1),), 5, 2, 1)])
    assert [(bubble.lid, bubble.state) for bubble in bubbles] == [(1, State.READ), (2, State.DELIVERED)]

    assert await messages.save([SaveMarks(CHAT, (Mark(BOB, 1, 0),), 4, 1, 0)]) == []
    [room] = (await messages.load()).rooms
    assert (room.rev, room.marks) == (5, {BOB: Reach(2, 1)})
    assert await state_of(messages, 3) is State.QUEUED


async def test_a_group_counts_who_has_it(messages: SqliteMessages) -> None:
    trio = (*PAIR, Member(CAROL, "Carol"))
    await messages.save([arrived(conv=TEAM, form="group", title="Team", members=trio)])
    await messages.save([composed(1, "a", conv=TEAM), settled(1, 1, conv=TEAM)])
    [bubble] = await messages.save([SaveMarks(TEAM, (Mark(BOB, 1, 1),), 1, 0, 0)])
    assert (bubble.delivered_to, bubble.read_by, bubble.of, bubble.state) == (1, 1, 2, State.ACCEPTED)

    [bubble] = await messages.save([SaveMarks(TEAM, (Mark(CAROL, 1, 0),), 2, 1, 0)])
    assert (bubble.delivered_to, bubble.read_by, bubble.of, bubble.state) == (2, 1, 2, State.DELIVERED)

    [bubble] = await messages.save([arrived(conv=TEAM, members=PAIR)])
    assert (bubble.delivered_to, bubble.read_by, bubble.of) == (1, 1, 1)


async def test_a_direct_message_counts_nobody(messages: SqliteMessages) -> None:
    await messages.save([arrived(form="direct", members=PAIR), composed(1, "a"), settled(1, 1)])
    [bubble] = await messages.save([SaveMarks(CHAT, (Mark(BOB, 1, 1),), 1, 1, 1)])

    assert (bubble.state, bubble.of) == (State.READ, 0)


# ------------------------------------------------------------------------------------------ generations


async def test_a_restored_server_gets_everything_again(messages: SqliteMessages) -> None:
    await messages.save(
        [arrived(said(1, "kept"), said(2, "lost")), composed(1, "mine"), settled(1, 3), composed(2, "waits")]
    )
    await messages.save([SaveMarks(CHAT, (Mark(BOB, 3, 3),), 8, 3, 3)])
    content = words("mine")
    assert await messages.own_above([(CHAT, 1)]) == (Own(Lid(1), CHAT, digest(CHAT, content), content, (), 71),)

    await messages.save(
        [
            SaveGeneration("2-b", ((CHAT, 1),)),
            SaveRequeued(Lid(1), CHAT, 1, Digest("p"), Lane(1, digest(CHAT, content))),
        ]
    )
    memory = await messages.load()
    [room] = memory.rooms
    assert memory.me is not None
    assert (memory.me.gen, room.cursor, room.head, room.rev, room.marks) == ("2-b", 1, 1, 0, {})
    assert [(row.lid, row.n, row.dg) for row in memory.rows] == [
        (1, 1, digest(CHAT, content)), (2, 2, digest(CHAT, words("waits"))),
    ]  # fmt: skip
    assert await state_of(messages, 1) is State.QUEUED

    await messages.save([arrived(said(2, "new"), said(3, "lost"))])
    await messages.save([settled(1, 4)])
    assert sorted(await texts(messages)) == ["kept", "lost", "mine", "new", "waits"]
    assert [bubble.pos for bubble in await messages.page(CHAT)] == [1, 2, 3, 4, 0]


async def test_what_another_own_device_sent_is_not_offered_from_here(messages: SqliteMessages) -> None:
    await messages.save([arrived(said(1, "phone", author=ALICE, did=PHONE))])

    assert await messages.own_above([(CHAT, 0)]) == ()


async def test_a_new_device_starts_its_lanes_afresh_and_forgets_nothing(messages: SqliteMessages) -> None:
    await messages.save([composed(1, "sent"), settled(1, 1), composed(2, "not sent")])
    await messages.become(msgspec.structs.replace(ME, did=PHONE))

    memory = await messages.load()
    assert (memory.rows, memory.accepted, memory.rooms[0].lane) == ((), (), Lane())
    assert await texts(messages) == ["sent", "not sent"]
    bubble = await messages.bubble(Lid(2))
    assert (bubble.state, bubble.code) == (State.LONG_AGO, "sign_in_again")
    assert await messages.content_of(Lid(2)) == words("not sent")


# ----------------------------------------------------------------------------------------------- uploads


def upload(lid: int, **more: object) -> Upload:
    plain = {
        "lid": Lid(lid), "conv": CHAT, "number": 9, "path": "/p/cat.jpg", "name": "cat.jpg", "kind": "auto",
        "caption": "my cat", "nonce": b"12345678", "at_ms": 70,
    }  # fmt: skip
    return Upload(**plain | more)  # type: ignore[arg-type]


FOUND = Inspected("picture", "image/jpeg", "cat.jpg", 1234, "ab" * 32, "/tmp/stripped.jpg", 40, 30)


async def test_a_file_is_shown_from_the_first_moment(messages: SqliteMessages) -> None:
    [bubble] = await messages.save([SaveUpload(upload(1))])
    assert (bubble.state, bubble.path, bubble.pos) == (State.UPLOADING, "/p/cat.jpg", 0)
    assert isinstance(bubble.body, File)
    assert (bubble.body.file.name, bubble.body.caption) == ("cat.jpg", "my cat")

    [bubble] = await messages.save([SaveUpload(upload(1, inspected=FOUND))])
    assert isinstance(bubble.body, Picture)
    assert (bubble.body.file.width, bubble.body.file.size_bytes) == (40, 1234)
    assert (await messages.load()).uploads == (upload(1, inspected=FOUND),)


async def test_a_complete_upload_becomes_an_ordinary_message(messages: SqliteMessages) -> None:
    await messages.save([SaveUpload(upload(1))])
    save = msgspec.structs.replace(composed(1, "see file", n=4), media=(MediaId("m1"),))
    [bubble] = await messages.save([save])

    assert (bubble.state, bubble.body, bubble.path) == (State.QUEUED, Text("see file"), "/p/cat.jpg")
    memory = await messages.load()
    assert memory.uploads == ()
    assert memory.rows[0].media == (MediaId("m1"),)


async def test_a_refused_upload_may_be_tried_again(messages: SqliteMessages) -> None:
    await messages.save([SaveUpload(upload(1, kind="voice", paused=True))])
    [bubble] = await messages.save([SaveState(Lid(1), State.REFUSED, code="media_vanished")])
    assert (bubble.state, bubble.code) == (State.REFUSED, "media_vanished")
    assert isinstance(bubble.body, Voice)

    [bubble] = await messages.save([SaveUpload(upload(1)), SaveState(Lid(1), State.UPLOADING)])
    assert (bubble.state, bubble.code) == (State.UPLOADING, "")


async def test_a_dropped_file_is_gone(messages: SqliteMessages) -> None:
    await messages.save([SaveUpload(upload(1))])
    assert await messages.save([SaveDropped(Lid(1), CHAT)]) == []

    assert (await messages.load()).uploads == ()
    with pytest.raises(UnknownMessage):
        await messages.bubble(Lid(1))


async def test_a_download_is_remembered(messages: SqliteMessages) -> None:
    [bubble] = await messages.save([arrived(said(1, "x"))])
    [bubble] = await messages.save([SaveFetched(bubble.lid, "/cache/x")])
    assert bubble.path == "/cache/x"

    [bubble] = await messages.save([SaveFetched(bubble.lid, "", "media_unknown")])
    assert (bubble.path, bubble.code) == ("", "media_unknown")


def wanted(lid: int, *, held: bool = False) -> Wanted:
    return Wanted(Lid(lid), MediaId("m1"), 1234, "ab" * 32, "cat.jpg", "voice", held)


async def test_what_is_wanted_is_remembered_until_it_is_here(messages: SqliteMessages) -> None:
    [bubble] = await messages.save([arrived(said(1, "x"))])
    lid = bubble.lid
    [bubble] = await messages.save([SaveFetch(wanted(lid))])
    assert (bubble.fetching, bubble.paused) == (True, False)
    [bubble] = await messages.save([SaveFetch(wanted(lid, held=True))])
    assert (bubble.fetching, bubble.paused) == (True, True)
    assert (await messages.load()).fetches == (wanted(lid, held=True),)
    assert (await messages.page(CHAT))[0].paused

    [bubble] = await messages.save([SaveFetched(lid, "/cache/x", "", "", 77)])
    assert (bubble.fetching, bubble.paused, bubble.path, bubble.fetched_ms) == (False, False, "/cache/x", 77)
    assert (await messages.load()).fetches == ()
    await messages.save([SaveFetch(wanted(lid))])
    [bubble] = await messages.save([SaveFetchGone(lid)])
    assert not bubble.fetching


async def test_what_cannot_be_had_or_has_no_bubble_is_not_wanted(messages: SqliteMessages) -> None:
    [bubble] = await messages.save([arrived(said(1, "x"))])
    await messages.save([SaveFetch(wanted(bubble.lid)), SaveFetch(wanted(9))])
    assert len((await messages.load()).fetches) == 1, "nobody shows the other one"
    await messages.save([SaveFetched(bubble.lid, "", "media_unknown")])
    await messages.save([SaveFetch(wanted(bubble.lid)), SaveDropped(bubble.lid, CHAT)])
    assert (await messages.load()).fetches == ()


async def test_a_voice_that_is_none_is_a_plain_file_with_a_reason(messages: SqliteMessages) -> None:
    file = Attachment(MediaId("m1"), "hello.ogg", "audio/ogg", 5, "ab" * 32)
    [bubble] = await messages.save([arrived(heard(1, pack(Content(BOB, CHAT, b"12345678", 5, Voice(file)))))])
    assert isinstance(bubble.body, Voice)
    [bubble] = await messages.save([SaveFetched(bubble.lid, "/cache/x", "", "media_not_as_said", 77)])
    assert (bubble.why, bubble.body) == ("media_not_as_said", File(file))
    [bubble] = await messages.save([SavePath(bubble.lid, "")])
    assert (bubble.why, bubble.fetched_ms) == ("media_not_as_said", 77), "it does not become better by being gone"
    [bubble] = await messages.save([SaveFetched(bubble.lid, "/cache/x", "", "", 88)])
    assert (bubble.why, bubble.fetched_ms) == ("", 88)


async def test_a_held_upload_is_shown_as_it_stands(messages: SqliteMessages) -> None:
    [bubble] = await messages.save([SaveUpload(upload(1, inspected=FOUND, held=True, held_bytes=600))])
    assert (bubble.state, bubble.paused, bubble.here_bytes) == (State.UPLOADING, True, 600)
    [bubble] = await messages.save([SaveUpload(upload(1, inspected=FOUND))])
    assert (bubble.paused, bubble.here_bytes) == (False, 0)
    unsafe = msgspec.structs.replace(FOUND, kind="file", why="media_unsafe")
    [bubble] = await messages.save([SaveUpload(upload(1, inspected=unsafe))])
    assert bubble.why == "media_unsafe"


async def test_a_file_that_moves_changes_nothing_else(messages: SqliteMessages) -> None:
    await messages.save([composed(1, "x")])
    [bubble] = await messages.save([SaveState(Lid(1), State.REFUSED, code="blocked")])
    [bubble] = await messages.save([SavePath(Lid(1), "/media/ab.ogg")])
    assert (bubble.path, bubble.code, bubble.state) == ("/media/ab.ogg", "blocked", State.REFUSED)


async def test_which_files_bubbles_show(messages: SqliteMessages) -> None:
    await messages.save([SaveUpload(upload(1))])
    assert await messages.shows_file("/p/cat.jpg")
    assert not await messages.shows_file("/p/dog.jpg")


# --------------------------------------------------------------------------------------------- looking


async def test_pages_follow_the_order_of_the_screen(messages: SqliteMessages) -> None:
    await messages.save([arrived(*(said(pos, f"p{pos}") for pos in range(1, 8)))])
    await messages.save([composed(1, "w1"), composed(2, "w2")])

    newest = await messages.page(CHAT, limit=3)
    assert [bubble.body.text for bubble in newest if isinstance(bubble.body, Text)] == ["p7", "w1", "w2"]
    older = await messages.page(CHAT, before=newest[0].order, limit=2)
    assert [bubble.pos for bubble in older] == [5, 6]
    newer = await messages.page(CHAT, after=older[-1].order, limit=2)
    assert [bubble.lid for bubble in newer] == [newest[0].lid, 1]
    assert await messages.page(CHAT, after=newest[-1].order) == []
    assert await messages.page(CHAT, before=(1, 0)) == []
    everything = await messages.page(CHAT)
    assert everything == sorted(everything, key=lambda bubble: bubble.order)


@pytest.mark.parametrize("ended", [State.CANCELLED, State.REFUSED, State.LONG_AGO])
async def test_what_ended_without_a_position_stays_where_the_conversation_stood(
    messages: SqliteMessages, ended: State
) -> None:
    await messages.save([arrived(said(1, "before"))])
    await messages.save([composed(1, "never mind"), composed(2, "still waits")])
    await messages.save([settled(1, 0, ended)])
    await messages.save([arrived(said(2, "after"))])

    assert await texts(messages) == ["before", "never mind", "after", "still waits"]


async def test_bubbles_of_a_save_come_in_order(messages: SqliteMessages) -> None:
    await messages.save([composed(1, "a"), composed(2, "b")])
    bubbles = await messages.save([settled(2, 1), settled(1, 2), arrived(said(3, "c"))])

    assert [bubble.pos for bubble in bubbles] == [1, 2, 3]


async def test_the_chat_list(messages: SqliteMessages) -> None:
    await messages.save([arrived(noticed(1, Opened("direct")), said(2, "hi"), form="direct", members=PAIR)])
    await messages.save([composed(1, "a"), composed(2, "b"), SaveState(Lid(2), State.NEEDS_YOU, parked=True)])
    await messages.save([arrived(said(9, "later", conv=TEAM), conv=TEAM, form="group", title="Team", members=PAIR)])
    await messages.set_draft(CHAT, "half a sen")
    await messages.save([SaveUpload(upload(3))])

    team, chat = await messages.chats()
    assert (team.conv, team.title, team.form, team.unread) == (TEAM, "Team", "group", 1)
    assert team.last is not None
    assert team.last.body == Text("later")
    assert (chat.title, chat.unread, chat.waiting, chat.needs_you) == ("Bob", 1, 2, 1)
    assert (chat.draft, chat.members) == ("half a sen", PAIR)

    await messages.save([SaveRead(CHAT, 2), SaveRead(CHAT, 1)])
    chat = next(entry for entry in await messages.chats() if entry.conv == CHAT)
    assert (chat.unread, chat.read_upto) == (0, 2)
    assert next(room for room in (await messages.load()).rooms if room.conv == CHAT).read_upto == 2


async def test_people_settings_and_traces(messages: SqliteMessages) -> None:
    people = (Person(BOB, "Bob"), Person(ALICE, "Alice"))
    await messages.save([SavePeople(people)])
    assert await messages.people() == [people[1], people[0]]

    assert await messages.setting("theme") is None
    await messages.set_setting("theme", "dark")
    await messages.set_setting("theme", "light")
    assert await messages.setting("theme") == "light"

    seen = [Seen(Lid(1), "msg:R", "out", 1, 10), Seen(Lid(1), "msg:A", "in", 1, 12, "pos 3")]
    await messages.note([*seen, Seen(Lid(2), "msg:R", "out", 1, 11)])
    assert await messages.trace(Lid(1)) == seen


async def test_bubbles_at_positions(messages: SqliteMessages) -> None:
    await messages.save([arrived(*(said(pos, f"p{pos}") for pos in (1, 2, 3))), composed(1, "w")])

    first, second = (bubble.lid for bubble in (await messages.page(CHAT))[:2])
    assert await messages.lids_at(CHAT, 1, 2) == [first, second]
    assert len(await messages.lids_at(CHAT, 1, 1 << 61)) == 3


async def test_what_is_not_here_is_said(messages: SqliteMessages) -> None:
    with pytest.raises(UnknownMessage):
        await messages.bubble(Lid(99))
    with pytest.raises(UnknownMessage):
        await messages.content_of(Lid(99))
    assert await messages.save([SaveState(Lid(99), State.STORED), settled(99, 1)]) == []


# --------------------------------------------------------------------- groups, readings, history, devices


async def group(messages: SqliteMessages, *others: Member) -> None:
    """Alice is in a group with these."""
    await messages.save([SaveArrived(TEAM, (), (), 1, 1, (), (Member(ALICE, "Alice", 1), *others), "group", "Team")])


async def own(messages: SqliteMessages, conv: ConvId, *positions: int) -> None:
    """Alice has said something at each of these positions; its lid is the position."""
    for n, pos in enumerate(positions, 1):
        await messages.save([composed(pos, f"own {pos}", n=n, conv=conv)])
        await messages.save([SaveSettled(Lid(pos), conv, State.ACCEPTED, pos, 1_000 + pos, n)])


async def test_roles_and_leaving_are_remembered(messages: SqliteMessages) -> None:
    await group(messages, Member(BOB, "Bob"))
    (room,) = (await messages.load()).rooms
    assert (room.members[0], room.away, room.thin) == (Member(ALICE, "Alice", 1), False, False)
    await messages.save([SaveArrived(TEAM, (), (), 2, 2, away=True, thin=True)])
    await messages.save([SaveArrived(TEAM, (), (), 3, 3)])
    (room,) = (await messages.load()).rooms
    assert (room.away, room.thin) == (True, True)
    assert [entry.away for entry in await messages.chats()] == [True]


async def test_a_table_makes_the_list_of_members_whole(messages: SqliteMessages) -> None:
    await messages.save([SaveArrived(TEAM, (), (), 2, 2, away=True, thin=True)])
    seats = (Member(CAROL, "Carol", 1), Member(ALICE, "Alice"))
    await messages.save([SaveRoster(TEAM, seats, False, "group", "Team")])
    (room,) = (await messages.load()).rooms
    assert (room.members, room.form, room.title, room.away, room.thin) == (seats, "group", "Team", False, False)
    await messages.save([SaveRoster(TEAM, seats, True)])
    (room,) = (await messages.load()).rooms
    assert (room.form, room.title, room.away) == ("group", "Team", True)


async def test_nobody_is_counted_while_somebody_may_be_missing(messages: SqliteMessages) -> None:
    await group(messages, Member(BOB, "Bob"))
    await own(messages, TEAM, 5)
    assert (await messages.bubble(Lid(5))).of == 1
    await messages.save([SaveArrived(TEAM, (), (), 5, 5, thin=True)])
    assert (await messages.bubble(Lid(5))).of == 0


async def test_each_own_message_says_since_when_each_has_it(messages: SqliteMessages) -> None:
    await group(messages, Member(BOB, "Bob"), Member(CAROL, "Carol"))
    await own(messages, TEAM, 5, 8)
    await messages.save([SaveMarks(TEAM, (Mark(BOB, 6, 0, 2_006),), 1, 0, 0)])
    await messages.save([SaveMarks(TEAM, (Mark(BOB, 7, 5, 2_007, 3_005), Mark(ALICE, 9, 9, 1, 1)), 2, 0, 0)])
    await messages.save([SaveMarks(TEAM, (Mark(BOB, 9, 6, 2_009, 3_006),), 3, 0, 0)])
    carol = Receipt(CAROL, "Carol")
    assert await messages.receipts(Lid(5)) == [Receipt(BOB, "Bob", True, True, 2_006, 3_005), carol]
    assert await messages.receipts(Lid(8)) == [Receipt(BOB, "Bob", True, False, 2_009), carol]
    assert [seat.delivered_ms for seat in await messages.members(TEAM)] == [1, 2_009, 0]
    with pytest.raises(UnknownMessage):
        await messages.receipts(Lid(99))


async def test_a_mark_that_was_here_before_the_position_still_tells_its_time(messages: SqliteMessages) -> None:
    await group(messages, Member(BOB, "Bob"))
    await messages.save([composed(5, "own", n=1, conv=TEAM)])
    await messages.save([SaveMarks(TEAM, (Mark(BOB, 7, 0, 2_007),), 1, 7, 0)])
    await messages.save([SaveSettled(Lid(5), TEAM, State.ACCEPTED, 5, 1_005, 1)])
    await messages.save([SaveMarks(TEAM, (Mark(BOB, 9, 0, 2_009),), 2, 9, 0)])
    assert await messages.receipts(Lid(5)) == [Receipt(BOB, "Bob", True, False, 2_007)]


async def test_a_direct_message_says_since_when_it_is_there_and_read(messages: SqliteMessages) -> None:
    await messages.save([SaveArrived(CHAT, (), (), 1, 1, (), PAIR, "direct")])
    await own(messages, CHAT, 5)
    (bubble,) = await messages.save([SaveMarks(CHAT, (Mark(BOB, 5, 0, 2_005),), 1, 5, 0)])
    assert (bubble.state, bubble.delivered_ms, bubble.read_ms) == (State.DELIVERED, 2_005, 0)
    (bubble,) = await messages.save([SaveMarks(CHAT, (Mark(BOB, 5, 5, 2_005, 3_005),), 2, 5, 5)])
    assert (bubble.state, bubble.delivered_ms, bubble.read_ms) == (State.READ, 2_005, 3_005)
    await messages.save([SaveMarks(CHAT, (Mark(BOB, 5, 5, 9_999, 9_999),), 3, 5, 5)])
    (room,) = (await messages.load()).rooms
    assert room.marks == {BOB: Reach(5, 5, 2_005, 3_005)}


async def test_times_of_a_restored_server_are_not_those_of_before(messages: SqliteMessages) -> None:
    await messages.save([SaveArrived(CHAT, (), (), 1, 1, (), PAIR, "direct")])
    await own(messages, CHAT, 5)
    await messages.save([SaveMarks(CHAT, (Mark(BOB, 5, 0, 2_005),), 1, 5, 0, Crowd(40, (Step(5, 40),)))])
    await messages.save([SaveGeneration("g2", ((CHAT, 4),))])
    (room,) = (await messages.load()).rooms
    assert (room.marks, room.crowd) == ({}, None)
    await messages.save([SaveRequeued(Lid(5), CHAT, 1, Digest(""), Lane(1, Digest("x")))])
    await messages.save([SaveSettled(Lid(5), CHAT, State.ACCEPTED, 5, 9_005, 1)])
    (bubble,) = await messages.save([SaveMarks(CHAT, (Mark(BOB, 5, 0, 9_999),), 1, 5, 0)])
    assert bubble.delivered_ms == 9_999


async def test_a_crowd_is_counted_by_stairs(messages: SqliteMessages) -> None:
    await group(messages, Member(BOB, "Bob"))
    await own(messages, TEAM, 3, 5, 8)
    stairs = Crowd(40, (Step(5, 40), Step(8, 12)), (Step(3, 7),))
    changed = await messages.save([SaveMarks(TEAM, (), 1, 5, 0, stairs)])
    counts = [(b.pos, b.state, b.delivered_to, b.read_by, b.of) for b in changed]
    assert counts == [
        (3, State.DELIVERED, 40, 7, 40),
        (5, State.DELIVERED, 40, 0, 40),
        (8, State.ACCEPTED, 12, 0, 40),
    ]
    assert (await messages.load()).rooms[0].crowd == stairs
    further = Crowd(40, (Step(5, 40), Step(8, 13)), (Step(3, 7),))
    assert [b.pos for b in await messages.save([SaveMarks(TEAM, (), 2, 5, 0, further)])] == [8]
    assert await messages.save([SaveMarks(TEAM, (), 3, 5, 0, further)]) == []
    await messages.save([SaveMarks(TEAM, (), 4, 5, 0, Crowd(0))])
    assert (await messages.load()).rooms[0].crowd is None
    assert (await messages.bubble(Lid(8))).of == 1


async def test_history_takes_the_place_of_its_gap(messages: SqliteMessages) -> None:
    gaps = (Gap(1, 2, "before_join"), Gap(3, 20, "before_device"))
    await messages.save([SaveArrived(CHAT, (said(21, "new"),), gaps, 21, 21, (), PAIR, "direct")])
    assert await messages.older(CHAT) == (Span(3, 20),)
    assert await messages.gaps(CHAT) == gaps
    middle = tuple(said(pos, f"old {pos}") for pos in (8, 9))
    assert await messages.save([SaveOlder(CHAT, 8, 10, middle, (Gap(10, 10, "expired"),))]) == []
    assert await messages.older(CHAT) == (Span(3, 7), Span(11, 20))
    assert [bubble.pos for bubble in await messages.page(CHAT)] == [8, 9, 21]
    mine = said(3, "mine", author=ALICE, did=PHONE)
    await messages.save([SaveOlder(CHAT, 3, 7, (mine,), (Gap(4, 7, "not_member"),))])
    await messages.save([SaveOlder(CHAT, 11, 20, (), (Gap(11, 20, "expired"),))])
    (room,) = (await messages.load()).rooms
    assert (room.older, room.cursor) == ((), 21)
    first = (await messages.page(CHAT))[0]
    assert (first.pos, first.mine, first.state) == (3, True, State.ACCEPTED)


async def test_what_the_person_tells_is_kept_until_it_is_confirmed(messages: SqliteMessages) -> None:
    assert (await messages.load()).prefs_wish is None
    await messages.save([SavePrefs(Prefs(reads=False))])
    await messages.save([SavePrefs(Prefs(presence=False))])
    assert (await messages.load()).prefs_wish == Prefs(presence=False)
    await messages.save([SavePrefs(None)])
    assert (await messages.load()).prefs_wish is None


async def test_what_an_ended_device_left_over_is_taken_over_once(messages: SqliteMessages) -> None:
    file = Upload(Lid(3), CHAT, 3, "/tmp/a", "a", "file", "", b"n", 73)
    await messages.save([composed(1, "taken"), composed(2, "not taken"), SaveUpload(file)])
    assert [b.lid for b in await messages.left_over(ended=True)] == [1, 2, 3]
    assert await messages.left_over(ended=False) == []
    new = Me(ALICE, PHONE, "Alice", "token 2", "http://127.0.0.1:1")
    await messages.become(new)
    memory = await messages.load()
    assert (memory.rows, memory.uploads) == ((), ())
    assert [(b.lid, b.state, b.code) for b in await messages.left_over(ended=True)] == [
        (lid, State.LONG_AGO, "sign_in_again") for lid in (1, 2, 3)
    ]
    taken = said(4, "taken", author=ALICE, did=LAPTOP)
    gap = Gap(1, 4, "before_device")
    await messages.save([SaveArrived(CHAT, (), (gap,), 4, 4, (), PAIR, "direct")])
    (bubble,) = await messages.save([SaveOlder(CHAT, 1, 4, (taken,), (Gap(1, 3, "expired"),))])
    assert (bubble.lid, bubble.state, bubble.code) == (1, State.ACCEPTED, "")
    content = words("not taken")
    await messages.save(
        [SaveComposed(Lid(2), CHAT, 1, Digest(""), Digest("d2"), content, (), 99, Lane(1, Digest("d2")))]
    )
    await messages.save([SaveUpload(file)])
    memory = await messages.load()
    assert ([row.lid for row in memory.rows], memory.uploads) == ([2], (file,))
    assert [(await messages.bubble(Lid(lid))).state for lid in (2, 3)] == [State.QUEUED, State.UPLOADING]
    assert await messages.left_over(ended=False) == []


async def test_nothing_of_somebody_else_is_offered(messages: SqliteMessages) -> None:
    await messages.save([composed(1, "alice's")])
    await messages.become(Me(BOB, PHONE, "Bob", "token 2", "http://127.0.0.1:1"))
    assert await messages.left_over(ended=False) == []
