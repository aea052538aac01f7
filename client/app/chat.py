"""The door for every front end: the window, the harness, the one-shot commands, the demo.

Wishes are answered when they are durable, or raise the Problem why not: the text then still stands in the
field. What changes afterwards is told to whoever subscribed.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias, TypeVar

from client.app.parts import Machine, Parts
from client.app.runner import Runner
from client.app.screen import Listener, Screen
from client.app.server_url import server_url
from client.app.settings import Settings, save_settings
from client.app.sleep import SleepWatch
from client.app.stage import Stage
from client.app.tasks import Tasks
from client.core.effects import SaveRead
from client.core.events import (
    Ask,
    AskPeople,
    Attach,
    Cancel,
    Compose,
    Dial,
    Event,
    Fetch,
    Open,
    Quit,
    ReadUpto,
    Resend,
    StopFetch,
    Woken,
)
from client.core.model import Bubble, ChatEntry, Finding, Line, Me, Memory, Seen, State
from protocol.codec import to_text
from protocol.content import Body, Content, Text, attachments, pack, unpack
from protocol.lanes import NONCE_BYTES, digest
from protocol.limits import ANSWER_WAIT_S, STATUS_WAIT_S, TEXT_MAX_CHARS
from protocol.packets import Person
from protocol.problems import (
    ContentTooLarge,
    MediaEmpty,
    MediaIsFolder,
    MediaUnknown,
    MediaUnreadable,
    MediaVanished,
    NotJoined,
    NotPossibleNow,
    ServerUnreachable,
    TextEmpty,
    UnknownPerson,
)
from protocol.values import ConvId, Lid, Uid, replace

FileKind: TypeAlias = Literal["auto", "picture", "voice", "video", "file"]
T = TypeVar("T")

ANSWER_SLACK_S = 2.0  # the core gives up a question first, and says why
CLOSE_WAIT_S = 0.7  # for a clean goodbye; what matters is durable anyway
MADE_ANEW = (State.REFUSED, State.CANCELLED, State.LONG_AGO)
"""States from which sending again makes a new message (P-24, P-56)."""
JOINING = "joining"


class Chat:
    """One profile, open. Made by `client.bootstrap.open_client`; belongs to the thread of its loop."""

    def __init__(self, parts: Parts, settings: Settings, *, screen_batch_s: float) -> None:
        self._parts = parts
        self._tasks = Tasks()
        self._screen = Screen(screen_batch_s)
        self._use(settings)
        self._stage = Stage(parts, self._tasks, self._screen, lambda event: self._runner.post(event))
        self._runner = Runner(parts.messages, parts.clock, self._make, self._stage)
        self._closed = False

    @property
    def me(self) -> Me | None:
        """The account of this profile; None until it has joined a server."""
        return self._stage.me

    @property
    def line(self) -> Line:
        """How the connection stands."""
        return self._stage.line

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hear every change, on the loop's thread, after it is durable. Returns the way to stop it."""
        return self._screen.subscribe(listener)

    async def start(self, server: str | None = None) -> None:
        """Read the disk and begin; `server` is where the account's server is now, if that has changed.

        Raises a Problem when the data cannot be read.
        """
        memory = await self._parts.messages.load()
        if memory.me is not None and server and await self._moved(memory.me, server):
            memory = await self._parts.messages.load()
        self._stage.loaded(memory)
        self._tasks.start(self._runner.run(), "runner")
        self._tasks.start(SleepWatch(self._parts.clock, self.woke_up).run(), "sleep watch")

    async def close(self) -> None:
        """Send the acknowledgements that were joined, say goodbye, end what runs. Takes at most 1 s."""
        if self._closed:
            return
        if self.me is not None and self.line.state != "stopped":
            self._runner.post(Quit())
            await self._stage.hands.closed(CLOSE_WAIT_S)
        self._closed = True
        await self._tasks.close()
        await self._stage.tracer.flush()
        self._screen.flush()

    def now_s(self) -> float:
        """The clock of `Bubble.due_s` and `Line.retry_s`, monotonic."""
        return self._parts.clock.now_s()

    def wall_ms(self) -> int:
        """The time to show."""
        return self._parts.clock.wall_ms()

    # ------------------------------------------------------------------------------- account and line

    async def join(self, server: str, name: str, invite: str) -> Me:
        """Become `name` on this server. Raises InviteWrong, NameTaken, NameInvalid, ServerUnreachable …"""
        address = server_url(server)
        request = await self._join_request([address, name, invite])
        me = await self._parts.accounts.join(address, name, invite, request)
        await self._parts.messages.become(me)
        self._stage.me = me
        self._runner.renew()
        return me

    async def server_moved(self, server: str) -> None:
        """The account's server is at another address now; calls it there at once."""
        if self.me is not None and await self._moved(self.me, server):
            self._runner.renew()
        else:
            self.connect()

    async def invite(self) -> str:
        """A fresh invite code for somebody else."""
        return await self._parts.accounts.invite(self._joined())

    def connect(self) -> None:
        """Call the server now: the person does not want to wait."""
        self._runner.post(Dial())

    def woke_up(self) -> None:
        """The computer slept, or its network changed: do not trust the line (P-15)."""
        self._runner.post(Woken())

    async def change_settings(self, settings: Settings) -> None:
        """Keep these choices; a new ladder begins at once."""
        await save_settings(self._parts.messages, settings)
        other_ladder = settings.ladder != self.settings.ladder
        self._use(settings)
        if other_ladder and self.me is not None:
            self._runner.renew()

    # --------------------------------------------------------------------------- people, conversations

    async def people(self) -> list[Person]:
        """Everybody on this server, as last heard; the list is asked for again in the background."""
        if self.line.state == "ready":
            self._runner.post(AskPeople())
        return await self._parts.messages.people()

    async def chats(self) -> list[ChatEntry]:
        """The chat list, newest first."""
        return [
            entry if entry.last is None else replace(entry, last=self._screen.dress(entry.last))
            for entry in await self._parts.messages.chats()
        ]

    async def open_direct(self, uid: Uid) -> ConvId:
        """The conversation with this person; the first time it needs the line."""
        known = await self._direct_with(uid)
        return known or await self._open(Open(self._x(), (uid,), "direct"))

    async def open_with_name(self, name: str) -> ConvId:
        """The conversation with the person of this name, in any case of letters. Raises UnknownPerson."""
        person = _named(name, await self._parts.messages.people())
        if person is None:
            person = _named(name, await self._ask_people())
        if person is None:
            raise UnknownPerson(name=name)
        return await self.open_direct(person.uid)

    async def open_group(self, title: str, uids: Sequence[Uid]) -> ConvId:
        """A new group."""
        return await self._open(Open(self._x(), tuple(uids), "group", title))

    async def page(
        self,
        conv: ConvId,
        *,
        before: tuple[int, int] | None = None,
        after: tuple[int, int] | None = None,
        limit: int = 50,
    ) -> list[Bubble]:
        """Bubbles in the order shown, next to the given `Bubble.order`, or the newest ones."""
        page = await self._parts.messages.page(conv, before=before, after=after, limit=limit)
        return [self._screen.dress(bubble) for bubble in page]

    async def bubble(self, lid: Lid) -> Bubble:
        """One bubble. Raises UnknownMessage."""
        return self._screen.dress(await self._parts.messages.bubble(lid))

    async def set_draft(self, conv: ConvId, text: str) -> None:
        """Keep what the person has typed."""
        await self._parts.messages.set_draft(conv, text)
        self._screen.touch(conv)

    async def read(self, conv: ConvId, upto: int) -> None:
        """The person has seen everything up to this position; others are told only if they may know (P-73)."""
        if self.settings.receipts:
            await self._wish(ReadUpto(conv, upto))
        else:
            await self._parts.messages.save([SaveRead(conv, upto)])
            self._screen.touch(conv)

    # ---------------------------------------------------------------------------------------- sending

    async def say(self, conv: ConvId, text: str) -> Lid:
        """Send words; returns once they are durable (T0). Raises TextEmpty, ContentTooLarge, OutboxFull …"""
        text = _whole(text)
        if not text.strip():
            raise TextEmpty()
        if len(text) > TEXT_MAX_CHARS:
            raise ContentTooLarge(size_kb=-(-len(text) // 1000), limit_kb=TEXT_MAX_CHARS // 1000)
        return await self._compose(conv, Text(text))

    async def send_file(self, conv: ConvId, path: str, kind: FileKind = "auto", caption: str = "") -> Lid:
        """Send a file; returns once its bubble is durable, and the upload goes on.

        Raises MediaVanished, MediaIsFolder, MediaEmpty, MediaUnreadable for what can be seen from outside.
        """
        self._joined()
        full, name = await asyncio.to_thread(_look_at, path)
        lid = self._lid()
        await self._wish(
            Attach(lid, conv, full, name, kind, _whole(caption), self._nonce(), self._parts.clock.wall_ms())
        )
        return lid

    async def resend(self, lid: Lid) -> Lid:
        """Send again: a waiting message with the same key; a refused or cancelled one as a new message.

        Returns the bubble that is sent now. Raises NotPossibleNow when the server has it, or it is not ours.
        """
        bubble = await self._parts.messages.bubble(lid)
        if bubble.state in MADE_ANEW and bubble.n:
            return await self._send_anew(bubble)
        if not bubble.mine or State.ACCEPTED <= bubble.state <= State.READ:
            raise NotPossibleNow()
        await self._wish(Resend(lid))
        return lid

    async def cancel(self, lid: Lid) -> None:
        """Do not send it. Whether that came in time, the server says (P-40)."""
        await self._parts.messages.bubble(lid)
        await self._wish(Cancel(lid))

    async def ask(self, lid: Lid) -> Finding:
        """What became of it? Asks the server first and never guesses; at most a little over 3 s (P-57).

        What the server has said for good already is not asked again.
        """
        known = _known(await self._parts.messages.bubble(lid))
        if known is not None:
            return known
        answer: asyncio.Future[Finding] = self._stage.answers.expect(("ask", lid))
        try:
            async with asyncio.timeout(STATUS_WAIT_S + 1.0):
                await self._wish(Ask(lid))
                return await answer
        except TimeoutError:
            return Finding(lid, "no_answer")
        finally:
            answer.cancel()

    async def trace(self, lid: Lid) -> list[Seen]:
        """The packets seen about a message, oldest first."""
        await self._stage.tracer.flush()
        return await self._parts.messages.trace(lid)

    # ------------------------------------------------------------------------------------------ files

    async def fetch(self, lid: Lid) -> None:
        """Download the file of this bubble, because the person clicked (P-76)."""
        bubble = await self._parts.messages.bubble(lid)
        file = bubble.attachment
        if file is None or not file.media:
            raise NotPossibleNow()
        here = await asyncio.to_thread(os.path.isfile, bubble.path)
        if here:
            self._screen.show([bubble])
            return
        await self._wish(Fetch(lid, file.media, file.size_bytes, file.sha256, file.name))

    async def stop_fetch(self, lid: Lid) -> None:
        """Stop the download; what came is kept for the next one."""
        await self._wish(StopFetch(lid))

    # ---------------------------------------------------------------------------------------- details

    def _use(self, settings: Settings) -> None:
        self.settings = settings
        self._screen.receipts = settings.receipts

    def _make(self, memory: Memory) -> Machine:
        return self._parts.make(memory, self.settings.ladder, self._parts.clock.wall_ms())

    async def _moved(self, me: Me, server: str) -> bool:
        address = server_url(server)
        if me.server == address:
            return False
        await self._parts.messages.become(replace(me, server=address))
        return True

    def _joined(self) -> Me:
        if self.me is None:
            raise NotJoined()
        return self.me

    async def _wish(self, event: Event) -> None:
        self._joined()
        if self._closed:
            raise NotPossibleNow()
        await self._runner.wish(event)

    def _lid(self) -> Lid:
        lid = self._stage.next_lid
        self._stage.next_lid = Lid(lid + 1)
        return lid

    def _nonce(self) -> bytes:
        return self._parts.dice.bytes(NONCE_BYTES)

    def _x(self) -> str:
        return to_text(self._parts.dice.bytes(16))

    async def _compose(self, conv: ConvId, body: Body) -> Lid:
        me, at_ms = self._joined(), self._parts.clock.wall_ms()
        content = pack(Content(me.uid, conv, self._nonce(), at_ms, body))
        media = tuple(file.media for file in attachments(body))
        lid = self._lid()
        await self._wish(Compose(lid, conv, content, digest(conv, content), at_ms, media))
        return lid

    async def _send_anew(self, bubble: Bubble) -> Lid:
        """A new message with the old words; its file is uploaded again if the server has lost it."""
        me = self._joined()
        if bubble.code in (MediaUnknown.code, "media_missing") and bubble.path:
            caption = getattr(bubble.body, "caption", "")
            return await self.send_file(bubble.conv, bubble.path, _kind(bubble.body), caption)
        data = await self._parts.messages.content_of(bubble.lid)
        return await self._compose(bubble.conv, unpack(data, author=me.uid, conv=bubble.conv).body)

    async def _direct_with(self, uid: Uid) -> ConvId | None:
        for entry in await self._parts.messages.chats():
            others = {member.uid for member in entry.members} - {self._joined().uid}
            if entry.form == "direct" and others == {uid}:
                return entry.conv
        return None

    async def _open(self, wish: Open) -> ConvId:
        return await self._answered(("open", wish.x), wish)

    async def _ask_people(self) -> list[Person]:
        return await self._answered("people", AskPeople())

    async def _answered(self, key: object, question: Event) -> T:
        """Ask the server something that only it knows. Raises ServerUnreachable when it does not answer."""
        me = self._joined()
        answer: asyncio.Future[T] = self._stage.answers.expect(key)
        try:
            async with asyncio.timeout(ANSWER_WAIT_S + ANSWER_SLACK_S):
                await self._wish(question)
                return await answer
        except TimeoutError:
            raise ServerUnreachable(address=me.server) from None
        finally:
            answer.cancel()

    async def _join_request(self, wish: list[str]) -> str:
        """The same wish to join has the same request number, also after a crash: asking again is safe."""
        kept = json.loads(await self._parts.messages.setting(JOINING) or "[]")
        if kept[:-1] == wish:
            return str(kept[-1])
        request = self._x()
        await self._parts.messages.set_setting(JOINING, json.dumps([*wish, request]))
        return request


def _known(bubble: Bubble) -> Finding | None:
    """What the server has said of this message, if it was the last word."""
    match bubble.state:
        case State.DELIVERED | State.READ:
            return Finding(bubble.lid, "delivered", ts=bubble.ts)
        case State.REFUSED:
            return Finding(bubble.lid, "refused", bubble.code)
        case State.CANCELLED:
            return Finding(bubble.lid, "cancelled")
        case State.LONG_AGO:
            return Finding(bubble.lid, "long_ago", bubble.code)
        case _:
            return None


def _named(name: str, people: Sequence[Person]) -> Person | None:
    wanted = name.strip().casefold()
    return next((person for person in people if person.name.casefold() == wanted), None)


def _whole(text: str) -> str:
    """The text without halves of characters, which cannot travel."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _kind(body: object) -> FileKind:
    kinds: dict[str, FileKind] = {"Picture": "picture", "Voice": "voice", "Video": "video"}
    return kinds.get(type(body).__name__, "file")


def _look_at(path: str) -> tuple[str, str]:
    """The full path and the name of a file, after what can be seen from outside."""
    full = os.path.abspath(path)
    name = os.path.basename(full)
    try:
        if os.path.isdir(full):
            raise MediaIsFolder(name=name)
        if os.stat(full).st_size == 0:
            raise MediaEmpty(name=name)
        if not os.access(full, os.R_OK):
            raise MediaUnreadable(name=name)
    except FileNotFoundError:
        raise MediaVanished(name=name) from None
    except (OSError, ValueError):
        raise MediaUnreadable(name=name) from None
    return full, name
