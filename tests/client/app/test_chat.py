"""The door for every front end, with the test as the server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from client.app.changes import (
    BubbleDropped,
    BubblesChanged,
    ChatsChanged,
    LineChanged,
    NewMessages,
    PacketSeen,
    PeopleChanged,
    PrefsChanged,
    ProblemSeen,
    Progressed,
    TypingChanged,
)
from client.app.settings import load_settings
from client.core.model import State
from protocol.limits import ALBUM_ID_MAX_CHARS
from protocol.packets import (
    AckN,
    Hello,
    Mark,
    MsgR,
    Nack,
    OpenA,
    OpenR,
    PeopleA,
    PeopleR,
    Person,
    Ping,
    Prefs,
    PrefsA,
    PrefsR,
    ReadR,
    Status,
    StatusA,
    StatusR,
    TypingN,
    VoidA,
    VoidR,
)
from protocol.problems import DiskFull, InviteWrong, MediaVanished, Problem
from protocol.values import ConvId, Lid, replace
from tests.helpers.app import BOB, CONV, ME, App, close_app, open_app, text_of


async def refusal_of(wish: object) -> str:
    with pytest.raises(Problem) as refusal:
        await wish  # type: ignore[misc]
    return refusal.value.code


# ------------------------------------------------------------------------------------------- sending


async def test_a_message_climbs_from_sending_to_read(ready: App) -> None:
    await ready.open_room()
    lid = await ready.chat.say(CONV, "hello")
    sending = await ready.shows(lid, State.SENDING)
    assert (sending.tries, sending.due_s > ready.chat.now_s()) == (1, True)

    await ready.accept(pos=4)
    assert (await ready.shows(lid, State.ACCEPTED)).pos == 4
    ready.wire.answer(AckN(conv=CONV, from_=0, to=1, marks=(Mark(BOB, 4, 0),)))
    await ready.shows(lid, State.DELIVERED)
    ready.wire.answer(AckN(conv=CONV, from_=1, to=2, marks=(Mark(BOB, 4, 4),)))
    await ready.shows(lid, State.READ)
    assert (await ready.chat.bubble(lid)).state is State.READ


async def test_two_equal_texts_are_two_messages(ready: App) -> None:
    first, second = await ready.chat.say(CONV, "ok"), await ready.chat.say(CONV, "ok")
    assert first != second
    assert (await ready.wire.hears(MsgR)).dg != (await ready.wire.hears(MsgR)).dg


@pytest.mark.parametrize(("text", "code"), [("  \n", "text_empty"), ("x" * 8001, "text_too_long")])
async def test_what_cannot_be_said_is_refused_and_leaves_nothing(ready: App, text: str, code: str) -> None:
    assert await refusal_of(ready.chat.say(CONV, text)) == code
    assert await ready.chat.page(CONV) == []


async def test_half_a_character_is_replaced(ready: App) -> None:
    await ready.chat.say(CONV, "a\ud83db")
    assert "a\ufffdb" in text_of(await ready.wire.hears(MsgR))


async def test_bubble_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    first = await open_app(tmp_path)
    lid = await first.chat.say(CONV, "one")
    await close_app(first)
    second = await open_app(tmp_path)
    assert await second.chat.say(CONV, "two") == lid + 1
    await close_app(second)


async def test_a_refused_message_is_sent_again_as_a_new_one(ready: App) -> None:
    lid = await ready.chat.say(CONV, "please")
    asked = await ready.wire.hears(MsgR)
    ready.wire.answer(Nack(code="blocked", conv=CONV, n=1, dg=asked.dg, final=True, last=1, ld=asked.dg))
    assert (await ready.shows(lid, State.REFUSED)).code == "blocked"
    assert (await ready.chat.ask(lid)).code == "blocked"

    again = await ready.chat.resend(lid)
    assert again != lid
    anew = await ready.wire.hears(MsgR)
    assert "please" in text_of(anew)
    assert anew.dg != asked.dg


async def test_a_waiting_message_is_sent_again_with_the_same_key(app: App) -> None:
    lid = await app.chat.say(CONV, "waits")
    assert await app.chat.resend(lid) == lid


async def test_what_the_server_has_is_not_sent_again(ready: App) -> None:
    lid = await ready.chat.say(CONV, "there")
    await ready.accept(pos=1)
    await ready.shows(lid, State.ACCEPTED)
    assert await refusal_of(ready.chat.resend(lid)) == "not_possible_now"
    assert await refusal_of(ready.chat.resend(Lid(999))) == "unknown_message"


async def test_a_refused_message_can_be_taken_away_for_good(ready: App) -> None:
    lid = await ready.chat.say(CONV, "hello")
    offer = await ready.wire.hears(MsgR)
    assert await refusal_of(ready.chat.remove(lid)) == "not_possible_now"
    ready.wire.answer(Nack("not_member", CONV, 1, offer.dg, final=True, last=1, ld=offer.dg))
    await ready.shows(lid, State.REFUSED)

    await ready.chat.remove(lid)

    assert (await ready.told(BubbleDropped)) == BubbleDropped(lid, CONV)
    assert await refusal_of(ready.chat.bubble(lid)) == "unknown_message"


async def test_a_cancel_is_the_servers_word(ready: App) -> None:
    lid = await ready.chat.say(CONV, "no")
    asked = await ready.wire.hears(MsgR)
    await ready.chat.cancel(lid)
    await ready.shows(lid, State.CANCELLING)
    void = await ready.wire.hears(VoidR)
    ready.wire.answer(VoidA(conv=CONV, n=void.n, dg=asked.dg, last=void.n, ld=asked.dg))
    await ready.shows(lid, State.CANCELLED)
    assert (await ready.chat.ask(lid)).found == "cancelled"


async def test_asking_goes_to_the_server_first(ready: App) -> None:
    lid = await ready.chat.say(CONV, "where are you")
    asked = await ready.wire.hears(MsgR)
    finding = asyncio.gather(ready.chat.ask(lid))
    question = await ready.wire.hears(StatusR)
    status = Status(conv=CONV, n=asked.n, dg=asked.dg, fate="unknown")
    assert question.keys[0].dg == asked.dg
    ready.wire.answer(StatusA(states=(status,)))
    assert (await finding)[0].found == "not_there"


# --------------------------------------------------------------------------------------------- files


async def test_a_file_is_shown_before_it_is_up_and_sent_when_it_is(ready: App, tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text("abcd", "utf-8")
    lid = await ready.chat.send_file(CONV, str(file), caption="my list")
    await ready.shows(lid, State.UPLOADING)
    asked = await ready.accept(pos=1)
    assert len(asked.media) == 1
    assert "my list" in text_of(asked)
    assert (await ready.told(Progressed)).progress.total_bytes == 4
    await ready.shows(lid, State.ACCEPTED)


async def test_a_file_that_is_not_up_yet_can_be_dropped(app: App, tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text("abcd", "utf-8")
    lid = await app.chat.send_file(CONV, str(file))
    await app.chat.cancel(lid)
    assert (await app.told(BubbleDropped)) == BubbleDropped(lid, CONV)
    assert await refusal_of(app.chat.bubble(lid)) == "unknown_message"


async def test_what_can_be_seen_of_a_file_from_outside(ready: App, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for name, code in (("empty", "media_empty"), ("nothing", "media_vanished"), (".", "media_is_folder")):
        assert await refusal_of(ready.chat.send_file(CONV, str(tmp_path / name))) == code
    assert await refusal_of(ready.chat.send_file(CONV, "a\0b")) == "media_unreadable"


async def test_a_file_that_is_gone_is_said_with_its_bubble(ready: App, tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text("abcd", "utf-8")
    lid = await ready.chat.send_file(CONV, str(file))
    await ready.accept(pos=1)
    await ready.shows(lid, State.ACCEPTED)
    file.unlink()
    await ready.chat.fetch(lid)
    told = await ready.told(ProblemSeen)
    assert (told.code, told.lid) == ("media_unknown", lid)


async def test_words_have_no_file(ready: App) -> None:
    lid = await ready.chat.say(CONV, "hello")
    assert await refusal_of(ready.chat.fetch(lid)) == "not_possible_now"
    await ready.chat.stop_fetch(lid)


# ----------------------------------------------------------------------------- people, conversations


async def test_a_person_is_found_by_name_and_the_conversation_opened(ready: App) -> None:
    opening = asyncio.gather(ready.chat.open_with_name("BOB "))
    await ready.wire.hears(PeopleR)
    ready.wire.answer(PeopleA(people=(Person(BOB, "Bob"),)))
    asked = await ready.wire.hears(OpenR)
    assert asked.uids == (BOB,)
    ready.wire.answer(OpenA(x=asked.x, conv=CONV))
    assert (await opening)[0] == CONV
    assert (await ready.told(PeopleChanged)).people == (Person(BOB, "Bob"),)
    assert await ready.chat.people() == [Person(BOB, "Bob")]


async def test_nobody_of_that_name(ready: App) -> None:
    opening = asyncio.gather(refusal_of(ready.chat.open_with_name("Zoe")))
    await ready.wire.hears(PeopleR)
    ready.wire.answer(PeopleA(people=(Person(BOB, "Bob"),)))
    assert (await opening)[0] == "unknown_person"


async def test_a_group_that_may_not_be(ready: App) -> None:
    opening = asyncio.gather(refusal_of(ready.chat.open_group("all", [BOB])))
    asked = await ready.wire.hears(OpenR)
    ready.wire.answer(OpenA(x=asked.x, code="members_too_many"))
    assert (await opening)[0] == "members_too_many"


async def test_what_others_write_is_shown_traced_and_read(ready: App) -> None:
    await ready.deliver(1, "hi alice")
    change = await ready.told(BubblesChanged)
    assert [bubble.mine for bubble in change.bubbles] == [False]
    assert (await ready.told(NewMessages)).uids == (BOB,)
    assert CONV in (await ready.told(ChatsChanged)).convs
    await ready.told(PacketSeen, lambda seen: seen.seen.packet == "ack:R" and seen.conv == CONV)
    lid = change.bubbles[0].lid
    assert [seen.packet for seen in await ready.chat.trace(lid)][:2] == ["msg:N", "ack:R"]

    await ready.chat.read(CONV, 1)
    assert (await ready.wire.hears(ReadR)).upto == 1
    assert [entry.unread for entry in await ready.chat.chats()] == [0]


async def test_whether_others_are_told_what_was_read_the_server_hears_first(ready: App) -> None:
    """One's own devices hear it in either case (P-73)."""
    await ready.chat.change_settings(replace(ready.chat.settings, receipts=False))
    await ready.deliver(1, "hi alice")
    await ready.chat.read(CONV, 1)
    assert [entry.unread for entry in await ready.chat.chats()] == [0]
    await ready.chat.close()  # what was joined leaves now
    told = [packet for packet in ready.wire.said if isinstance(packet, PrefsR | ReadR)]
    assert told == [PrefsR(prefs=Prefs(reads=False)), ReadR(conv=CONV, upto=1)]


