"""The door for every front end: the window, the harness, the one-shot commands, the demo.

Wishes are answered when they are durable, or raise the Problem why not: the text then still stands in the
field. What changes afterwards is told to whoever subscribed.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from client.app.account import Account
from client.app.dispatcher import Dispatcher
from client.app.outgoing import file_at, whole_words
from client.app.publisher import Listener, Publisher
from client.app.queries import Queries
from client.app.runner import Runner
from client.app.settings import Settings, save_settings
from client.app.tasks import Tasks
from client.app.timers import SleepWatch
from client.core.effects import SaveRead
from client.core.events import (
    AskPeople,
    Attach,
    Cancel,
    Compose,
    Dial,
    Drop,
    Event,
    Fetch,
    Quit,
    ReadUpto,
    Resend,
    StopFetch,
    Woken,
)
from client.core.model import Bubble, ChatEntry, Finding, Line, Me, Memory, Seen, State
from client.ports import Machine, Parts
from protocol.content import Body, Change, Content, Text, attachments, pack, unpack
from protocol.lanes import NONCE_BYTES, digest
from protocol.limits import NAME_MAX_CHARS
from protocol.packets import Person
from protocol.problems import (
    MediaUnknown,
    NameInvalid,
    NotPossibleNow,
    TextEmpty,
)
from protocol.values import ConvId, Lid, Uid, replace

FileKind: TypeAlias = Literal["auto", "picture", "voice", "video", "file"]

CLOSE_WAIT_S = 0.7  # for a clean goodbye; what matters is durable anyway
OVER = (State.REFUSED, State.CANCELLED, State.LONG_AGO)
"""States from which sending again makes a new message (P-24, P-56)."""


class Chat:
    """One profile, open. Made by `client.bootstrap.open_client`; belongs to the thread of its loop."""

    def __init__(self, parts: Parts, settings: Settings, *, screen_batch_s: float) -> None:
        self._parts = parts
        self._tasks = Tasks()
        self._publisher = Publisher(screen_batch_s)
        self._account = Account(parts.accounts, parts.messages, parts.dice)
        self._use(settings)
        self._dispatcher = Dispatcher(
            parts, self._account, self._tasks, self._publisher, lambda event: self._runner.post(event)
        )
        self._runner = Runner(parts.messages, parts.clock, self._make, self._dispatcher)
        self._queries = Queries(
            parts.messages, parts.dice, self._account, self._publisher, self._dispatcher.questions, self._wish
        )
        self._closed = False

    @property
    def me(self) -> Me | None:
        """The account of this profile; None until it has joined a server."""
        return self._account.me

    @property
    def line(self) -> Line:
        """How the connection stands."""
        return self._dispatcher.line

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hear every change, on the loop's thread, after it is durable. Returns the way to stop it."""
        return self._publisher.subscribe(listener)

    async def start(self, server: str | None = None) -> None:
        """Read the disk and begin; `server` is where the account's server is now, if that has changed.

        Raises a Problem when the data cannot be read.
        """
        memory = await self._parts.messages.load()
        if memory.me is not None and server and await self._account.move(memory.me, server):
            memory = await self._parts.messages.load()
        self._dispatcher.loaded(memory)
        await self._dispatcher.networks.load()
        self._tasks.start(self._runner.run(), "runner")
        self._tasks.start(self._dispatcher.networks.run(), "network watch")
        self._tasks.start(SleepWatch(self._parts.clock, self.woke_up).run(), "sleep watch")

    async def close(self) -> None:
        """Send the acknowledgements that were joined, say goodbye, end what runs. Takes at most 1 s."""
        if self._closed:
            return
        if self.me is not None and self.line.state != "stopped":
            self._runner.post(Quit())
            await self._dispatcher.performer.closed(CLOSE_WAIT_S)
        self._closed = True
        await self._tasks.close()
        await self._dispatcher.tracer.flush()
        self._publisher.flush()

    def now_s(self) -> float:
        """The clock of `Bubble.due_s` and `Line.retry_s`, monotonic."""
        return self._parts.clock.now_s()

    def wall_ms(self) -> int:
        """The time to show."""
        return self._parts.clock.wall_ms()

    # ------------------------------------------------------------------------------- account and line

    async def join(self, server: str, name: str, invite: str) -> Me:
        """Become `name` on this server. Raises InviteWrong, NameTaken, NameInvalid, ServerUnreachable …"""
        me = await self._account.join(server, name, invite)
        self._runner.renew()
        return me

    async def server_moved(self, server: str) -> None:
        """The account's server is at another address now; calls it there at once."""
        if self.me is not None and await self._account.move(self.me, server):
            self._runner.renew()
        else:
            self.connect()

    async def invite(self) -> str:
        """A fresh invite code for somebody else."""
        return await self._account.invite()

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
        return await self._queries.chats()

    async def open_direct(self, uid: Uid) -> ConvId:
        """The conversation with this person; the first time it needs the line."""
        return await self._queries.direct(uid)

    async def open_with_name(self, name: str) -> ConvId:
        """The conversation with the person of this name, in any case of letters. Raises UnknownPerson."""
        return await self._queries.direct_by_name(name)

    async def open_group(self, title: str, uids: Sequence[Uid]) -> ConvId:
        """A new group. Raises NameInvalid for its title."""
        if not 1 <= len(title.strip()) <= NAME_MAX_CHARS:
            raise NameInvalid(limit=NAME_MAX_CHARS)
        return await self._queries.group(title, uids)

    async def page(
        self,
        conv: ConvId,
        *,
        before: tuple[int, int] | None = None,
        after: tuple[int, int] | None = None,
        limit: int = 50,
    ) -> list[Bubble]:
        """Bubbles in the order shown, next to the given `Bubble.order`, or the newest ones."""
        return await self._queries.page(conv, before, after, limit)

    async def bubble(self, lid: Lid) -> Bubble:
        """One bubble. Raises UnknownMessage."""
        return await self._queries.bubble(lid)

    async def set_draft(self, conv: ConvId, text: str) -> None:
        """Keep what the person has typed."""
        await self._parts.messages.set_draft(conv, text)
        self._publisher.touch(conv)

    async def read(self, conv: ConvId, upto: int) -> None:
        """The person has seen everything up to this position; others are told only if they may know (P-73)."""
        if self.settings.receipts:
            await self._wish(ReadUpto(conv, upto))
        else:
            await self._parts.messages.save([SaveRead(conv, upto)])
            self._publisher.touch(conv)

    # ---------------------------------------------------------------------------------------- sending

    async def say(self, conv: ConvId, text: str) -> Lid:
        """Send words; returns once they are durable (T0). Raises TextEmpty, TextTooLong, OutboxFull …"""
        if not text.strip():
            raise TextEmpty()
        return await self._compose(conv, Text(whole_words(text)))

    async def send_file(self, conv: ConvId, path: str, kind: FileKind = "auto", caption: str = "") -> Lid:
        """Send a file; returns once its bubble is durable, and the upload goes on.

        Raises MediaVanished, MediaIsFolder, MediaEmpty, MediaUnreadable, MediaTooLarge for what can be seen from
        outside, and TextTooLong for its caption.
        """
        self._account.joined()
        caption = whole_words(caption)
        full, name = await asyncio.to_thread(file_at, path)
        lid, at_ms = self._dispatcher.new_lid(), self._parts.clock.wall_ms()
        await self._wish(Attach(lid, conv, full, name, kind, caption, self._nonce(), at_ms))
        return lid

    async def resend(self, lid: Lid) -> Lid:
        """Send again: a waiting message with the same key; a refused or cancelled one as a new message.

        Returns the bubble that is sent now. Raises NotPossibleNow when the server has it, or it is not ours.
        """
        bubble = await self._parts.messages.bubble(lid)
        if bubble.state in OVER and bubble.n:
            return await self._send_anew(bubble)
        if not bubble.mine or State.ACCEPTED <= bubble.state <= State.READ:
            raise NotPossibleNow()
        await self._wish(Resend(lid))
        return lid

    async def cancel(self, lid: Lid) -> None:
        """Do not send it. Whether that came in time, the server says (P-40)."""
        await self._parts.messages.bubble(lid)
        await self._wish(Cancel(lid))

    async def remove(self, lid: Lid) -> None:
        """Take away a message that is over: refused, cancelled, or sent long ago. Raises NotPossibleNow."""
        bubble = await self._parts.messages.bubble(lid)
        if bubble.state not in OVER:
            raise NotPossibleNow()
        await self._wish(Drop(lid, bubble.conv) if bubble.n else Cancel(lid))

    async def ask(self, lid: Lid) -> Finding:
        """What became of it? Asks the server first and never guesses; at most a little over 3 s (P-57).

        What the server has said for good already is not asked again.
        """
        return await self._queries.finding(lid)

    async def trace(self, lid: Lid) -> list[Seen]:
        """The packets seen about a message, oldest first."""
        await self._dispatcher.tracer.flush()
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
            self._publisher.show([bubble])
            return
        await self._wish(Fetch(lid, file.media, file.size_bytes, file.sha256, file.name))

    async def stop_fetch(self, lid: Lid) -> None:
        """Stop the download; what came is kept for the next one."""
        await self._wish(StopFetch(lid))

    # ---------------------------------------------------------------------------------------- details

    def _use(self, settings: Settings) -> None:
        self.settings = settings
        self._publisher.receipts = settings.receipts

    def _make(self, memory: Memory) -> Machine:
        self._dispatcher.networks.tell()
        known = memory if self.settings.receipts else _in_silence(memory)
        return self._parts.make(known, self.settings.ladder, self._parts.clock.wall_ms())

    async def _wish(self, event: Event) -> None:
        self._account.joined()
        if self._closed:
            raise NotPossibleNow()
        await self._runner.wish(event)

    def _nonce(self) -> bytes:
        return self._parts.dice.bytes(NONCE_BYTES)

    async def _compose(self, conv: ConvId, body: Body | Change) -> Lid:
        me, at_ms = self._account.joined(), self._parts.clock.wall_ms()
        content = pack(Content(me.uid, conv, self._nonce(), at_ms, body))
        media = tuple(file.media for file in attachments(body))
        lid = self._dispatcher.new_lid()
        await self._wish(Compose(lid, conv, content, digest(conv, content), at_ms, media))
        return lid

    async def _send_anew(self, bubble: Bubble) -> Lid:
        """A new message with the old words; its file is uploaded again if the server has lost it."""
        me = self._account.joined()
        if bubble.code in (MediaUnknown.code, "media_missing") and bubble.path:
            caption = getattr(bubble.body, "caption", "")
            return await self.send_file(bubble.conv, bubble.path, _kind(bubble.body), caption)
        data = await self._parts.messages.content_of(bubble.lid)
        return await self._compose(bubble.conv, unpack(data, author=me.uid, conv=bubble.conv).body)


def _in_silence(memory: Memory) -> Memory:
    """What the person reads without telling is not the core's to know: it would tell (P-73)."""
    return replace(memory, rooms=tuple(replace(room, read_upto=0) for room in memory.rooms))


def _kind(body: object) -> FileKind:
    kinds: dict[str, FileKind] = {"Picture": "picture", "Voice": "voice", "Video": "video"}
    return kinds.get(type(body).__name__, "file")
