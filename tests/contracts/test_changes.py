"""What a profile's database makes of edits, recalls and reactions, in whatever order they come (P-74)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import permutations
from pathlib import Path

import pytest

from client.adapters.sqlite_messages import SqliteMessages
from client.core.effects import (
    SaveAdrift,
    SaveArrived,
    SaveComposed,
    SaveDropped,
    SaveFetched,
    SaveGeneration,
    SaveMoored,
    SaveRead,
    SaveRequeued,
    SaveRewrite,
    SaveSettled,
    SaveState,
    SaveUpload,
)
from client.core.model import Bubble, Inspected, Lane, Me, Own, Rewrite, State, Upload, Version
from protocol.codec import to_text
from protocol.content import (
    PLAIN,
    Attachment,
    Body,
    Change,
    Content,
    Edit,
    Forward,
    Mention,
    Opened,
    Picture,
    Reaction,
    Recall,
    Reply,
    Text,
    Voice,
    pack,
    pack_notice,
)
from protocol.lanes import digest
from protocol.packets import Event, Relation
from protocol.values import SERVER_DID, ConvId, Did, Digest, Lid, MediaId, Uid, replace

ALICE, BOB, CAROL = Uid("alice"), Uid("bob"), Uid("carol")
LAPTOP, PHONE, DESK = Did("12"), Did("11"), Did("21")
CHAT = ConvId("chat")
ME = Me(ALICE, LAPTOP, "Alice", "token", "http://127.0.0.1:1")
PHOTO = Attachment(MediaId("m"), "a.jpg", "image/jpeg", 5, "ab", preview=b"preview")


@pytest.fixture
async def messages(tmp_path: Path) -> AsyncIterator[SqliteMessages]:
    store = SqliteMessages(tmp_path / "profile")
    await store.open()
    await store.become(ME)
    yield store
    await store.close()


def content(body: Body | Change, author: Uid = BOB, nonce: int = 0, **more: object) -> bytes:
    return pack(Content(author, CHAT, nonce.to_bytes(8, "big"), 5, body, **more))  # type: ignore[arg-type]


def event(pos: int, body: Body | Change, author: Uid = BOB, rel: Relation | None = None, **more: object) -> Event:
    """A row of the log."""
    data = content(body, author, pos, **more)
    did = {ALICE: PHONE, BOB: DESK, CAROL: Did("31")}[author]
    media = (PHOTO.media,) if isinstance(body, Picture | Voice) else ()
    return Event(pos, 1_000 + pos, author, did, pos, digest(CHAT, data), PLAIN, to_text(data), media, rel)


def edit(pos: int, of: Event, text: str, author: Uid = BOB, at: int = 0) -> Event:
    return event(pos, Edit(of.dg, text), author, Relation("edit", at or of.pos))


def recall(pos: int, of: Event, author: Uid = BOB, at: int = 0) -> Event:
    return event(pos, Recall(of.dg), author, Relation("recall", at or of.pos))


def react(pos: int, of: Event, emoji: str, author: Uid = BOB) -> Event:
    return event(pos, Reaction(of.dg, emoji), author, Relation("react", of.pos))


def arrived(*events: Event) -> SaveArrived:
    last = max(event.pos for event in events)
    return SaveArrived(CHAT, events, (), last, last)


def composed(lid: int, body: Body | Change, rel: Relation | None = None, n: int = 0) -> SaveComposed:
    """Something of Alice's own, written here."""
    data = content(body, ALICE, lid)
    dg, n = digest(CHAT, data), n or lid
    target = getattr(body, "target", Digest(""))
    return SaveComposed(Lid(lid), CHAT, n, Digest(""), dg, data, (), 70, Lane(n, dg), rel, target)


def settled(lid: int, pos: int, state: State = State.ACCEPTED, code: str = "") -> SaveSettled:
    return SaveSettled(Lid(lid), CHAT, state, pos, 1_000 + pos if pos else 0, lid, code)


async def page(messages: SqliteMessages) -> list[Bubble]:
    return await messages.page(CHAT)


async def only(messages: SqliteMessages) -> Bubble:
    [bubble] = await page(messages)
    return bubble


HELLO = event(1, Text("hello"))


# ------------------------------------------------------------------------------------------------ edits


