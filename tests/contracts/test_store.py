"""What every store of messages must do: sections 6, 9, 11 and 12 of the contract, over each store there is."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from protocol.codec import from_text
from protocol.content import Joined, Opened, unpack_notice
from protocol.lanes import digest
from protocol.packets import Gap, Head, Mark, MsgR, OpenR, Person, Relation, Status, StatusKey, VoidR
from protocol.values import ConvId, Did, Digest, MediaId, Uid, replace
from server.core.acceptance import (
    CANCELLED,
    MESSAGE,
    REFUSED,
    Answer,
    Removed,
    Settled,
    Slot,
    Spoiled,
    Taken,
    Turned,
)
from server.core.moves import Ask, Bell, Marks, Move, Page, Told
from server.core.values import Identity
from server.stores.memory import Inline
from server.stores.schema import SCHEMA
from server.stores.sqlite_store import Scheduler, SqliteStore
from server.stores.writer import open_writer
from tests.helpers.wire import ALICE, BOB, CAROL, TABLET, dg_of, msg, offer, probe, void

NONE = Digest("")
NOW_MS = 1_000_000


class Clock:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.ms = NOW_MS

    def now_ms(self) -> int:
        return self.ms

    def now_s(self) -> float:
        return self.ms / 1000


class Dice:
    """Dice that count."""

    def __init__(self) -> None:
        self.rolled = 0

    def fraction(self) -> float:
        return 0.5

    def some_bytes(self, size: int) -> bytes:
        self.rolled += 1
        return self.rolled.to_bytes(size, "big")


class House:
    """A store, three people with a device each, and what they say to it."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler, self.clock = scheduler, Clock()
        self.store = SqliteStore(scheduler, self.clock, Dice())
        self.talk = ConvId("")

    async def settle(self) -> None:
        await self.scheduler.run(_people)
        self.talk = await self.opens(ALICE, BOB)

    async def opens(self, who: Identity, *others: Identity, group: bool = False, x: str = "x") -> ConvId:
        wish = OpenR(x, tuple(other.uid for other in others), "group" if group else "direct", "Friends")
        answer, _ = await self.store.open_conversation(who, wish)
        assert answer.code == ""
        return answer.conv

    async def offers(self, *packets: MsgR | VoidR, who: Identity = ALICE) -> list[Answer]:
        return await self.store.accept([offer(packet, who) for packet in packets])

    async def says(self, *texts: str, who: Identity = ALICE, after: tuple[int, Digest] = (0, NONE)) -> list[Taken]:
        """Take texts, one lane, one after another."""
        n, pd = after
        packets = []
        for text in texts:
            n += 1
            packets.append(msg(n, text, pd, conv=self.talk))
            pd = packets[-1].dg
        answers = await self.offers(*packets, who=who)
        assert all(isinstance(answer, Taken) for answer in answers), answers
        return [answer for answer in answers if isinstance(answer, Taken)]

    def dg(self, text: str) -> Digest:
        return dg_of(text, self.talk)

    async def page(self, after: int | None = 0, limit: int = 256, who: Identity = BOB) -> Page:
        return await self.store.page(who, Ask(self.talk, after, limit, pull=True))

    async def sql(self, statement: str, *values: object) -> None:
        def work(db: sqlite3.Connection) -> None:
            db.execute(statement, values)

        await self.scheduler.run(work)


def _people(db: sqlite3.Connection) -> None:
    for who in (ALICE, BOB, CAROL):
        db.execute("insert into account (uid, name, made_ms) values (?, ?, 0)", (who.uid, who.name))
    for who in (ALICE, BOB, TABLET, CAROL):
        db.execute(
            "insert into device (did, uid, token_sha256) values (?, ?, ?)", (int(who.did), who.uid, who.did.encode())
        )


