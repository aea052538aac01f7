"""Answers, edits, recalls, reactions and forwarding, from the door to the wire and back (P-74, P-75)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from client.app.changes import BubblesChanged
from client.app.writing import reply_to
from client.core.effects import SaveArrived, SaveDropped, SaveGeneration, SaveRoster
from client.core.model import Bubble, Member, State
from protocol.codec import from_text, to_text
from protocol.content import (
    Attachment,
    Body,
    Change,
    Content,
    Edit,
    Forward,
    Mention,
    Picture,
    Reaction,
    Recall,
    Reply,
    Text,
    Voice,
    pack,
    unpack,
)
from protocol.lanes import digest
from protocol.packets import Event, MsgR, Nack, Relation, VoidA, VoidR
from protocol.problems import Problem
from protocol.values import ConvId, Did, Lid, MediaId, Uid
from tests.helpers.app import BOB, CONV, ME, App, close_app, open_app

OTHER = ConvId("c-others")
PHOTO = Attachment(MediaId("photo"), "a.jpg", "image/jpeg", 5, "ab" * 32, width=3, preview=b"p")


@dataclass
class Desk:
    """A chat with a session and a conversation, and what its server was told."""

    app: App
    pos: int = 3
    said: list[MsgR] = field(default_factory=list)

    async def takes(self) -> Content:
        """The server takes the next message; what it says."""
        self.pos += 1
        self.said.append(await self.app.accept(self.pos))
        return unpack(from_text(self.said[-1].content), author=ME.uid, conv=self.said[-1].conv)

    async def says(self, text: str) -> Lid:
        lid = await self.app.chat.say(CONV, text)
        await self.takes()
        await self.app.shows(lid, State.ACCEPTED)
        return lid

    async def hears(self, body: Body | Change, uid: Uid = BOB, rel: Relation | None = None) -> Bubble:
        """Somebody else's message."""
        self.pos += 1
        content = pack(Content(uid, CONV, self.pos.to_bytes(8, "big"), 5, body))
        event = Event(self.pos, 1, uid, Did("88"), self.pos, digest(CONV, content), "plain1", to_text(content), (), rel)
        await self.app.disk.save([SaveArrived(CONV, (event,), (), self.pos, self.pos)])
        return (await self.app.chat.page(CONV))[-1]

    async def bubble(self, lid: Lid) -> Bubble:
        return await self.app.chat.bubble(lid)


@pytest.fixture
async def desk(ready: App) -> Desk:
    await ready.open_room()
    return Desk(ready)


async def refused(wish: object) -> str:
    with pytest.raises(Problem) as why:
        await wish  # type: ignore[misc]
    return why.value.code


# ----------------------------------------------------------------------------------------------- answers


async def test_an_answer_repeats_the_first_words(desk: Desk) -> None:
    theirs = await desk.hears(Text("  What\n about " + "tea " * 100))
    lid = await desk.app.chat.say(CONV, "@Bob yes", reply_to=theirs.lid, mentions=[Mention(BOB, 0, 4)])
    said = await desk.takes()

    assert said.body == Text("@Bob yes", (Mention(BOB, 0, 4),))
    assert said.reply == Reply(theirs.dg, BOB, ("What about " + "tea " * 100)[:120], "text")
    bubble = await desk.bubble(lid)
    assert (bubble.reply, bubble.reply_lid) == (said.reply, theirs.lid)
    assert reply_to(await desk.hears(Picture(PHOTO, "the sea"))).quote == "the sea"
    voice = await desk.hears(Voice(PHOTO))
    assert reply_to(voice) == Reply(voice.dg, BOB, "", "voice")


async def test_only_what_is_said_here_can_be_answered(desk: Desk, tmp_path: Path) -> None:
    notice = (await desk.app.chat.page(CONV))[0]
    theirs = await desk.hears(Text("hello"))
    chat = desk.app.chat
    assert await refused(chat.say(CONV, "yes", reply_to=notice.lid)) == "not_possible_now"
    assert await refused(chat.say(OTHER, "yes", reply_to=theirs.lid)) == "not_possible_now"
    assert await refused(chat.say(CONV, "yes", reply_to=Lid(999))) == "unknown_message"
    path = tmp_path / "notes.txt"
    path.write_text("notes")
    lid = await chat.send_file(CONV, str(path), reply_to=theirs.lid)
    assert (await desk.takes()).reply == Reply(theirs.dg, BOB, "hello", "text")
    assert (await desk.bubble(lid)).reply_lid == theirs.lid