async def test_the_last_edit_by_position_counts_whatever_comes_first(tmp_path: Path) -> None:
    events = (HELLO, edit(2, HELLO, "second"), edit(3, HELLO, "third"))
    for number, order in enumerate(permutations(events)):
        messages = SqliteMessages(tmp_path / str(number))
        await messages.open()
        await messages.become(ME)
        for each in order:
            await messages.save([arrived(each)])
        bubble = await only(messages)
        assert (bubble.body, bubble.edited, bubble.pos) == (Text("third"), True, 1)
        assert await messages.versions(bubble.lid) == [
            Version(1_001, "hello"), Version(1_002, "second"), Version(1_003, "third"),
        ]  # fmt: skip
        await messages.close()


async def test_an_edit_tells_the_bubble_it_changes(messages: SqliteMessages) -> None:
    await messages.save([arrived(HELLO)])
    [bubble] = await messages.save([arrived(edit(2, HELLO, "better"))])
    assert bubble.body == Text("better")
    assert await messages.save([arrived(edit(3, event(9, Text("not here")), "better"))]) == []


@pytest.mark.parametrize(
    "change",
    [
        edit(2, HELLO, "forged", CAROL),
        edit(2, HELLO, "elsewhere", at=3),
        event(2, Edit(HELLO.dg, "no relation")),
        event(2, Edit(HELLO.dg, "another relation"), rel=Relation("recall", 1)),
        event(2, Text("no change"), rel=Relation("edit", 1)),
        replace(edit(2, HELLO, "unreadable"), content="bm9pc2U", rel=Relation("edit", 1)),
        replace(edit(2, HELLO, "another suite"), suite="olm1"),
        recall(2, HELLO, at=3),
        event(2, Recall(Digest("other")), rel=Relation("recall", 1)),
    ],
)
async def test_what_does_not_hit_is_kept_and_not_shown(messages: SqliteMessages, change: Event, tmp_path: Path) -> None:
    """S4: every position is accounted for; P-74: only what names its message inside and outside changes it."""
    await messages.save([arrived(HELLO, change)])
    bubble = await only(messages)
    assert (bubble.body, bubble.edited, bubble.recalled) == (Text("hello"), False, False)
    assert len(await messages.lids_at(CHAT, 1, 2)) == 2
    assert (await messages.load()).rooms[0].cursor == 2


async def test_words_below_a_file_are_edited_and_a_voice_note_has_none(messages: SqliteMessages) -> None:
    photo, voice = event(1, Picture(PHOTO, "see")), event(2, Voice(PHOTO))
    await messages.save([arrived(photo, voice, edit(3, photo, "the sea"), edit(4, voice, "la la"))])

    first, second = await page(messages)
    assert (first.body, first.edited) == (Picture(PHOTO, "the sea"), True)
    assert (second.body, second.edited) == (Voice(PHOTO), False)
    assert [version.text for version in await messages.versions(first.lid)] == ["see", "the sea"]
    assert await messages.versions(second.lid) == []


async def test_an_own_edit_shows_at_once_and_goes_back_if_it_is_refused(messages: SqliteMessages) -> None:
    await messages.save([composed(1, Text("helo")), settled(1, 1)])
    mine = await only(messages)
    [bubble] = await messages.save([composed(2, Edit(mine.dg, "hello"), Relation("edit", 1))])
    assert (bubble.lid, bubble.body, bubble.edited) == (1, Text("hello"), True)
    assert (bubble.change, bubble.change_lid) == (State.QUEUED, 2)
    [bubble] = await messages.save([SaveState(Lid(2), State.NEEDS_YOU, parked=True)])
    assert (bubble.body, bubble.change) == (Text("hello"), State.NEEDS_YOU)

    [bubble] = await messages.save([settled(2, 0, State.REFUSED, "relation_refused")])
    assert (bubble.body, bubble.edited) == (Text("helo"), False)
    assert (bubble.change, bubble.change_code) == (State.REFUSED, "relation_refused")
    [bubble] = await messages.save([composed(3, Edit(mine.dg, "Hello"), Relation("edit", 1)), settled(3, 4)])
    assert (bubble.body, bubble.change, bubble.change_lid) == (Text("Hello"), None, 0)