@pytest.fixture(params=["sqlite", "memory"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    """Alice and Bob in a direct conversation that stands at position 3."""
    scheduler = Inline() if request.param == "memory" else open_writer(tmp_path / "messages.db", SCHEMA)
    house = House(scheduler)
    await house.settle()
    yield house
    await scheduler.close()


# --- opening (P-59)


async def test_a_direct_conversation_begins_with_what_it_is(house: House) -> None:
    events = (await house.page()).events
    said = [unpack_notice(from_text(event.content)) for event in events]
    assert said == [Opened("direct", "", ALICE.uid), Joined(ALICE.uid, "Alice"), Joined(BOB.uid, "Bob")]
    assert [(event.pos, event.did, event.suite) for event in events] == [(n, "0", "server1") for n in (1, 2, 3)]
    assert all(event.dg == digest(house.talk, from_text(event.content)) for event in events)


async def test_a_direct_conversation_is_the_same_for_ever(house: House) -> None:
    assert await house.opens(BOB, ALICE, x="another") == house.talk
    answer, bell = await house.store.open_conversation(ALICE, OpenR("third", (BOB.uid,)))
    assert (answer.x, answer.conv, bell) == ("third", house.talk, None)


async def test_with_oneself_one_talks_alone(house: House) -> None:
    conv = await house.opens(ALICE, ALICE)
    events = (await house.store.page(ALICE, Ask(conv, 0, 9))).events
    assert unpack_notice(from_text(events[0].content)) == Opened("self", "", ALICE.uid)
    assert len(events) == 2
    assert await house.opens(ALICE, ALICE, x="again") == conv


async def test_a_group_is_made_once_per_request(house: House) -> None:
    wish = OpenR("g1", (BOB.uid, CAROL.uid), "group", "Friends")
    answer, bell = await house.store.open_conversation(ALICE, wish)
    assert bell is not None
    assert set(bell.members) == {ALICE.uid, BOB.uid, CAROL.uid}
    said = [unpack_notice(from_text(event.content)) for event in bell.events]
    assert said[0] == Opened("group", "Friends", ALICE.uid)
    assert {notice.uid: notice.role for notice in said if isinstance(notice, Joined)} == {
        ALICE.uid: 1,
        BOB.uid: 0,
        CAROL.uid: 0,
    }
    again, no_bell = await house.store.open_conversation(ALICE, wish)
    assert (again.conv, no_bell) == (answer.conv, None)
    assert await house.opens(ALICE, BOB, CAROL, group=True, x="g2") != answer.conv
    assert await house.opens(BOB, CAROL, group=True, x="g1") != answer.conv


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (OpenR("x", (Uid("nobody"),)), "unknown_person"),
        (OpenR("x", ()), "unknown_person"),
        (OpenR("x", (BOB.uid, CAROL.uid)), "unknown_person"),
        (OpenR("x", tuple(Uid(f"u{n}") for n in range(500)), "group"), "members_too_many"),
    ],
)
async def test_what_cannot_be_opened_says_why(house: House, wish: OpenR, code: str) -> None:
    answer, bell = await house.store.open_conversation(ALICE, wish)
    assert (answer.code, answer.conv, bell) == (code, "", None)


async def test_a_listing_without_a_conversation_shows_nothing(house: House) -> None:
    await house.sql("insert into listing values (?, 'reserved')", ALICE.uid)
    assert await house.store.heads(ALICE) == (Head(house.talk, 3, 0, 0),)


# --- T1 (P-27…P-36)


async def test_messages_get_positions_without_gaps_and_growing_times(house: House) -> None:
    taken = await house.says("one", "two", "three")
    assert [answer.event.pos for answer in taken] == [4, 5, 6]
    times = [answer.event.ts for answer in taken]
    assert times == [1_000_003, 1_000_004, 1_000_005]
    assert set(taken[0].members) == {ALICE.uid, BOB.uid}
    house.clock.ms += 1_000
    more = await house.says("four", who=BOB)
    assert (more[0].event.pos, more[0].event.ts) == (7, 1_001_000)
    assert (await house.page(3)).events == tuple(answer.event for answer in [*taken, *more])


async def test_a_number_taken_answers_the_same_for_ever(house: House) -> None:
    (first,) = await house.says("one")
    again, other = await house.offers(msg(1, "one", conv=house.talk), msg(1, "other", conv=house.talk))
    for answer in (again, other):
        assert isinstance(answer, Settled)
        assert answer.shown == Slot(house.dg("one"), MESSAGE, 4)
        assert (answer.ts, answer.last, answer.ld) == (first.event.ts, 1, house.dg("one"))
        assert set(answer.members) == {ALICE.uid, BOB.uid}
    assert (await house.page(3)).head == 4