async def test_what_another_device_chose_holds_here(ready: App) -> None:
    ready.wire.answer(PrefsA(Prefs(reads=False, presence=False)))
    await ready.told(PrefsChanged, lambda change: not change.prefs.reads)
    assert (ready.chat.settings.receipts, ready.chat.settings.presence) == (False, False)
    assert await load_settings(ready.disk) == ready.chat.settings


async def test_what_another_device_chose_is_told_when_it_is_written_down(ready: App) -> None:
    await ready.told(PrefsChanged)
    before, since = ready.chat.settings, len(ready.changes)
    ready.disk.fails = DiskFull()
    ready.wire.answer(PrefsA(Prefs(reads=False)))
    ready.wire.answer(TypingN(CONV, BOB, "text"))
    await ready.told(TypingChanged)
    ready.disk.fails = None
    ready.disk.gate.clear()
    ready.wire.answer(PrefsA(Prefs(reads=False)))  # in the next session at the latest
    ready.wire.answer(TypingN(CONV, BOB, ""))
    await ready.told(TypingChanged, lambda change: not change.doing)
    assert not [change for change in ready.changes[since:] if isinstance(change, PrefsChanged)]
    assert ready.chat.settings == before

    ready.disk.gate.set()
    await ready.told(PrefsChanged, lambda change: not change.prefs.reads)
    assert not ready.chat.settings.receipts