async def test_a_change_that_failed_can_be_taken_away(messages: SqliteMessages) -> None:
    await messages.save([composed(1, Text("helo")), settled(1, 1)])
    dg = (await only(messages)).dg
    await messages.save([composed(2, Recall(dg), Relation("recall", 1)), settled(2, 0, State.REFUSED)])
    change = await messages.bubble(Lid(2))
    assert (change.body, change.reply_lid, change.state) == (Recall(dg), 1, State.REFUSED)

    [bubble] = await messages.save([SaveDropped(Lid(2), CHAT)])
    assert (bubble.lid, bubble.change) == (1, None)


# ---------------------------------------------------------------------------------------------- recalls


async def test_a_recall_wins_and_leaves_nothing_whatever_comes_first(tmp_path: Path) -> None:
    photo = event(1, Picture(PHOTO, "a secret"))
    events = (photo, edit(2, photo, "another secret"), recall(3, photo), react(4, photo, "x", CAROL))
    for number, order in enumerate(permutations(events)):
        messages = SqliteMessages(tmp_path / str(number))
        await messages.open()
        await messages.become(ME)
        for each in order:
            await messages.save([arrived(each)])
        bubble = await only(messages)
        assert (bubble.recalled, bubble.recalled_by, bubble.body, bubble.state) == (True, BOB, None, State.RECEIVED)
        assert (bubble.edited, bubble.reactions, bubble.path) == (False, (), "")
        assert await messages.versions(bubble.lid) == []
        await messages.close()
        assert b"a secret" not in (tmp_path / str(number) / "messages.db").read_bytes()


async def test_a_recall_forgets_where_the_file_lies(messages: SqliteMessages) -> None:
    photo = event(1, Picture(PHOTO))
    [bubble] = await messages.save([arrived(photo)])
    await messages.save([SaveFetched(bubble.lid, "/cache/ab.jpg")])
    [bubble] = await messages.save([arrived(recall(2, photo, CAROL))])
    assert (bubble.recalled_by, bubble.path, bubble.attachment) == (CAROL, "", None)


async def test_what_was_recalled_before_it_came_is_a_stub(messages: SqliteMessages) -> None:
    """As the server keeps it: it names its own place; its edits are empty, and mean nothing any more."""
    stub = replace(HELLO, content="", rel=Relation("recall", HELLO.pos))
    emptied = replace(edit(2, HELLO, "better"), content="")
    await messages.save([arrived(stub, emptied)])
    bubble = await only(messages)
    assert (bubble.recalled, bubble.recalled_by, bubble.uid, bubble.state) == (True, "", BOB, State.RECEIVED)
    await messages.save([arrived(recall(3, HELLO))])
    assert (await only(messages)).recalled_by == BOB


async def test_a_stub_of_what_is_here_takes_it_away(messages: SqliteMessages) -> None:
    await messages.save([arrived(HELLO)])
    await messages.save([SaveGeneration("2", ((CHAT, 0),))])
    [bubble] = await messages.save([arrived(replace(HELLO, content="", rel=Relation("recall", HELLO.pos)))])
    assert (bubble.recalled, bubble.body, bubble.lost) == (True, None, False)


async def test_an_own_recall_shows_at_once_and_is_final_when_taken(messages: SqliteMessages) -> None:
    await messages.save([composed(1, Text("a secret")), settled(1, 1)])
    dg = (await only(messages)).dg
    [bubble] = await messages.save([composed(2, Recall(dg), Relation("recall", 1))])
    assert (bubble.recalled, bubble.body, bubble.change) == (True, None, State.QUEUED)
    [bubble] = await messages.save([settled(2, 0, State.REFUSED)])
    assert (bubble.recalled, bubble.body) == (False, Text("a secret"))

    [bubble] = await messages.save([composed(3, Recall(dg), Relation("recall", 1)), settled(3, 5)])
    assert (bubble.recalled, bubble.change, bubble.state) == (True, None, State.ACCEPTED)
    assert await messages.own_above([(CHAT, 0)]) == ()
    assert [own.lid for own in await messages.own_above([(CHAT, 1)])] == [3]


# -------------------------------------------------------------------------------------------- reactions