async def test_repeats_inside_one_batch_are_repeats(house: House) -> None:
    packet = msg(1, "one", conv=house.talk)
    first, second = await house.offers(packet, packet)
    assert isinstance(first, Taken)
    assert isinstance(second, Settled)
    assert second.shown.pos == first.event.pos


async def test_only_the_next_number_in_the_chain_is_new(house: House) -> None:
    await house.says("one")
    order, fork, unknown = await house.offers(
        msg(3, "three", house.dg("one"), conv=house.talk),
        msg(2, "two", dg_of("else"), conv=house.talk),
        MsgR(house.talk, 2, house.dg("one"), house.dg("two"), probe=True),
    )
    turned = [(answer.code, answer.last, answer.ld) for answer in (order, fork, unknown) if isinstance(answer, Turned)]
    assert turned == [(code, 1, house.dg("one")) for code in ("order", "fork", "unknown")]
    assert (await house.page(3)).head == 4


async def test_a_digest_under_another_number_becomes_an_alias(house: House) -> None:
    await house.says("one", "two")
    batch = (
        msg(3, "one", house.dg("two"), conv=house.talk),
        msg(4, "three", house.dg("one"), conv=house.talk),
        VoidR(house.talk, 5, house.dg("three"), house.dg("two")),
    )
    alias, taken, late = await house.offers(*batch)
    assert isinstance(alias, Settled)
    assert alias.shown == Slot(house.dg("one"), MESSAGE, 4)
    assert (alias.last, alias.ld) == (3, house.dg("one"))
    assert isinstance(taken, Taken)
    assert taken.event.pos == 6
    assert isinstance(late, Settled)
    assert late.shown == Slot(house.dg("two"), MESSAGE, 5)  # too late to cancel: it was sent
    again, *_ = await house.offers(batch[0])
    assert isinstance(again, Settled)
    assert again.shown == Slot(house.dg("one"), MESSAGE, 4)
    assert (await house.page(3)).head == 6


async def test_a_number_beside_a_repeated_one_in_a_batch_is_an_alias(house: House) -> None:
    first, twin = await house.offers(msg(1, "one", conv=house.talk), msg(2, "one", house.dg("one"), conv=house.talk))
    assert isinstance(first, Taken)
    assert isinstance(twin, Settled)
    assert twin.shown.pos == first.event.pos


async def test_a_cancelled_number_is_spent_and_its_text_never_taken(house: House) -> None:
    cancel = VoidR(house.talk, 1, NONE, house.dg("one"))
    done, again, late = await house.offers(cancel, cancel, msg(1, "one", conv=house.talk))
    for answer in (done, again, late):
        assert isinstance(answer, Settled)
        assert answer.shown == Slot(house.dg("one"), CANCELLED)
    moved, *_ = await house.offers(msg(2, "one", house.dg("one"), conv=house.talk))
    assert isinstance(moved, Settled)
    assert moved.shown.kind == CANCELLED
    assert (await house.page(3)).head == 3


async def test_a_cancel_after_the_fact_hears_that_it_was_sent(house: House) -> None:
    await house.says("one")
    (answer,) = await house.offers(VoidR(house.talk, 1, NONE, house.dg("one")))
    assert isinstance(answer, Settled)
    assert answer.shown == Slot(house.dg("one"), MESSAGE, 4)


async def refused(house: House, packet: MsgR, who: Identity = ALICE) -> str:
    """The code of a refusal; it spends the number, and is given again."""
    codes = set()
    for _ in range(2):
        (answer,) = await house.offers(packet, who=who)
        assert isinstance(answer, Settled), answer
        assert (answer.shown.kind, answer.last, answer.ld) == (REFUSED, packet.n, packet.dg)
        codes.add(answer.shown.code)
    (code,) = codes
    return code