async def test_what_was_chosen_before_joining_is_told_first(tmp_path: Path) -> None:
    app = await open_app(tmp_path, joined=False)
    await app.chat.change_settings(replace(app.chat.settings, presence=False))
    await app.chat.join("127.0.0.1:8787", "alice", "CODE")
    await app.greet()
    assert (await app.wire.hears(PrefsR)).prefs == Prefs(presence=False)
    assert not app.chat.settings.presence
    await close_app(app)


async def test_a_draft_is_kept(ready: App) -> None:
    await ready.deliver(1, "hi")
    await ready.chat.set_draft(CONV, "half a sen")
    assert [entry.draft for entry in await ready.chat.chats()] == ["half a sen"]


# ------------------------------------------------------------------------------------ account, line


async def test_joining_begins_a_session(tmp_path: Path) -> None:
    app = await open_app(tmp_path, joined=False)
    me = await app.chat.join("127.0.0.1:8787", "alice", "CODE")
    assert (me.server, app.chat.me) == ("http://127.0.0.1:8787", me)
    await app.greet()
    await app.chat.say(CONV, "hello")
    await app.wire.hears(MsgR)
    assert await app.chat.invite() == "invite by alice"
    await close_app(app)


async def test_joining_again_after_a_lost_answer_asks_with_the_same_number(tmp_path: Path) -> None:
    app = await open_app(tmp_path, joined=False)
    app.accounts.refuse = InviteWrong()
    for invite in ("A", "A", "B"):
        assert await refusal_of(app.chat.join("127.0.0.1:8787", "alice", invite)) == "invite_wrong"
    first, again, other = app.accounts.requests
    assert first == again != other
    await close_app(app)


