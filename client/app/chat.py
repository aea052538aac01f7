"""The door for every front end: the window, the harness, the one-shot commands, the demo.

Wishes are answered when they are durable, or raise the Problem why not: the text then still stands in the
field. What changes afterwards is told to whoever subscribed.
"""

from __future__ import annotations

import asyncio
import os
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from client.app.account import Account
from client.app.changes import ProblemSeen
from client.app.dispatcher import Dispatcher
from client.app.publisher import Listener, Publisher
from client.app.queries import Queries
from client.app.runner import Runner
from client.app.settings import Settings, save_settings
from client.app.storage import Storage
from client.app.tasks import Tasks
from client.app.timers import SleepWatch
from client.app.writing import OVER, FileKind, Quality, Sending, Writer, kind_of
from client.core.effects import SavePrefs
from client.core.events import (
    Act,
    AskPeople,
    Cancel,
    Dial,
    Drop,
    Event,
    Fetch,
    Missing,
    Pause,
    Played,
    Quit,
    ReadUpto,
    Resend,
    SetPrefs,
    StopFetch,
    Watch,
    Woken,
)
from client.core.model import (
    Bubble,
    ChatEntry,
    Device,
    Finding,
    Line,
    Me,
    MediaKind,
    Memory,
    Presence,
    Receipt,
    Seen,
    State,
    Version,
)
from client.core.spending import Spending, Spent
from client.ports import DraftPart, Machine, Parts
from protocol.content import Edit, Mention, Reaction, Recall
from protocol.limits import NAME_MAX_CHARS
from protocol.packets import Doing, Gap, Person, Prefs, Seat
from protocol.problems import (
    MediaDamaged,
    MediaVanished,
    NameInvalid,
    NotPossibleNow,
    Problem,
    SignInAgain,
)
from protocol.values import ConvId, Did, Lid, Uid, replace

NO_CONV = ConvId("")
CLOSE_WAIT_S = 0.7  # for a clean goodbye; what matters is durable anyway