async def test_strangers_and_foreign_conversations_are_refused(house: House) -> None:
    assert await refused(house, msg(1, "hi", conv=house.talk), CAROL) == "unknown_conversation"
    assert await refused(house, msg(1, "hi", conv=ConvId("nowhere"))) == "unknown_conversation"


async def test_who_left_or_is_blocked_is_refused(house: House) -> None:
    await house.sql("update member set blocked = 1 where uid = ?", BOB.uid)
    assert await refused(house, msg(1, "hi", conv=house.talk)) == "blocked"
    await house.says("still here", who=BOB)
    await house.sql("update member set until = 4 where uid = ?", ALICE.uid)
    assert await refused(house, msg(2, "bye", house.dg("hi"), conv=house.talk)) == "not_member"


async def test_too_much_content_is_refused(house: House) -> None:
    assert await refused(house, msg(1, "x" * (64 * 1024 + 1), conv=house.talk)) == "content_too_large"


async def test_three_exceptions_end_in_a_refusal(house: House) -> None:
    packet = msg(1, "one", conv=house.talk)
    (answer,) = await house.store.accept([offer(packet, spoiled=True)])
    assert isinstance(answer, Settled)
    assert answer.shown == Slot(packet.dg, REFUSED, code="internal")


async def test_a_poisonous_offer_hurts_itself_only(house: House) -> None:
    good, bad = msg(1, "one", conv=house.talk), msg(1, "two", conv=house.talk)
    poison = MsgR(house.talk, 1, NONE, bad.dg, suite="a lone \ud800 surrogate", content=bad.content)
    first, second = await house.store.accept([offer(good), offer(poison, BOB)])
    assert isinstance(first, Taken)
    assert second == Spoiled(offer(poison, BOB), "internal")
    assert [event.did for event in (await house.page(3)).events] == [ALICE.did]
    await house.says("fine", who=BOB)


async def test_a_number_below_what_retention_left_is_gone(house: House) -> None:
    await house.says("one", "two")
    await house.sql("delete from slot where n = 1")
    (answer,) = await house.offers(msg(1, "one", conv=house.talk))
    assert answer == Removed(offer(msg(1, "one", conv=house.talk)), 2, house.dg("two"))


# --- files, edits, recalls


async def uploaded(house: House, media: str, conv: ConvId, did: Did, done: int = 1) -> MediaId:
    await house.sql(
        "insert into upload (media, conv, did, number, size, sha256, done, touched) values (?, ?, ?, ?, 1, x'', ?, 0)",
        media,
        conv,
        int(did),
        len(media) * 1_000 + int(did) + done,
        done,
    )
    return MediaId(media)


async def test_a_message_names_only_whole_files_of_its_own(house: House) -> None:
    mine = await uploaded(house, "mine", house.talk, ALICE.did)
    more = await uploaded(house, "a-second", house.talk, ALICE.did)
    part = await uploaded(house, "part", house.talk, ALICE.did, done=0)
    elsewhere = await uploaded(house, "elsewhere", ConvId("other"), ALICE.did)
    foreign = await uploaded(house, "foreign", house.talk, BOB.did)
    n, pd = 0, NONE
    for media in ((part,), (elsewhere,), (foreign,), (MediaId("missing"),), (mine, mine), (mine, part)):
        n += 1
        packet = msg(n, f"try {n}", pd, conv=house.talk, media=media)
        assert await refused(house, packet) == "media_missing"
        pd = packet.dg
    (taken,) = await house.offers(msg(n + 1, "here", pd, conv=house.talk, media=(mine, more)))
    assert isinstance(taken, Taken)
    (event,) = (await house.page(3)).events
    assert event == taken.event
    assert event.media == (mine, more)


async def test_an_edit_points_at_one_s_own_message(house: House) -> None:
    await house.says("one")
    (taken,) = await house.offers(msg(2, "won", house.dg("one"), conv=house.talk, rel=Relation("edit", 4)))
    assert isinstance(taken, Taken)
    assert (await house.page(4)).events == (taken.event,)
    for target in (1, 4, 99):  # the server's, somebody else's, none
        packet = msg(target, "no", conv=house.talk, rel=Relation("edit", target))
        alone = MsgR(house.talk, 1, NONE, packet.dg, content=packet.content, rel=packet.rel)
        code = (await house.offers(alone, who=BOB))[0]
        assert isinstance(code, Settled)
        assert code.shown.kind == REFUSED