# ------------------------------------------------------------------------------------------------ edits


async def test_an_edit_is_a_message_about_a_message(desk: Desk) -> None:
    lid = await desk.says("helo")
    change = await desk.app.chat.edit(lid, "hello @Bob", [Mention(BOB, 6, 4)])
    bubble = await desk.bubble(lid)
    assert (bubble.body, bubble.edited, bubble.change_lid) == (Text("hello @Bob", (Mention(BOB, 6, 4),)), True, change)

    said = await desk.takes()
    assert said.body == Edit(bubble.dg, "hello @Bob", (Mention(BOB, 6, 4),))
    assert desk.said[-1].rel == Relation("edit", 4)
    await desk.app.told(
        BubblesChanged, lambda told: any(each.lid == lid and each.edited and not each.change for each in told.bubbles)
    )
    assert await desk.app.chat.edit(lid, "hello @Bob", [Mention(BOB, 6, 4)]) == 0
    assert [version.text for version in await desk.app.chat.versions(lid)] == ["helo", "hello @Bob"]


async def turned_down(desk: Desk, change: Lid) -> Bubble:
    """The server refuses the next message; the bubble then."""
    asked = await desk.app.wire.hears(MsgR, lambda packet: not packet.probe)
    desk.app.wire.answer(
        Nack(code="relation_refused", conv=CONV, n=asked.n, dg=asked.dg, final=True, last=asked.n, ld=asked.dg)
    )
    told = await desk.app.told(
        BubblesChanged,
        lambda told: any(each.change is State.REFUSED and each.change_lid == change for each in told.bubbles),
    )
    return next(bubble for bubble in told.bubbles if bubble.change_lid == change)


async def test_a_refused_edit_goes_back_and_can_be_sent_again(desk: Desk) -> None:
    lid = await desk.says("helo")
    first = await desk.app.chat.edit(lid, "hello")
    bubble = await turned_down(desk, first)
    assert (bubble.lid, bubble.body, bubble.edited) == (lid, Text("helo"), False)
    assert bubble.change_code == "relation_refused"

    second = await desk.app.chat.resend(first)
    assert await refused(desk.bubble(first)) == "unknown_message"
    await turned_down(desk, second)
    await desk.app.chat.resend(second)
    assert (await desk.takes()).body == Edit(bubble.dg, "hello")


async def test_a_recall_that_was_refused_can_be_sent_again(desk: Desk) -> None:
    lid = await desk.says("a secret")
    change = await desk.app.chat.recall(lid)
    assert (await turned_down(desk, change)).body == Text("a secret")
    again = await desk.app.chat.resend(change)
    await turned_down(desk, again)
    await desk.app.chat.remove(again)
    assert (await desk.bubble(lid)).change is None


async def test_what_it_was_about_is_not_here_any_more(desk: Desk) -> None:
    lid = await desk.says("hello")
    change = await desk.app.chat.edit(lid, "Hello")
    await turned_down(desk, change)
    await desk.app.disk.save([SaveDropped(lid, CONV)])
    assert await refused(desk.app.chat.resend(change)) == "target_gone"


async def test_a_change_that_failed_is_taken_away(desk: Desk) -> None:
    theirs = await desk.hears(Text("hello"))
    change = await desk.app.chat.react(theirs.lid, "👍")
    asked = await desk.app.wire.hears(MsgR, lambda packet: not packet.probe)
    await desk.app.chat.cancel(change)
    await desk.app.wire.hears(VoidR)
    desk.app.wire.answer(VoidA(CONV, asked.n, asked.dg, asked.n, asked.dg))
    await desk.app.told(
        BubblesChanged, lambda told: any(each.lid == theirs.lid and not each.reactions for each in told.bubbles)
    )
    again = await desk.app.chat.resend(change)
    assert (await desk.takes()).body == Reaction(theirs.dg, "👍")
    assert await refused(desk.app.chat.remove(again)) == "not_possible_now"