async def test_an_address_that_is_none(tmp_path: Path) -> None:
    app = await open_app(tmp_path, joined=False)
    assert await refusal_of(app.chat.join("http://", "alice", "A")) == "address_invalid"
    await close_app(app)


async def test_a_server_that_moved_is_found_at_its_new_address(tmp_path: Path) -> None:
    await close_app(await open_app(tmp_path))
    app = await open_app(tmp_path, server="127.0.0.1:99")
    assert app.chat.me == replace(ME, server="http://127.0.0.1:99")
    await close_app(app)


async def test_a_server_that_moves_is_followed(ready: App) -> None:
    before = ready.wire.wire
    await ready.chat.server_moved("http://127.0.0.1:77")
    await ready.greet()
    assert ready.chat.me == replace(ME, server="http://127.0.0.1:77")
    assert ready.wire.wire > before
    await ready.chat.server_moved("127.0.0.1:77")


async def test_another_ladder_begins_at_once_and_stays(ready: App, tmp_path: Path) -> None:
    await ready.chat.change_settings(replace(ready.chat.settings, retry_mode="ask", theme="dark"))
    await ready.wire.hears(Hello)
    assert ready.chat.settings.retry_mode == "ask"


async def test_a_line_that_the_server_ends_for_good_says_why(ready: App) -> None:
    ready.wire.fall(4409)
    stopped = await ready.told(LineChanged, lambda change: change.line.state == "stopped")
    assert stopped.line.code == "replaced_elsewhere"
    assert ready.chat.line == stopped.line
    ready.chat.connect()
    await ready.greet()


async def test_waking_up_asks_whether_the_line_lives(ready: App) -> None:
    await ready.told(LineChanged, lambda change: change.line.state == "ready")
    ready.chat.woke_up()
    await ready.wire.hears(Ping)


async def test_a_closed_chat_does_nothing_more(ready: App) -> None:
    await ready.chat.close()
    await ready.chat.close()
    assert await refusal_of(ready.chat.say(CONV, "x")) == "not_possible_now"


async def test_a_foreign_conversation_has_an_empty_page(ready: App) -> None:
    assert await ready.chat.page(ConvId("nowhere")) == []


async def test_the_members_of_an_album_have_a_name_that_nobody_else_has(app: App) -> None:
    names = {app.chat.new_album() for _ in range(20)}
    assert len(names) == 20
    assert {len(name) for name in names} == {ALBUM_ID_MAX_CHARS}
    assert all(name.isascii() and not set(name) & set("+/=") for name in names)


async def test_a_file_is_saved_under_a_safe_name_and_over_nothing(app: App, tmp_path: Path) -> None:
    source = tmp_path / "CON: list?.txt"
    source.write_text("mine")
    lid = await app.chat.send_file(CONV, str(source))
    bubble = await app.chat.bubble(lid)
    assert app.chat.file_name(bubble) == "CON_ list_.txt"
    folder = tmp_path / "saved"
    folder.mkdir()
    saved = [Path(await app.chat.save_copy(lid, str(folder / "list.txt"))).name for _ in range(2)]
    assert saved == ["list.txt", "list (2).txt"]
    source.unlink()
    with pytest.raises(MediaVanished):
        await app.chat.save_copy(lid, str(folder / "list.txt"))