async def test_a_recall_takes_content_and_files_away(house: House) -> None:
    media = await uploaded(house, "mine", house.talk, ALICE.did)
    packets = (
        msg(1, "oops", conv=house.talk, media=(media,)),
        msg(2, "gone", house.dg("oops"), conv=house.talk, rel=Relation("recall", 4)),
        msg(3, "twice", house.dg("gone"), conv=house.talk, rel=Relation("recall", 4)),
    )
    first, second, third = await house.offers(*packets)
    assert isinstance(first, Taken)
    assert isinstance(second, Taken)
    assert isinstance(third, Settled)
    assert third.shown.code == "relation_refused"
    page = await house.page(3)
    stub = replace(first.event, content="", media=(), rel=Relation("recall", 4))
    assert (page.gaps, page.events) == ((), (stub, second.event))
    left = await house.scheduler.read(lambda db: db.execute("select count(*) from pin").fetchone()[0])
    assert left == 0


# --- T3 (P-44, P-49)


async def test_cursors_and_marks_only_climb_and_each_climb_has_a_rev(house: House) -> None:
    await house.says("one", "two")
    moves = [Move(BOB, house.talk, 4), Move(BOB, house.talk, 5), Move(BOB, house.talk, 2)]
    moved = await house.store.climb(moves)
    assert [(one.cursor, one.climbed, one.rev) for one in moved] == [
        (4, Mark(BOB.uid, 4, 0, NOW_MS), 1),
        (5, Mark(BOB.uid, 5, 0, NOW_MS), 2),
        (5, None, 0),
    ]
    assert set(moved[0].members) == {ALICE.uid, BOB.uid}
    (late,) = await house.store.climb([Move(BOB, house.talk, 3)])
    assert (late.cursor, late.climbed) == (5, None)
    assert (await house.page(None)).from_ == 5


async def test_read_never_stands_above_delivered(house: House) -> None:
    await house.says("one", "two")
    early, ack, read = await house.store.climb(
        [
            Move(BOB, house.talk, 5, read=True),
            Move(BOB, house.talk, 4),
            Move(BOB, house.talk, 5, read=True),
        ]
    )
    assert early.climbed is None
    assert ack.climbed == Mark(BOB.uid, 4, 0, NOW_MS)
    assert read.climbed == Mark(BOB.uid, 4, 4, NOW_MS, NOW_MS)
    assert read.rev == 2


async def test_the_mark_is_the_highest_cursor_of_a_person_s_devices(house: House) -> None:
    await house.says("one", "two")
    await house.store.climb([Move(BOB, house.talk, 5)])
    (moved,) = await house.store.climb([Move(TABLET, house.talk, 4)])
    assert (moved.cursor, moved.climbed) == (4, None)
    assert (await house.store.page(TABLET, Ask(house.talk, None, 9))).from_ == 4


async def test_nobody_acknowledges_what_is_not_there(house: House) -> None:
    moved = await house.store.climb(
        [Move(BOB, house.talk, 4), Move(CAROL, house.talk, 1), Move(BOB, ConvId("nowhere"), 1)]
    )
    assert [one.code for one in moved] == ["misuse", "unknown_conversation", "unknown_conversation"]


async def test_marks_since_a_rev_are_complete(house: House) -> None:
    await house.says("one", "two")
    await house.store.climb([Move(BOB, house.talk, 4)])
    await house.store.climb([Move(ALICE, house.talk, 5)])
    await house.store.climb([Move(BOB, house.talk, 5)])
    talk = house.talk
    alice, bob = Mark(ALICE.uid, 5, 0, NOW_MS), Mark(BOB.uid, 5, 0, NOW_MS)
    assert await house.store.marks_since(ALICE, talk, 0) == Marks(talk, 0, Told(3, (alice, bob)))
    assert await house.store.marks_since(ALICE, talk, 2) == Marks(talk, 2, Told(3, (bob,)))
    assert await house.store.marks_since(CAROL, talk, 0) == Marks(talk, 0, Told())
    assert await house.store.heads(ALICE) == (Head(talk, 5, 3, 0),)