async def test_each_person_has_one_reaction_the_last_by_position(messages: SqliteMessages) -> None:
    await messages.save(
        [
            arrived(HELLO, react(3, HELLO, "heart", CAROL), react(4, HELLO, "heart")),
            arrived(react(2, HELLO, "smile", CAROL)),
        ]
    )
    assert (await only(messages)).reactions == (("heart", (CAROL, BOB)),)
    [bubble] = await messages.save([arrived(react(5, HELLO, "", CAROL))])
    assert bubble.reactions == (("heart", (BOB,)),)
    [bubble] = await messages.save([composed(1, Reaction(HELLO.dg, "sun"), Relation("react", 1))])
    assert bubble.reactions == (("heart", (BOB,)), ("sun", (ALICE,)))
    [bubble] = await messages.save([settled(1, 0, State.CANCELLED)])
    assert (bubble.reactions, bubble.change) == ((("heart", (BOB,)),), None)


async def test_a_reaction_from_an_own_other_device_is_one_s_own(messages: SqliteMessages) -> None:
    [bubble] = await messages.save([arrived(HELLO, react(2, HELLO, "sun", ALICE))])
    assert (bubble.reactions, bubble.change) == ((("sun", (ALICE,)),), None)


# -------------------------------------------------------------------------------- the rest of the screen


async def test_changes_are_on_no_page_are_not_unread_and_end_no_list(messages: SqliteMessages) -> None:
    data = pack_notice(Opened("direct"))
    opened = Event(1, 1_001, Uid(""), SERVER_DID, 1, digest(CHAT, data), "server1", to_text(data))
    first, second = event(2, Text("one")), event(3, Text("two"))
    await messages.save([arrived(opened, first, second, edit(4, first, "1"), react(5, second, "x"))])
    assert [bubble.body for bubble in await page(messages)][1:] == [Text("1"), Text("two")]
    assert await messages.page(CHAT, before=(2 * 3, 0), limit=1) == [(await page(messages))[1]]

    [entry] = await messages.chats()
    assert (entry.unread, entry.last and entry.last.body) == (2, Text("two"))
    await messages.save([arrived(recall(6, second))])
    [entry] = await messages.chats()
    assert (entry.unread, entry.last and entry.last.recalled) == (1, True)
    await messages.save([composed(1, Reaction(first.dg, "x"), Relation("react", 2)), SaveRead(CHAT, 6)])
    [entry] = await messages.chats()
    assert (entry.unread, entry.waiting) == (0, 1)


async def test_an_answer_finds_what_it_answers(messages: SqliteMessages) -> None:
    reply = Reply(HELLO.dg, BOB, "hello")
    answer = event(2, Text("yes?"), CAROL, reply=reply, forward=Forward(ALICE, "Alice"))
    await messages.save([arrived(answer)])
    bubble = await only(messages)
    assert (bubble.reply, bubble.reply_lid, bubble.forward) == (reply, 0, Forward(ALICE, "Alice"))

    await messages.save([arrived(HELLO)])
    asked, bubble = await page(messages)
    assert bubble.reply_lid == asked.lid
    await messages.save([arrived(recall(3, HELLO))])
    _, bubble = await page(messages)
    assert bubble.reply == Reply(HELLO.dg, BOB, "", "recalled")


async def test_mentions_outside_the_words_are_not_shown(messages: SqliteMessages) -> None:
    inside, outside = Mention(ALICE, 0, 6), Mention(ALICE, 5, 9)
    await messages.save([arrived(event(1, Text("@alice", (outside, inside))))])
    assert (await only(messages)).mentions == (inside,)


async def test_a_file_on_its_way_up_is_an_answer_already(messages: SqliteMessages) -> None:
    reply, forward = Reply(HELLO.dg, BOB, "hello"), Forward(BOB, "Bob")
    found = Inspected("picture", "image/jpeg", "a.jpg", 5, "ab", "/a.jpg")
    upload = Upload(Lid(1), CHAT, 7, "/a.jpg", "a.jpg", "auto", "see", b"8 bytes!", 5, found)
    upload = replace(upload, reply=reply, forward=forward, source=MediaId("theirs"))
    [bubble] = await messages.save([SaveUpload(upload)])
    assert (bubble.reply, bubble.forward) == (reply, forward)
    assert (await messages.load()).uploads == (upload,)