async def test_what_cannot_be_edited(desk: Desk) -> None:
    chat = desk.app.chat
    theirs, lid = await desk.hears(Text("hello")), await desk.says("mine")
    voice = await desk.hears(Voice(PHOTO), ME.uid)
    for other in (theirs.lid, voice.lid, (await chat.page(CONV))[0].lid):
        assert await refused(chat.edit(other, "changed")) == "not_possible_now"
    assert await refused(chat.edit(lid, " ")) == "text_empty"
    assert await refused(chat.edit(lid, "x" * 8_001)) == "text_too_long"


async def test_a_caption_is_edited_before_and_after_the_file_is_up(app: App, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("notes")
    lid = await app.chat.send_file(CONV, str(path), caption="oen")
    assert await app.chat.edit(lid, "one") == lid
    assert getattr((await app.chat.bubble(lid)).body, "caption", "") == "one"

    await app.greet()
    desk = Desk(app)
    assert getattr((await desk.takes()).body, "caption", "") == "one"
    await app.shows(lid, State.ACCEPTED)
    await app.chat.edit(lid, "two")
    said = await desk.takes()
    assert said.body == Edit((await desk.bubble(lid)).dg, "two")


async def test_what_waits_is_written_anew_under_its_own_number(desk: Desk) -> None:
    lid = await desk.app.chat.say(CONV, "a mistake")
    asked = await desk.app.wire.hears(MsgR)
    assert await desk.app.chat.edit(lid, "as it should be") == lid
    await desk.app.wire.hears(VoidR)
    assert (await desk.bubble(lid)).body == Text("as it should be")

    desk.app.wire.answer(VoidA(CONV, asked.n, asked.dg, asked.n, asked.dg))
    assert (await desk.takes()).body == Text("as it should be")
    assert (await desk.app.shows(lid, State.ACCEPTED)).edited is False


async def test_words_that_were_refused_are_not_edited_but_written_again(desk: Desk) -> None:
    lid = await desk.app.chat.say(CONV, "hello")
    asked = await desk.app.wire.hears(MsgR)
    desk.app.wire.answer(Nack(code="blocked", conv=CONV, n=asked.n, dg=asked.dg, final=True, last=asked.n, ld=asked.dg))
    await desk.app.shows(lid, State.REFUSED)
    assert await refused(desk.app.chat.edit(lid, "other")) == "not_possible_now"
    assert await refused(desk.app.chat.recall(lid)) == "not_possible_now"
    assert await refused(desk.app.chat.react(lid, "x")) == "not_possible_now"


# --------------------------------------------------------------------------------- recalls and reactions


async def test_a_recall_is_for_one_s_own_or_for_who_administers(desk: Desk) -> None:
    chat = desk.app.chat
    lid, theirs = await desk.says("a secret"), await desk.hears(Text("hello"))
    assert await refused(chat.recall(theirs.lid)) == "not_possible_now"
    change = await chat.recall(lid)
    assert (await desk.bubble(change)).body == Recall((await desk.bubble(lid)).dg)
    assert (await desk.bubble(lid)).recalled
    assert isinstance((await desk.takes()).body, Recall)
    assert await refused(chat.recall(lid)) == "not_possible_now"
    assert await refused(chat.react(lid, "x")) == "not_possible_now"

    members = (Member(ME.uid, ME.name, 1), Member(BOB, "Bob"))
    await desk.app.disk.save([SaveRoster(CONV, members, False, "group")])
    unreadable = await desk.hears(Text("?"))
    await chat.recall(unreadable.lid)
    assert desk.said[-1].rel == Relation("recall", 4)
    assert isinstance((await desk.takes()).body, Recall)


async def test_the_recall_of_what_waits_is_a_cancel(desk: Desk) -> None:
    lid = await desk.app.chat.say(CONV, "never mind")
    asked = await desk.app.wire.hears(MsgR)
    assert await desk.app.chat.recall(lid) == lid
    assert (await desk.app.wire.hears(VoidR)).dg == asked.dg


async def test_a_reaction_is_said_once_and_taken_back(desk: Desk) -> None:
    chat, theirs = desk.app.chat, await desk.hears(Text("hello"))
    assert await refused(chat.react(theirs.lid, "x" * 17)) == "text_too_long"
    await chat.react(theirs.lid, " 👍🏽 ")
    assert (await desk.takes()).body == Reaction(theirs.dg, "👍🏽")
    assert (await desk.bubble(theirs.lid)).reactions == (("👍🏽", (ME.uid,)),)
    assert await chat.react(theirs.lid, "👍🏽") == 0
    await chat.react(theirs.lid, "")
    assert (await desk.takes()).body == Reaction(theirs.dg, "")
    assert await chat.react(theirs.lid, "") == 0


async def test_what_a_restored_server_has_lost_cannot_be_changed(desk: Desk) -> None:
    theirs = await desk.hears(Text("hello"))
    await desk.app.disk.save([SaveGeneration("g1", ((CONV, 3),))])
    assert await refused(desk.app.chat.react(theirs.lid, "x")) == "target_gone"


async def test_a_try_of_a_change_written_before_this_start_is_shown(tmp_path: Path) -> None:
    app = await open_app(tmp_path)
    await app.greet()
    await app.open_room()
    theirs = await Desk(app).hears(Text("hello"))
    await app.chat.react(theirs.lid, "👍")
    await close_app(app)

    again = await open_app(tmp_path)
    await again.greet()
    await again.wire.hears(MsgR, lambda packet: packet.rel is not None)
    told = await again.told(BubblesChanged, lambda told: any(each.change is State.SENDING for each in told.bubbles))
    assert [each.lid for each in told.bubbles] == [theirs.lid]
    await close_app(again)


# ------------------------------------------------------------------------------------------- forwarding


async def test_words_are_passed_on_with_their_first_author(desk: Desk) -> None:
    theirs, mine = await desk.hears(Text("hello", (Mention(BOB, 0, 5),))), await desk.says("mine")
    first, second = await desk.app.chat.forward([mine, theirs.lid], OTHER)
    said = [await desk.takes(), await desk.takes()]
    assert [(each.body, each.forward, each.conv) for each in said] == [
        (Text("hello"), Forward(BOB, "Bob"), OTHER),
        (Text("mine"), Forward(ME.uid, ME.name), OTHER),
    ]
    await desk.app.shows(second, State.ACCEPTED)
    await desk.app.chat.forward([first], CONV)
    assert (await desk.takes()).forward == Forward(BOB, "Bob")


async def test_a_file_is_passed_on_as_a_new_row_on_the_same_bytes(desk: Desk) -> None:
    stranger = await desk.hears(Picture(PHOTO, "the sea"), Uid("u-stranger"))
    voice = await desk.hears(Voice(PHOTO))
    [lid, other] = await desk.app.chat.forward([stranger.lid, voice.lid], OTHER)
    said = [await desk.takes(), await desk.takes()]
    assert isinstance(said[0].body, Picture)
    assert (said[0].body.caption, said[0].body.file.preview, said[0].body.file.width) == ("the sea", b"p", 3)
    assert said[0].forward == Forward(Uid("u-stranger"), "?")
    assert said[0].body.file.media != PHOTO.media
    assert isinstance(said[1].body, Voice)
    assert {lid, other} == {bubble.lid for bubble in await desk.app.chat.page(OTHER)}


async def test_what_cannot_be_passed_on(desk: Desk, tmp_path: Path) -> None:
    notice = (await desk.app.chat.page(CONV))[0]
    empty = await desk.hears(Picture(Attachment(MediaId(""), "a.jpg", "", 0, "")))
    for lid in (notice.lid, empty.lid):
        assert await refused(desk.app.chat.forward([lid], OTHER)) == "not_possible_now"
    assert await desk.app.chat.page(OTHER) == []