# --- pages (P-42, P-45, P-70)


async def test_a_page_accounts_for_every_position(house: House) -> None:
    await house.says(*(f"text {n}" for n in range(10)))
    page = await house.page(0, limit=5)
    assert (page.from_, page.to, page.head, len(page.events)) == (0, 5, 13, 5)
    rest = await house.page(5)
    assert (rest.from_, rest.to, len(rest.events)) == (5, 13, 8)
    assert (await house.page(13)).to == 13
    assert (await house.page(99)).to == 99


async def test_a_page_fits_into_a_frame(house: House) -> None:
    await house.says(*(f"{n}" + "x" * 60_000 for n in range(6)))
    sizes: list[int] = []
    at = 3
    while at < 9:
        page = await house.page(at)
        sizes.append(len(page.events))
        at = page.to
    assert sizes == [3, 3]


async def test_expired_positions_are_a_gap(house: House) -> None:
    await house.says("one", "two", "three")
    await house.sql("delete from log where pos <= 4")
    await house.sql("update conv set floor = 4")
    page = await house.page(1)
    assert page.gaps == (Gap(2, 4, "expired"),)
    assert [event.pos for event in page.events] == [5, 6]


async def test_a_person_sees_from_each_join_to_the_following_leave(house: House) -> None:
    await house.says(*(f"text {n}" for n in range(9)))  # 4…12
    await house.sql("insert into member (conv, uid, since, until) values (?, ?, 5, 7)", house.talk, CAROL.uid)
    page = await house.page(0, who=CAROL)
    assert (page.to, page.head) == (7, 7)
    assert page.gaps == (Gap(1, 4, "before_join"),)
    assert [event.pos for event in page.events] == [5, 6, 7]
    await house.sql("insert into member (conv, uid, since) values (?, ?, 10)", house.talk, CAROL.uid)
    page = await house.page(6, who=CAROL)
    assert page.gaps == (Gap(8, 9, "not_member"),)
    assert [event.pos for event in page.events] == [7, 10, 11, 12]


async def test_heads_end_with_the_leave(house: House) -> None:
    await house.says("one", "two")
    await house.sql("update member set until = 4 where uid = ?", BOB.uid)
    assert await house.store.heads(BOB) == (Head(house.talk, 4, 0, 0),)
    (moved,) = await house.store.climb([Move(BOB, house.talk, 5)])
    assert moved.code == "misuse"


async def test_marks_are_for_members_only(house: House) -> None:
    """Who left sees the log up to the leave, but not how the others get on (P-52)."""
    (mine,) = await house.says("one", who=BOB)
    await house.store.climb([Move(BOB, house.talk, 4), Move(ALICE, house.talk, 4)])
    await house.sql("update member set until = 4 where uid = ?", BOB.uid)
    page = await house.page(3)
    assert [event.pos for event in page.events] == [4]
    assert page.told == Told(2), "nothing is told, and nothing asked for again and again"
    assert await house.store.marks_since(BOB, house.talk, 0) == Marks(house.talk, 0, Told(2))
    (again,) = await house.offers(mine.offer.packet, who=BOB)
    assert isinstance(again, Settled)
    assert again.told.marks == ()


async def test_a_stranger_gets_no_page(house: House) -> None:
    page = await house.page(0, who=CAROL)
    assert (page.code, page.events, page.head) == ("unknown_conversation", (), 0)


async def test_a_pull_brings_the_missing_marks(house: House) -> None:
    await house.says("one")
    await house.store.climb([Move(BOB, house.talk, 4)])
    ask = Ask(house.talk, 4, 9, pull=True, rev=0)
    page = await house.store.page(ALICE, ask)
    assert page.told == Told(1, (Mark(BOB.uid, 4, 0, NOW_MS),))
    assert (await house.store.page(ALICE, Ask(house.talk, 4, 9))).told == Told()


# --- what became of it (section 3, `is`)