class Chat:
    """One profile, open. Made by `client.bootstrap.open_client`; belongs to the thread of its loop."""

    def __init__(self, parts: Parts, settings: Settings, *, screen_batch_s: float) -> None:
        self._parts = parts
        self._tasks = Tasks()
        self._publisher = Publisher(screen_batch_s)
        self._account = Account(parts.accounts, parts.messages, parts.dice)
        self._use(settings)
        self._dispatcher = Dispatcher(
            parts,
            self._account,
            self._tasks,
            self._publisher,
            lambda event: self._runner.post(event),
            self._keep_prefs,
        )
        self._runner = Runner(parts.messages, parts.clock, self._make, self._dispatcher)
        self._queries = Queries(parts, self._account, self._publisher, self._dispatcher.questions, self._wish)
        self._writer = Writer(
            parts.messages, parts.clock, parts.dice, self._account, self._dispatcher.new_lid, self._wish
        )
        self.storage = Storage(
            parts.messages,
            parts.media,
            parts.clock,
            self._tasks,
            lambda: self.settings.cache_mib,
            lambda lid: self._wish(Missing(lid)),
        )
        self._publisher.subscribe(self.storage.hear)
        self._closed = False
        self._watched: tuple[Uid, ...] = ()
        self._choosing = asyncio.Lock()

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

    def announce(self, why: Problem) -> None:
        """Something the person should know that happened while the parts were opened."""
        self._publisher.tell(ProblemSeen(why.code, why.facts))

    async def start(self, server: str | None = None) -> None:
        """Read the disk and begin; `server` is where the account's server is now, if that has changed.

        Raises a Problem when the data cannot be read.
        """
        memory = await self._parts.messages.load()
        if memory.me is not None and server and await self._account.move(memory.me, server):
            memory = await self._parts.messages.load()
        self._dispatcher.loaded(memory)
        await self._look_at_transfers(memory)
        await self._dispatcher.networks.load()
        self._tasks.start(self._runner.run(), "runner")
        self._tasks.start(self._dispatcher.networks.run(), "network watch")
        self._tasks.start(SleepWatch(self._parts.clock, self.woke_up).run(), "sleep watch")
        self._tasks.start(self.storage.make_room(), "make room for downloads")

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
        async with self._choosing:
            before = self.settings
            await self._keep(settings)
        if settings.cache_mib != before.cache_mib:
            self._tasks.start(self.storage.make_room(), "make room for downloads")
        if settings.prefs != before.prefs:
            await self._tell_prefs(settings.prefs)
        if settings.ladder != before.ladder and self.me is not None:
            self._runner.renew()

    # ------------------------------------------------------------------------------- this person's devices

    async def device_code(self) -> str:
        """A code for another device of this person: one use, ten minutes. It joins with an empty name.

        Raises DevicesFull, SignInAgain, ServerUnreachable …
        """
        return await self._account.device_code()

    async def devices(self) -> list[Device]:
        """This person's devices. Raises SignInAgain, ServerUnreachable …"""
        return await self._account.devices()

    async def end_device(self, did: Did) -> None:
        """End one of this person's devices, also this one (log-out): what is here stays, and nothing goes out.

        The line then stops with `sign_in_again`; joining once more makes a new device of this profile (P-64).
        """
        await self._account.end_device(did)

    async def left_over(self) -> list[Bubble]:
        """What was not sent when a device ended, oldest first: this one, or the one this profile was before (P-64)."""
        ended = self.line.code == SignInAgain.code
        return await self._parts.messages.left_over(ended=ended)

    async def take_over(self, lids: Sequence[Lid] | None = None) -> list[Lid]:
        """Send these of what is left over, or all, as new messages of this device; return those that go out (P-64).

        The log is brought here first, as far as it could hide one of them: what the server had accepted shows as
        accepted then, and is never sent again. A file that is no longer on the disk stays left over.

        Raises ServerUnreachable when the log cannot be brought now.
        """
        wanted = {bubble.lid: bubble.conv for bubble in await self.left_over() if lids is None or bubble.lid in lids}
        await self._queries.catch_up(tuple(dict.fromkeys(wanted.values())))
        bubbles = [bubble for bubble in await self.left_over() if bubble.lid in wanted]
        taken = [await self._writer.take_over(bubble) for bubble in bubbles]
        return [bubble.lid for bubble, went in zip(bubbles, taken, strict=True) if went]

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

    async def person(self, name: str) -> Person:
        """The person of this name, in any case of letters. Raises UnknownPerson."""
        return await self._queries.person(name)

    async def open_group(self, title: str, uids: Sequence[Uid]) -> ConvId:
        """A new group. Raises NameInvalid for its title."""
        if not 1 <= len(title.strip()) <= NAME_MAX_CHARS:
            raise NameInvalid(limit=NAME_MAX_CHARS)
        return await self._queries.group(title, uids)

    async def add_members(self, conv: ConvId, uids: Sequence[Uid]) -> None:
        """Add people to a group; returns when the server has done it. Raises NotMember, MembersTooMany …

        Like every change of a group it raises ServerUnreachable when no answer comes: then it may have been done,
        and doing it again is safe.
        """
        await self._queries.change_group(conv, "add", uids)

    async def remove_member(self, conv: ConvId, uid: Uid) -> None:
        """Take somebody out of a group. Raises NotAllowed for who does not administer it."""
        await self._queries.change_group(conv, "remove", (uid,))

    async def leave(self, conv: ConvId) -> None:
        """Leave a group: it stays here to be read, and nothing more comes."""
        await self._queries.change_group(conv, "leave")

    async def rename_group(self, conv: ConvId, title: str) -> None:
        """Give a group another name. Raises NameInvalid."""
        if not 1 <= len(title.strip()) <= NAME_MAX_CHARS:
            raise NameInvalid(limit=NAME_MAX_CHARS)
        await self._queries.change_group(conv, "rename", title=title.strip())

    async def set_role(self, conv: ConvId, uid: Uid, role: int) -> None:
        """Let somebody administer a group (1), or not (0). Raises NotAllowed for who does not."""
        await self._queries.change_group(conv, "role", (uid,), role=role)

    async def members(self, conv: ConvId) -> list[Seat]:
        """Who is here, with which role, and how far: fresh from the server if it answers, else as known here."""
        return await self._queries.members(conv)

    async def receipts(self, lid: Lid) -> list[Receipt]:
        """Who has this own message, who has read it, and since when at the latest. Raises UnknownMessage.

        Who does not tell what they have read is not shown what others have (P-73).
        """
        receipts = await self._queries.receipts(lid)
        if self.settings.receipts:
            return receipts
        return [replace(receipt, read=False, read_ms=0) for receipt in receipts]

    # -------------------------------------------------------------------------------------------- hints

    def typing(self, conv: ConvId, doing: Doing) -> None:
        """The person is writing, recording or sending something here; empty at the end.

        Call it as often as anything happens; others are told seldom, and only if the person wants it.
        """
        if self.settings.typing and self.line.state == "ready":
            self._runner.post(Act(conv, doing))

    def typists(self, conv: ConvId) -> dict[Uid, Doing]:
        """Who else is writing, recording or sending something here now; TypingChanged tells each change."""
        return dict(self._dispatcher.acting.get(conv, {}))

    def watch(self, uids: Sequence[Uid]) -> None:
        """From now on know of these people, and of nobody else, whether they are here (at most 200)."""
        self._watched = tuple(uids)
        self._runner.post(Watch(self._watched))

    def presence(self, uid: Uid) -> Presence:
        """Whether this person is here, as far as known now; PresenceChanged tells each change."""
        return self._dispatcher.presence.get(uid, Presence(uid))

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

    async def gaps(self, conv: ConvId) -> tuple[Gap, ...]:
        """The positions of a conversation that are not here, from below, and why: expired, not_member, before_join,
        unreadable; and before_device for what a page brings once there is a line (P-42, P-63).
        """
        return await self._parts.messages.gaps(conv)

    async def media(
        self,
        conv: ConvId,
        kinds: Sequence[MediaKind],
        *,
        before: tuple[int, int] | None = None,
        after: tuple[int, int] | None = None,
        limit: int = 50,
    ) -> list[Bubble]:
        """Like `page`, of messages with a file of these kinds only; what is on the disk, and nobody is asked."""
        return await self._queries.media(conv, kinds, before, after, limit)

    async def media_lids(self, conv: ConvId, kinds: Sequence[MediaKind]) -> list[Lid]:
        """All messages with a file of these kinds that are on the disk, in the order shown."""
        return await self._parts.messages.media_lids(conv, kinds)

    async def bubble(self, lid: Lid) -> Bubble:
        """One bubble. Raises UnknownMessage."""
        return await self._queries.bubble(lid)

    async def set_draft(self, conv: ConvId, text: str) -> None:
        """Keep what the person has typed."""
        await self._parts.messages.set_draft(conv, text)
        self._publisher.touch(conv)

    async def shows_file(self, path: str) -> bool:
        """Whether any bubble shows the file at this path."""
        return await self._parts.messages.shows_file(path)

    async def draft_parts(self) -> dict[ConvId, list[DraftPart]]:
        """Files and answers that waited when the program ended."""
        return await self._parts.messages.draft_parts()

    async def set_draft_parts(self, conv: ConvId, parts: Sequence[DraftPart]) -> None:
        """Keep which files and which answer wait in a conversation."""
        await self._parts.messages.set_draft_parts(conv, parts)

    async def read(self, conv: ConvId, upto: int) -> None:
        """The person has seen everything up to this position; the server tells others only if they may know (P-73)."""
        await self._wish(ReadUpto(conv, upto))

    async def played(self, lid: Lid) -> None:
        """The person has played the sound or film of this bubble to its end."""
        await self._wish(Played(lid))

    # ---------------------------------------------------------------------------------------- sending

    async def say(
        self, conv: ConvId, text: str, *, reply_to: Lid | None = None, mentions: Sequence[Mention] = ()
    ) -> Lid:
        """Send words, as an answer to a bubble of the same conversation if one is given.

        Returns once they are durable (T0). Raises TextEmpty, TextTooLong, OutboxFull …
        """
        return await self._writer.say(conv, text, reply_to, mentions)

    async def send_file(
        self,
        conv: ConvId,
        path: str,
        kind: FileKind = "auto",
        caption: str = "",
        *,
        reply_to: Lid | None = None,
        quality: Quality = "small",
        bins: bytes = b"",
        note: bool = False,
        album: str = "",
    ) -> Lid:
        """Send a file; returns once its bubble is durable, and the upload goes on.

        With quality `small` pictures are fitted and large films made smaller first. `bins` is the waveform that was
        heard while it was recorded, `note` says that it is a video note, and `album` (22 characters) joins it with
        its neighbours. Raises MediaVanished, MediaIsFolder, MediaEmpty, MediaUnreadable, MediaTooLarge for what can be
        seen from outside, and TextTooLong for its caption.
        """
        how = Sending(quality, bins, note, album)
        return await self._writer.send_file(conv, path, kind, caption, reply_to, how)

    async def join_recording(self, folder: str, kind: Literal["voice", "video"]) -> Path:
        """One file out of the segments of a recording, made by the media worker; they stay. Raises CannotJoin."""
        return await self._parts.worker.join(folder, kind)

    async def forward(self, lids: Sequence[Lid], conv: ConvId) -> list[Lid]:
        """Send these messages to another conversation, as new ones that name their first author.

        Files are not sent again: the server has them. Raises NotPossibleNow if one of them cannot be passed on.
        """
        return await self._writer.forward(lids, conv)

    async def edit(self, lid: Lid, text: str, mentions: Sequence[Mention] = ()) -> Lid:
        """Other words for an own message, or below its file (P-74).

        Returns the `lid` of the change, which shows in the bubble at once and goes back if the server refuses it; 0
        if the words are the same. A message that waits is cancelled and written anew in its place, under its own
        `lid`; if it is too late for that, the new words follow as an edit. Raises NotPossibleNow, TextEmpty …
        """
        return await self._writer.edit(lid, text, mentions)

    async def recall(self, lid: Lid) -> Lid:
        """Ask everybody to remove a message: an own one, or any where this person administers (P-74).

        Returns the `lid` of the change. What still waits is cancelled instead. Raises NotPossibleNow.
        """
        return await self._writer.recall(lid)

    async def react(self, lid: Lid, emoji: str) -> Lid:
        """Say with one emoji what this person thinks of a message; empty takes it back, another one replaces it.

        Returns the `lid` of the change, 0 if it is so already. Raises NotPossibleNow, TextTooLong.
        """
        return await self._writer.react(lid, emoji)

    async def versions(self, lid: Lid) -> list[Version]:
        """What a message said before it was edited, oldest first; the last one is what it says now."""
        return await self._parts.messages.versions(lid)

    async def resend(self, lid: Lid) -> Lid:
        """Send again: a waiting message with the same key; a refused or cancelled one as a new message.

        Returns the bubble that is sent now; a change (`Bubble.change_lid`) is sent again as well. Raises
        NotPossibleNow when the server has it, or it is not ours. What a device that ended left over is taken over.
        """
        bubble = await self._parts.messages.bubble(lid)
        change = isinstance(bubble.body, Edit | Recall | Reaction)
        if bubble.state is State.LONG_AGO and bubble.code == SignInAgain.code and not change:
            if lid not in await self.take_over([lid]):
                raise NotPossibleNow()
            return lid
        return await self._writer.resend(lid)

    async def cancel(self, lid: Lid) -> None:
        """Do not send it. Whether that came in time, the server says (P-40)."""
        await self._parts.messages.bubble(lid)
        await self._wish(Cancel(lid))

    async def remove(self, lid: Lid) -> None:
        """Take away a message that is over: refused, cancelled, or sent long ago. Raises NotPossibleNow."""
        bubble = await self._parts.messages.bubble(lid)
        if bubble.state not in OVER:
            raise NotPossibleNow()
        numbered = bubble.n or bubble.state is State.LONG_AGO or isinstance(bubble.body, Edit | Recall | Reaction)
        await self._wish(Drop(lid, bubble.conv) if numbered else Cancel(lid))

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
        """Download the file of this bubble, because the person clicked (P-76); one that was paused goes on.

        What is here and as it came is only shown again; what was changed since is downloaded anew.
        """
        bubble = await self._parts.messages.bubble(lid)
        file = bubble.attachment
        if file is None or not file.media:
            raise NotPossibleNow()
        if await self._is_here(bubble):
            self._publisher.show([bubble])
            return
        await self._wish(Fetch(lid, file.media, file.size_bytes, file.sha256, file.name, kind_of(bubble.body)))

    async def spending(self, days: int = 90) -> list[Spending]:
        """What each of the last days cost over HTTP in each conversation; newest day first, then the dearest.

        Only what the person asked for is in it: files sent and fetched, and what belongs to no conversation.
        """
        return await self._queries.spending(days)

    async def spent(self, conv: ConvId = NO_CONV, limit: int = 1000) -> list[Spent]:
        """Requests over HTTP of the last 90 days, newest first; of one conversation, or of all."""
        return await self._queries.spent(conv, limit)

    async def stop_fetch(self, lid: Lid) -> None:
        """The file is not wanted any more; what came is kept for the next time."""
        await self._wish(StopFetch(lid))

    async def pause(self, lid: Lid) -> None:
        """Hold the upload or the download of this bubble until `resume`, over restarts too.

        Raises NotPossibleNow when nothing of it moves.
        """
        bubble = await self._parts.messages.bubble(lid)
        if not bubble.fetching and bubble.state is not State.UPLOADING:
            raise NotPossibleNow()
        await self._wish(Pause(lid, self._publisher.done_bytes(lid)))

    async def resume(self, lid: Lid) -> None:
        """Go on with what was paused, from where it is. Raises NotPossibleNow when nothing was."""
        bubble = await self._parts.messages.bubble(lid)
        if not bubble.paused:
            raise NotPossibleNow()
        if bubble.fetching:
            await self.fetch(lid)
        else:
            await self._wish(Resend(lid))

    async def checked_path(self, lid: Lid) -> str:
        """The file of a bubble, to be handed to a player or to another program.

        What was downloaded is there only if it still is as it came. Raises MediaDamaged when it was changed, and
        MediaVanished when it is gone; the bubble then offers the download again.
        """
        bubble = await self._parts.messages.bubble(lid)
        if not bubble.path:
            raise NotPossibleNow()
        if await self._is_here(bubble):
            await self.storage.used(bubble.path)
            return bubble.path
        there = await asyncio.to_thread(os.path.exists, bubble.path)
        file = bubble.attachment
        if file is not None and file.media:
            await self._wish(Missing(lid))
        raise MediaDamaged() if there else MediaVanished(name=file.name if file is not None else "")

    def file_name(self, bubble: Bubble) -> str:
        """The name that its sender gave a file, made fit for any disk (SEC-27)."""
        file = bubble.attachment
        return self._parts.exports.name(file.name if file is not None else "")

    async def save_copy(self, lid: Lid, to: str) -> str:
        """Copy the file of a bubble there, or beside what is there already; returns where it is now (SEC-28).

        Raises SaveFailed, DiskFull, MediaDamaged, MediaVanished, NotPossibleNow.
        """
        return await self._parts.exports.save(await self.checked_path(lid), to)

    def new_album(self) -> str:
        """What the messages of one album have in common: 22 characters that nobody else has."""
        return urlsafe_b64encode(self._parts.dice.bytes(16)).rstrip(b"=").decode()

    # ---------------------------------------------------------------------------------------- details

    async def _is_here(self, bubble: Bubble) -> bool:
        """The person's own files are as they are; what came was promised by its hash."""
        file = bubble.attachment
        if bubble.mine and not bubble.fetched_ms:
            return await asyncio.to_thread(os.path.isfile, bubble.path)
        if file is None or not bubble.path:
            return False
        return await self._parts.media.unchanged(bubble.path, file.size_bytes, file.sha256)

    async def _look_at_transfers(self, memory: Memory) -> None:
        """How much of each download came before, and which copies nobody needs."""
        for wanted in memory.fetches:
            self._publisher.moved(wanted.lid, await self._parts.media.here_bytes(wanted.sha256))
        await self._parts.media.sweep({path for upload in memory.uploads for path in upload.paths})

    def _use(self, settings: Settings) -> None:
        self.settings = settings
        self._publisher.receipts = settings.receipts

    def _make(self, memory: Memory) -> Machine:
        self._dispatcher.networks.tell()
        if self._watched:
            self._runner.post(Watch(self._watched))
        return self._parts.make(memory, self.settings.ladder, self._parts.clock.wall_ms())

    async def _keep(self, settings: Settings) -> None:
        await save_settings(self._parts.messages, settings)
        self._use(settings)

    async def _keep_prefs(self, prefs: Prefs) -> None:
        """What another device chose holds here as well. Raises the Problem why it cannot be kept."""
        async with self._choosing:
            if prefs != self.settings.prefs:
                await self._keep(replace(self.settings, receipts=prefs.reads, presence=prefs.presence))

    async def _tell_prefs(self, prefs: Prefs) -> None:
        """Also before this profile has joined: then the server hears it first."""
        if self.me is None:
            await self._parts.messages.save([SavePrefs(prefs)])
        else:
            await self._wish(SetPrefs(prefs))

    async def _wish(self, event: Event) -> None:
        self._account.joined()
        if self._closed:
            raise NotPossibleNow()
        await self._runner.wish(event)
