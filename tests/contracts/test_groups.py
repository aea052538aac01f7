"""What every store must do with groups that change, large ones, and what people tell (P-52, P-59, P-70, P-73)."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.codec import from_text
from protocol.content import Joined, Left, Notice, Ranked, Titled, unpack_notice
from protocol.limits import MARKS_MEMBERS_MAX
from protocol.packets import (
    Crowd,
    Gap,
    GroupA,
    GroupR,
    Head,
    Mark,
    MembersA,
    Prefs,
    Relation,
    Seat,
    StatusKey,
    Step,
)
from protocol.values import Did, Uid, replace
from server.core.acceptance import Settled, Taken
from server.core.moves import Ask, Bell, Changed, Chosen, Marks, MarksBell, Move, Told
from server.core.values import Identity
from server.stores.memory import Inline
from server.stores.schema import SCHEMA
from server.stores.sqlite_begin import begin_device
from server.stores.writer import open_writer
from tests.contracts.test_store import NOW_MS, House, uploaded
from tests.helpers.wire import ALICE, BOB, CAROL, TABLET, dg_of, msg

NOBODY = Uid("")


class Club(House):
    """A group of Alice, who administers, and Bob; Carol may come."""

    async def settle(self) -> None:
        await super().settle()
        self.talk = await self.opens(ALICE, BOB, group=True, x="club")  # opened, Alice, Bob

    async def change(self, who: Identity, **wish: object) -> Changed:
        return await self.store.change_group(who, GroupR("x", self.talk, **wish))  # type: ignore[arg-type]

    async def done(self, who: Identity, **wish: object) -> Changed:
        changed = await self.change(who, **wish)
        assert changed.answer == GroupA("x", self.talk)
        return changed

    async def notices(self, who: Identity = ALICE, after: int = 3) -> list[Notice]:
        page = await self.page(after, who=who)
        return [unpack_notice(from_text(event.content)) for event in page.events if event.suite == "server1"]

    async def crowd(self, many: int = MARKS_MEMBERS_MAX) -> list[Identity]:
        """So many more members."""
        people = [Identity(Uid(f"p{number:03}"), Did(str(70_000 + number)), f"P{number}") for number in range(many)]

        def work(db: sqlite3.Connection) -> None:
            db.executemany(
                "insert into account (uid, name, made_ms) values (?, ?, 0)", [(p.uid, p.name) for p in people]
            )

        await self.scheduler.run(work)
        await self.done(ALICE, do="add", uids=tuple(one.uid for one in people))
        return people


@pytest.fixture(params=["sqlite", "memory"])
async def club(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Club]:
    scheduler = Inline() if request.param == "memory" else open_writer(tmp_path / "messages.db", SCHEMA)
    club = Club(scheduler)
    await club.settle()
    yield club
    await scheduler.close()


# --- changes


async def test_who_is_added_sees_from_the_join_on(club: Club) -> None:
    await club.says("before")
    changed = await club.done(ALICE, do="add", uids=(CAROL.uid, BOB.uid))
    assert await club.notices(after=4) == [Joined(CAROL.uid, "Carol", 0, ALICE.uid, 1)]
    (bell,) = changed.bells
    assert isinstance(bell, Bell)
    assert (bell.head, [event.pos for event in bell.events]) == (5, [5])
    assert set(bell.members) == {ALICE.uid, BOB.uid, CAROL.uid}
    page = await club.page(None, who=CAROL)
    assert (page.from_, page.to, page.gaps) == (0, 5, (Gap(1, 4, "before_join"),))
    assert page.events == bell.events
    assert await club.store.heads(CAROL) == (Head(club.talk, 5, 0),)


async def test_who_leaves_sees_the_leave_and_nothing_behind_it(club: Club) -> None:
    changed = await club.done(BOB, do="leave")
    await club.says("behind")
    assert await club.notices() == [Left(BOB.uid, NOBODY, 1)]
    assert await club.notices(BOB) == [Left(BOB.uid, NOBODY, 1)]
    assert [(bell.head, bell.members) for bell in changed.bells if isinstance(bell, Bell)] == [
        (4, (ALICE.uid,)),
        (4, (BOB.uid,)),
    ]
    assert (await club.page(who=BOB)).head == 4
    heads = {head.conv: head for head in await club.store.heads(BOB)}
    assert heads[club.talk].head == 4
    (move,) = await club.store.climb([Move(BOB, club.talk, 5)])
    assert move.code == "misuse"


async def test_many_leave_at_different_positions(club: Club) -> None:
    await club.done(ALICE, do="add", uids=(CAROL.uid,))
    changed = await club.done(ALICE, do="remove", uids=(CAROL.uid, BOB.uid))
    rung = {bell.members: (bell.head, len(bell.events)) for bell in changed.bells if isinstance(bell, Bell)}
    assert rung == {(ALICE.uid,): (6, 2), (CAROL.uid,): (5, 1), (BOB.uid,): (6, 2)}


async def test_the_time_between_leave_and_rejoin_is_a_gap(club: Club) -> None:
    await club.done(BOB, do="leave")  # 4
    await club.says("behind")  # 5
    await club.done(ALICE, do="add", uids=(BOB.uid,))  # 6
    page = await club.page(3)
    assert [event.pos for event in page.events] == [4, 6]
    assert page.gaps == (Gap(5, 5, "not_member"),)
    assert await club.notices() == [Left(BOB.uid, NOBODY, 1), Joined(BOB.uid, "Bob", 0, ALICE.uid, 2)]
    assert len({event.dg for event in (await club.page()).events}) == 5, "no digest repeats"


async def test_the_last_who_administers_hands_over(club: Club) -> None:
    await club.done(ALICE, do="leave")
    assert await club.notices(BOB) == [Left(ALICE.uid, NOBODY, 1), Ranked(BOB.uid, 1, NOBODY, 1)]
    assert await club.notices(ALICE) == [Left(ALICE.uid, NOBODY, 1)]
    await club.done(BOB, do="add", uids=(ALICE.uid,))
    assert (await club.change(ALICE, do="remove", uids=(BOB.uid,))).answer.code == "not_administrator"


async def test_titles_and_roles_are_kept(club: Club) -> None:
    await club.done(BOB, do="rename", title="Family")
    await club.done(ALICE, do="role", uids=(BOB.uid,), role=1)
    assert await club.notices() == [Titled("Family", BOB.uid, 1), Ranked(BOB.uid, 1, ALICE.uid, 2)]
    table = await club.store.members(ALICE, club.talk)
    assert (table.form, table.title) == ("group", "Family")
    assert [(seat.uid, seat.role) for seat in table.members] == [(ALICE.uid, 1), (BOB.uid, 1)]


@pytest.mark.parametrize(
    "wish",
    [
        {"do": "add", "uids": (CAROL.uid,)},
        {"do": "remove", "uids": (BOB.uid,)},
        {"do": "rename", "title": "Family"},
        {"do": "role", "uids": (BOB.uid,), "role": 1},
    ],
)
async def test_asking_again_changes_nothing(club: Club, wish: dict[str, object]) -> None:
    await club.done(ALICE, **wish)
    head = (await club.page(who=ALICE)).head
    assert (await club.done(ALICE, **wish)).bells == ()
    assert (await club.page(who=ALICE)).head == head


async def test_what_is_refused_changes_nothing(club: Club) -> None:
    assert (await club.change(CAROL, do="leave")).answer.code == "unknown_conversation"
    assert (await club.change(BOB, do="remove", uids=(ALICE.uid,))).answer.code == "not_administrator"
    assert (await club.change(BOB, do="add", uids=(Uid("nobody"),))).answer.code == "unknown_person"
    assert (await club.page(who=ALICE)).head == 3
    lists = await club.scheduler.read(
        lambda db: db.execute("select count(*) from listing where uid = 'nobody'").fetchone()
    )
    assert lists == (0,)


async def test_a_direct_conversation_cannot_be_changed(club: Club) -> None:
    club.talk = await club.opens(ALICE, BOB)
    assert (await club.change(ALICE, do="add", uids=(CAROL.uid,))).answer.code == "group_only"


async def test_the_listing_is_durable_before_the_join(club: Club) -> None:
    """A crash between the two leaves a superfluous line, which shows nothing (B42)."""
    listed: list[bool] = []
    run = club.scheduler.run

    async def watched(work):  # type: ignore[no-untyped-def]
        found = await club.scheduler.read(
            lambda db: db.execute("select 1 from listing where uid = 'carol' and conv = ?", [club.talk]).fetchone()
        )
        listed.append(found is not None)
        return await run(work)

    club.scheduler.run = watched  # type: ignore[method-assign]
    await club.done(ALICE, do="add", uids=(CAROL.uid,))
    assert listed == [False, True]


async def test_messages_and_files_follow_the_membership(club: Club) -> None:
    media = await uploaded(club, "mine", club.talk, BOB.did)
    await club.done(BOB, do="leave")
    (answer,) = await club.offers(msg(1, "late", conv=club.talk, media=(media,)), who=BOB)
    assert isinstance(answer, Settled)
    assert answer.shown.code == "not_member"


# --- marks and tables


async def test_who_left_hears_no_more_of_marks(club: Club) -> None:
    await club.store.climb([Move(ALICE, club.talk, 3)])
    await club.done(BOB, do="leave")
    await club.store.climb([Move(ALICE, club.talk, 4)])
    rev = {head.conv: head.rev for head in await club.store.heads(BOB)}[club.talk]
    assert rev == 1
    assert await club.store.marks_since(BOB, club.talk, 0) == Marks(club.talk, 0, Told(1))
    await club.done(ALICE, do="add", uids=(BOB.uid,))
    assert {head.conv: head.rev for head in await club.store.heads(BOB)}[club.talk] == 2
    assert (await club.store.marks_since(BOB, club.talk, 1)).told.marks == (Mark(ALICE.uid, 4, 0, NOW_MS),)


async def test_marks_carry_the_times_of_their_climbs(club: Club) -> None:
    await club.says("one")
    await club.store.climb([Move(BOB, club.talk, 4)])
    club.clock.ms += 500
    (read,) = await club.store.climb([Move(BOB, club.talk, 4, read=True)])
    assert read.climbed == Mark(BOB.uid, 4, 4, NOW_MS, NOW_MS + 500)
    assert await club.store.members(ALICE, club.talk) == MembersA(
        club.talk,
        (Seat(ALICE.uid, "Alice", 1), Seat(BOB.uid, "Bob", 0, 4, 4, NOW_MS, NOW_MS + 500)),
        form="group",
        title="Friends",
        head=4,
    )


async def test_the_table_is_for_members(club: Club) -> None:
    assert (await club.store.members(CAROL, club.talk)).code == "unknown_conversation"
    await club.done(BOB, do="leave")
    assert (await club.store.members(BOB, club.talk)).code == "not_member"
    assert [seat.uid for seat in (await club.store.members(ALICE, club.talk)).members] == [ALICE.uid]


async def test_marks_of_who_left_do_not_count(club: Club) -> None:
    await club.done(ALICE, do="add", uids=(CAROL.uid,))
    await club.says("one")  # 5
    await club.store.climb([Move(BOB, club.talk, 5)])
    key = StatusKey(club.talk, 1, dg_of("one", club.talk))
    assert (await club.store.states(ALICE, [key]))[0].fate == "accepted"
    await club.done(CAROL, do="leave")
    assert (await club.store.states(ALICE, [key]))[0].fate == "delivered"


# --- what people tell (P-73)


async def test_by_default_everything_is_told(club: Club) -> None:
    assert await club.store.prefs(ALICE) == Prefs()
    assert await club.store.prefs(Identity(Uid("nobody"), Did("1"), "")) == Prefs()
    assert await club.store.choose(ALICE, Prefs(presence=False)) == Chosen(Prefs(presence=False))
    assert await club.store.prefs(ALICE) == Prefs(presence=False)


async def test_who_tells_no_reads_is_told_none(club: Club) -> None:
    await club.says("one")
    for who in (ALICE, BOB):
        await club.store.climb([Move(who, club.talk, 4), Move(who, club.talk, 4, read=True)])
    key = StatusKey(club.talk, 1, dg_of("one", club.talk))
    assert (await club.store.states(ALICE, [key]))[0].fate == "read"
    assert await club.store.choose(BOB, Prefs(reads=False)) == Chosen(Prefs(reads=False))
    alice, bob = Mark(ALICE.uid, 4, 4, NOW_MS, NOW_MS), Mark(BOB.uid, 4, 4, NOW_MS, NOW_MS)
    hidden = {mark.by: replace(mark, read=0, read_ms=0) for mark in (alice, bob)}
    assert (await club.store.marks_since(ALICE, club.talk, 0)).told.marks == (alice, hidden[BOB.uid])
    assert (await club.store.marks_since(BOB, club.talk, 0)).told.marks == (hidden[ALICE.uid], bob)
    state = (await club.store.states(ALICE, [key]))[0]
    assert (state.fate, state.delivered, state.read) == ("delivered", 1, 0)
    assert [seat.read for seat in (await club.store.members(ALICE, club.talk)).members] == [4, 0]
    (moved,) = await club.store.climb([Move(BOB, club.talk, 4)])
    assert moved.tells


async def test_marks_that_climb_say_whether_they_may_be_told(club: Club) -> None:
    await club.store.choose(BOB, Prefs(reads=False))
    (moved,) = await club.store.climb([Move(BOB, club.talk, 3)])
    assert not moved.tells


async def test_who_tells_reads_again_is_shown_to_all_and_shown_all(club: Club) -> None:
    for who in (ALICE, BOB):
        await club.store.climb([Move(who, club.talk, 3), Move(who, club.talk, 3, read=True)])  # rev 1…4
    await club.store.choose(BOB, Prefs(reads=False))
    chosen = await club.store.choose(BOB, Prefs())
    marks = {Mark(who.uid, 3, 3, NOW_MS, NOW_MS) for who in (ALICE, BOB)}
    rung = {bell.conv: bell for bell in chosen.bells}
    assert set(rung) == {club.talk} | {head.conv for head in await club.store.heads(BOB)}
    bell = rung[club.talk]
    assert (bell.from_, bell.to, set(bell.marks), bell.silent) == (4, 5, marks, frozenset())
    assert set((await club.store.marks_since(ALICE, club.talk, 4)).told.marks) == marks
    assert set((await club.store.marks_since(BOB, club.talk, 4)).told.marks) == marks
    assert await club.store.choose(BOB, Prefs()) == Chosen(Prefs())


async def test_what_one_tells_holds_where_one_comes_later(club: Club) -> None:
    await club.store.choose(CAROL, Prefs(reads=False))
    await club.done(ALICE, do="add", uids=(CAROL.uid,))
    later = await club.opens(ALICE, CAROL, group=True, x="later")
    for conv in (club.talk, later):
        (moved,) = await club.store.climb([Move(CAROL, conv, 3)])
        assert not moved.tells


async def test_who_left_is_not_shown_again(club: Club) -> None:
    await club.done(BOB, do="leave")
    await club.store.choose(BOB, Prefs(reads=False))
    chosen = await club.store.choose(BOB, Prefs())
    assert club.talk not in {bell.conv for bell in chosen.bells}


# --- crowds (P-52)


async def test_a_large_conversation_is_told_counts(club: Club) -> None:
    people = await club.crowd()
    head = (await club.page(who=ALICE)).head
    assert {one.conv: one.rev for one in await club.store.heads(ALICE)}[club.talk] == 1, "news for who was away"
    moved = await club.store.climb([Move(who, club.talk, head) for who in people[:5]])
    assert len(moved[0].members) == MARKS_MEMBERS_MAX + 2
    await club.store.climb([Move(ALICE, club.talk, 3), Move(people[0], club.talk, head, read=True)])
    crowd = Crowd(MARKS_MEMBERS_MAX + 1, (Step(head, 5),), (Step(head, 1),))
    told = Told(8, (Mark(ALICE.uid, 3, 0, NOW_MS),), crowd)
    assert (await club.store.marks_since(ALICE, club.talk, 0)).told == told
    assert (await club.store.page(ALICE, Ask(club.talk, head, 9, pull=True, rev=7))).told == told
    bell = await club.store.crowd(club.talk)
    assert set(bell.members) == {ALICE.uid, BOB.uid, *(one.uid for one in people)}
    assert bell.tally.told(ALICE.uid) == told


async def test_a_probe_in_a_crowd_is_answered_with_counts(club: Club) -> None:
    people = await club.crowd()
    (said,) = await club.says("one")
    await club.store.climb([Move(people[0], club.talk, said.event.pos)])
    (again,) = await club.offers(msg(1, "one", conv=club.talk))
    assert isinstance(again, Settled)
    assert again.told.crowd == Crowd(MARKS_MEMBERS_MAX + 1, (Step(said.event.pos, 1),))
    assert again.told.reached(said.event.pos, but=ALICE.uid)


async def test_counts_change_with_the_members_and_become_marks_again(club: Club) -> None:
    people = await club.crowd()
    await club.store.climb([Move(BOB, club.talk, 3), Move(people[0], club.talk, 30)])  # rev 3
    changed = await club.done(people[0], do="leave")
    assert changed.crowds == (club.talk,)
    assert (await club.store.marks_since(ALICE, club.talk, 0)).told == Told(
        4, (), Crowd(MARKS_MEMBERS_MAX, (Step(3, 1),))
    )
    changed = await club.done(people[1], do="leave")
    assert changed.crowds == ()
    (bell,) = (bell for bell in changed.bells if isinstance(bell, MarksBell))
    assert (bell.from_, bell.to) == (4, 5)
    assert Mark(BOB.uid, 3, 0, NOW_MS) in bell.marks
    assert (await club.store.marks_since(ALICE, club.talk, 4)).told == Told(5, bell.marks)


async def test_who_tells_no_reads_falls_out_of_the_counts(club: Club) -> None:
    await club.crowd()
    await club.store.climb([Move(BOB, club.talk, 3), Move(BOB, club.talk, 3, read=True)])
    chosen = await club.store.choose(BOB, Prefs(reads=False))
    assert chosen.crowds == (club.talk,)
    told = (await club.store.marks_since(ALICE, club.talk, 0)).told
    assert told.crowd == Crowd(MARKS_MEMBERS_MAX + 1, (Step(3, 1),))
    assert (await club.store.choose(BOB, Prefs())).crowds == (club.talk,)


# --- new devices (P-63)


async def test_a_new_device_begins_behind_what_its_person_has(club: Club) -> None:
    await club.says("one", "two", "three")  # 4, 5, 6
    await club.store.climb([Move(BOB, club.talk, 5)])
    await club.scheduler.run(lambda db: begin_device(db, int(TABLET.did), TABLET.uid))
    page = await club.page(0, who=TABLET)
    assert page.gaps == (Gap(1, 5, "before_device"),)
    assert [event.pos for event in page.events] == [6], "what no device of Bob's has"
    assert (await club.page(None, who=TABLET)).from_ == 5


async def test_history_is_given_as_far_as_rights_allow_and_moves_nothing(club: Club) -> None:
    await club.says("one")  # 4
    await club.done(BOB, do="leave")  # 5
    await club.says("two", after=(1, dg_of("one", club.talk)))  # 6
    await club.done(ALICE, do="add", uids=(BOB.uid,))  # 7
    await club.store.climb([Move(BOB, club.talk, 7)])
    await club.scheduler.run(lambda db: begin_device(db, int(TABLET.did), TABLET.uid))
    page = await club.page(0, who=TABLET)
    assert page.gaps == (Gap(1, 5, "before_device"), Gap(6, 6, "not_member"), Gap(7, 7, "before_device"))
    history = await club.store.page(TABLET, Ask(club.talk, 2, 3, pull=True, history=True))
    assert [event.pos for event in history.events] == [3, 4, 5]
    assert history.told == Told()
    rest = await club.store.page(TABLET, Ask(club.talk, history.to, 3, pull=True, history=True))
    assert (rest.gaps, [event.pos for event in rest.events]) == ((Gap(6, 6, "not_member"),), [7])
    assert (await club.page(None, who=TABLET)).from_ == 7


async def test_a_conversation_joined_later_begins_at_the_join_on_every_device(club: Club) -> None:
    await club.scheduler.run(lambda db: begin_device(db, 30_001, CAROL.uid))
    await club.done(ALICE, do="add", uids=(CAROL.uid,))
    page = await club.page(None, who=replace(CAROL, did=Did("30001")))
    assert (page.gaps, len(page.events)) == ((Gap(1, 3, "before_join"),), 1)


# --- changes of messages (P-74)


async def test_every_member_who_sees_a_message_may_react_to_it(club: Club) -> None:
    await club.says("before")  # 4
    await club.done(ALICE, do="add", uids=(CAROL.uid,))  # 5
    await club.says("one", after=(1, dg_of("before", club.talk)))  # 6
    react = msg(1, "+1", conv=club.talk, rel=Relation("react", 6))
    (seen,) = await club.offers(react, who=CAROL)
    assert isinstance(seen, Taken)
    assert (await club.page(6)).events == (seen.event,)
    unseen = msg(2, "+2", react.dg, conv=club.talk, rel=Relation("react", 4))
    onto = msg(3, "+3", unseen.dg, conv=club.talk, rel=Relation("react", 7))
    notice = msg(4, "+4", onto.dg, conv=club.talk, rel=Relation("react", 5))
    for refused in await club.offers(unseen, onto, notice, who=CAROL):
        assert isinstance(refused, Settled)
        assert refused.shown.code == "relation_refused"


async def test_a_recall_takes_what_edits_said_as_well(club: Club) -> None:
    media = await uploaded(club, "mine", club.talk, ALICE.did)
    one = msg(1, "one", conv=club.talk)  # 4
    edit = msg(2, "uno", one.dg, conv=club.talk, media=(media,), rel=Relation("edit", 4))  # 5
    recall = msg(3, "gone", edit.dg, conv=club.talk, rel=Relation("recall", 4))  # 7
    taken = await club.offers(one, edit)
    (liked,) = await club.offers(msg(1, "+1", conv=club.talk, rel=Relation("react", 4)), who=BOB)  # 6
    (gone,) = await club.offers(recall)
    late = await club.offers(msg(2, "+2", dg_of("+1", club.talk), conv=club.talk, rel=Relation("react", 4)), who=BOB)
    assert isinstance(late[0], Settled), "what was recalled has no reactions any more"
    for each in (*taken, liked, gone):
        assert isinstance(each, Taken)
    events = {event.pos: event for event in (await club.page(3)).events}
    assert (events[4].content, events[4].media, events[4].rel) == ("", (), Relation("recall", 4))
    assert events[4].dg == one.dg
    assert (events[5].content, events[5].media, events[5].rel) == ("", (), Relation("edit", 4))
    assert events[6].content == msg(1, "+1").content
    assert events[7].content == recall.content
    assert await club.scheduler.read(lambda db: db.execute("select count(*) from pin").fetchone()) == (0,)