async def fate(house: House, key: StatusKey, who: Identity = ALICE) -> Status:
    (state,) = await house.store.states(who, [key])
    return state


async def test_states_climb(house: House) -> None:
    key = StatusKey(house.talk, 1, house.dg("one"))
    assert (await fate(house, key)).fate == "unknown"
    await house.says("one")
    state = await fate(house, key)
    assert (state.fate, state.pos, state.last, state.ld) == ("accepted", 4, 1, house.dg("one"))
    house.clock.ms += 5_003
    assert (await fate(house, key)).fate == "stored"
    await house.store.climb([Move(ALICE, house.talk, 4)])
    assert (await fate(house, key)).fate == "stored"  # one's own devices never count
    await house.store.climb([Move(BOB, house.talk, 4)])
    state = await fate(house, key)
    assert (state.fate, state.delivered, state.read) == ("delivered", 1, 0)
    await house.store.climb([Move(BOB, house.talk, 4, read=True)])
    assert (await fate(house, key)).fate == "read"


async def test_in_a_group_delivered_means_all(house: House) -> None:
    house.talk = await house.opens(ALICE, BOB, CAROL, group=True, x="g")
    (taken,) = await house.says("one")
    key = StatusKey(house.talk, 1, house.dg("one"))
    await house.store.climb([Move(BOB, house.talk, taken.event.pos)])
    state = await fate(house, key)
    assert (state.fate, state.delivered) == ("accepted", 1)
    await house.store.climb([Move(CAROL, house.talk, taken.event.pos)])
    assert (await fate(house, key)).fate == "delivered"


async def test_other_fates_are_said(house: House) -> None:
    await house.offers(VoidR(house.talk, 1, NONE, house.dg("one")), msg(2, "two", house.dg("one"), conv=house.talk))
    await refused(house, msg(1, "hi", conv=ConvId("nowhere")))
    assert (await fate(house, StatusKey(house.talk, 9, house.dg("one")))).fate == "cancelled"
    assert (await fate(house, StatusKey(house.talk, 2, house.dg("else")))).fate == "other"
    assert (await fate(house, StatusKey(house.talk, 3, house.dg("else")))).fate == "unknown"
    assert (await fate(house, StatusKey(house.talk, 2, Digest("not base64!")))).fate == "other"
    state = await fate(house, StatusKey(ConvId("nowhere"), 1, dg_of("hi", ConvId("nowhere"))))
    assert (state.fate, state.code) == ("refused", "unknown_conversation")
    await house.sql("delete from slot where n = 1")
    assert (await fate(house, StatusKey(house.talk, 1, house.dg("one")))).fate == "gone"


# --- people, sessions, generations


async def test_everybody_is_listed_by_name(house: House) -> None:
    assert await house.store.people() == tuple(Person(who.uid, who.name) for who in (ALICE, BOB, CAROL))


async def test_session_numbers_only_grow_and_end_with_the_device(house: House) -> None:
    assert [await house.store.raise_session(ALICE) for _ in range(3)] == [1, 2, 3]
    assert await house.store.raise_session(BOB) == 1
    await house.sql("update device set ended = 1 where did = ?", int(ALICE.did))
    assert await house.store.raise_session(ALICE) is None


async def test_the_generation_stays(house: House) -> None:
    first = await house.store.generation()
    assert first.startswith("1.")
    assert await house.store.generation() == first


async def test_a_bell_of_a_new_conversation_carries_its_beginning(house: House) -> None:
    _, bell = await house.store.open_conversation(CAROL, OpenR("x", (ALICE.uid,)))
    assert isinstance(bell, Bell)
    page = await house.store.page(CAROL, Ask(bell.conv, 0, 9))
    assert page.events == bell.events
    assert bell.head == 3


async def test_probes_of_what_is_there_are_answered(house: House) -> None:
    await house.says("one")
    asked: Sequence[MsgR | VoidR] = (probe(1, "one"), void(1, "one"))
    for packet in asked:
        here = MsgR(house.talk, packet.n, NONE, packet.dg, probe=True)
        (answer,) = await house.offers(here)
        assert isinstance(answer, Settled)
        assert answer.shown.pos == 4