# ---------------------------------------------------------------------------------- waiting, falling back


async def test_a_row_that_waits_knows_what_it_is_about(messages: SqliteMessages) -> None:
    save = composed(5, Reaction(HELLO.dg, "x"), Relation("react", 0), n=0)
    save = replace(save, n=0, lane=Lane())
    await messages.save([composed(1, Text("one"), n=3), save])
    first, row = sorted((await messages.load()).rows, key=lambda row: row.lid)
    assert (first.rel, first.target) == (None, "")
    assert (row.n, row.rel, row.target) == (0, Relation("react", 0), HELLO.dg)

    await messages.save([SaveMoored(Lid(5), CHAT, 4, first.dg, 9, Lane(4, save.dg))])
    _, row = (await messages.load()).rows
    assert (row.n, row.pd, row.rel) == (4, first.dg, Relation("react", 9))
    await messages.save([SaveState(Lid(5), State.NEEDS_YOU, parked=True), SaveAdrift(Lid(5), CHAT)])
    row = next(row for row in (await messages.load()).rows if row.lid == 5)
    assert (row.n, row.parked, row.rel) == (0, False, Relation("react", 9))
    assert (await messages.bubble(Lid(5))).state is State.QUEUED


async def test_changes_are_offered_again_with_what_they_are_about(messages: SqliteMessages) -> None:
    """P-69; what was recalled itself has nothing to offer any more."""
    gone = composed(1, Text("a secret"))
    kept = composed(3, Reaction(HELLO.dg, "x"), Relation("react", 1))
    await messages.save([gone, settled(1, 2), composed(2, Recall(gone.dg), Relation("recall", 2)), settled(2, 3)])
    await messages.save([kept, settled(3, 4)])

    [own] = await messages.own_above([(CHAT, 1)])
    assert own == Own(Lid(3), CHAT, kept.dg, kept.content, (), 70, Relation("react", 1), HELLO.dg)
    await messages.save([SaveGeneration("2", ((CHAT, 1),)), SaveRequeued(Lid(3), CHAT, 0, Digest(""), Lane(3))])
    row = next(row for row in (await messages.load()).rows if row.lid == 3)
    assert (row.n, row.rel, row.target) == (0, Relation("react", 1), HELLO.dg)


async def test_a_message_that_was_lost_says_so_and_changes_find_it_again(messages: SqliteMessages) -> None:
    await messages.save([arrived(HELLO, edit(2, HELLO, "better"))])
    await messages.save([SaveGeneration("2", ((CHAT, 0),))])
    bubble = await only(messages)
    assert (bubble.lost, bubble.body) == (True, Text("better"))

    again = replace(HELLO, pos=3)
    await messages.save([arrived(again)])
    bubble = await only(messages)
    assert (bubble.lost, bubble.body) == (False, Text("hello"))
    moved = replace(edit(2, HELLO, "better"), pos=4, rel=Relation("edit", 3))
    await messages.save([arrived(moved)])
    assert (await only(messages)).body == Text("better")


async def test_new_words_for_what_waits_show_at_once(messages: SqliteMessages) -> None:
    save = composed(1, Text("a mistake"))
    anew = content(Text("as it should be"), ALICE)
    rewrite = Rewrite(anew, digest(CHAT, anew), b"edit", Digest("edit"), Lid(9), 70)
    await messages.save([save])
    [bubble] = await messages.save([SaveRewrite(Lid(1), rewrite), SaveState(Lid(1), State.CANCELLING, "cancel")])
    assert (bubble.body, bubble.state) == (Text("as it should be"), State.QUEUED)
    assert (await messages.load()).rewrites == {Lid(1): rewrite}

    again = replace(composed(1, Text("as it should be"), n=2), dg=rewrite.anew_dg, content=anew)
    [bubble] = await messages.save([settled(1, 0, State.CANCELLED), SaveRewrite(Lid(1), None), again])
    assert (bubble.body, bubble.state, bubble.n) == (Text("as it should be"), State.QUEUED, 2)
    assert (await messages.load()).rewrites == {}
    await messages.save([arrived(event(1, Text("later"))), settled(1, 2)])
    assert [each.pos for each in await page(messages)] == [1, 2]
