"""What a person writes: messages, answers, files, what is passed on, and what is done to messages afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from client.app.account import Account
from client.app.outgoing import file_at, whole_words
from client.core.events import Attach, Cancel, Compose, Drop, Event, PassOn, Recaption, Resend, Reword
from client.core.model import Bubble, Inspected, Rewrite, State
from client.ports import Clock, Dice, Messages
from protocol.content import (
    Body,
    Change,
    Content,
    Edit,
    File,
    Forward,
    Mention,
    Picture,
    Reaction,
    Recall,
    Reply,
    Text,
    Video,
    Voice,
    attachments,
    pack,
    unpack,
    within,
)
from protocol.lanes import NONCE_BYTES, digest
from protocol.limits import EMOJI_MAX_CHARS, QUOTE_MAX_CHARS
from protocol.packets import Relation
from protocol.problems import MediaUnknown, NotPossibleNow, Problem, TargetGone, TextEmpty, TextTooLong
from protocol.values import ConvId, Lid, Uid, replace

FileKind: TypeAlias = Literal["auto", "picture", "voice", "video", "file"]
Quality: TypeAlias = Literal["small", "original"]


class Sending(NamedTuple):
    """How a file is sent: in which quality, with the waveform heard while it was recorded, as what, among which."""

    quality: Quality = "small"
    bins: bytes = b""
    note: bool = False
    album: str = ""


OVER = (State.REFUSED, State.CANCELLED, State.LONG_AGO)
"""States from which sending again makes a new message (P-24, P-56)."""
ADMINISTRATOR = 1
NAME_UNKNOWN = "?"


class Writer:
    """Turns words into the wishes of the core. Each wish is answered when it is durable (T0)."""

    def __init__(
        self,
        messages: Messages,
        clock: Clock,
        dice: Dice,
        account: Account,
        new_lid: Callable[[], Lid],
        wish: Callable[[Event], Awaitable[None]],
    ) -> None:
        self._messages, self._clock, self._dice, self._account = messages, clock, dice, account
        self._new_lid, self._wish = new_lid, wish

    # -------------------------------------------------------------------------------------- messages

    async def say(self, conv: ConvId, text: str, reply_to: Lid | None, mentions: Sequence[Mention]) -> Lid:
        """Words. Raises TextEmpty, TextTooLong, OutboxFull, UnknownMessage, NotPossibleNow …"""
        if not text.strip():
            raise TextEmpty()
        text = whole_words(text)
        return await self._compose(conv, Text(text, within(mentions, text)), await self._reply(conv, reply_to))

    async def send_file(
        self, conv: ConvId, path: str, kind: FileKind, caption: str, reply_to: Lid | None, how: Sending
    ) -> Lid:
        """A file from outside; its bubble is durable when this returns, and the upload goes on."""
        self._account.joined()
        caption = whole_words(caption)
        full, name = await asyncio.to_thread(file_at, path)
        return await self._attach(conv, full, name, kind, caption, await self._reply(conv, reply_to), how)

    async def forward(self, lids: Sequence[Lid], conv: ConvId) -> list[Lid]:
        """The same words and files in another conversation, in the order they stand in; no bytes are sent again."""
        bubbles = sorted([await self._messages.bubble(lid) for lid in lids], key=lambda bubble: bubble.order)
        for bubble in bubbles:
            _check_shown(bubble)
        return [await self._pass_on(bubble, conv) for bubble in bubbles]

    async def resend(self, lid: Lid) -> Lid:
        """What waits with the same key, what is over as a new message."""
        bubble = await self._messages.bubble(lid)
        if bubble.state in OVER and bubble.n:
            return await self._send_anew(bubble)
        if not bubble.mine or State.ACCEPTED <= bubble.state <= State.READ:
            raise NotPossibleNow()
        if bubble.state in OVER and isinstance(bubble.body, Edit | Recall | Reaction):
            return await self._send_anew(bubble)
        await self._wish(Resend(lid))
        return lid

    async def take_over(self, bubble: Bubble) -> bool:
        """What was left over from another device begins again, in the lane of this one (P-64).

        False for a file that is no longer on the disk.
        """
        if bubble.attachment is None:
            data = await self._messages.content_of(bubble.lid)
            said = unpack(data, author=bubble.uid, conv=bubble.conv)
            content, at_ms = self._content(bubble.conv, said.body, said.reply, said.forward)
            await self._wish(Compose(bubble.lid, bubble.conv, content, digest(bubble.conv, content), at_ms))
            return True
        try:
            full, name = await asyncio.to_thread(file_at, bubble.path)
        except Problem:
            return False
        caption, at_ms = getattr(bubble.body, "caption", ""), self._clock.wall_ms()
        await self._wish(
            Attach(
                bubble.lid, bubble.conv, full, name, kind_of(bubble.body), caption, self._nonce(), at_ms, bubble.reply,
                *_as_before(bubble),
            )
        )  # fmt: skip
        return True

    # --------------------------------------------------------------------------------------- changes

    async def edit(self, lid: Lid, text: str, mentions: Sequence[Mention]) -> Lid:
        """Other words; 0 if they are the same. What waits is cancelled and written anew under its own `lid`."""
        bubble = await self._messages.bubble(lid)
        _check_shown(bubble)
        if not bubble.mine or not isinstance(bubble.body, Text | Picture | Video | File):
            raise NotPossibleNow()
        body, mentions = _reworded(bubble.body, whole_words(text), mentions)
        if body == bubble.body:
            return Lid(0)
        if bubble.state is State.UPLOADING:
            await self._wish(Recaption(lid, getattr(body, "caption", "")))
            return lid
        edit = Edit(bubble.dg, whole_words(text), tuple(mentions))
        if bubble.pos:
            return await self._change(bubble, "edit", edit)
        return await self._reword(bubble, body, edit)

    async def recall(self, lid: Lid) -> Lid:
        """Ask everybody to remove it; what waits is cancelled instead, and its own `lid` returned."""
        bubble = await self._messages.bubble(lid)
        if bubble.recalled or bubble.state in OVER:
            raise NotPossibleNow()
        if not bubble.mine and not await self._administers(bubble.conv):
            raise NotPossibleNow()
        if not bubble.pos:
            await self._wish(Cancel(lid))
            return lid
        _check_shown(bubble, unreadable=True)
        return await self._change(bubble, "recall", Recall(bubble.dg))

    async def react(self, lid: Lid, emoji: str) -> Lid:
        """What this person thinks of it; empty takes that back. 0 if it is so already."""
        bubble = await self._messages.bubble(lid)
        _check_shown(bubble)
        emoji = whole_words(emoji).strip()
        if len(emoji) > EMOJI_MAX_CHARS:
            raise TextTooLong(size_chars=len(emoji), limit_chars=EMOJI_MAX_CHARS)
        if bubble.state in OVER or not bubble.dg:
            raise NotPossibleNow()
        if emoji == _reaction_of(bubble, self._account.joined().uid):
            return Lid(0)
        return await self._change(bubble, "react", Reaction(bubble.dg, emoji))

    # --------------------------------------------------------------------------------------- details

    async def _compose(
        self, conv: ConvId, body: Body | Change, reply: Reply | None = None, forward: Forward | None = None,
        rel: Relation | None = None,
    ) -> Lid:  # fmt: skip
        content, at_ms = self._content(conv, body, reply, forward)
        media = tuple(file.media for file in attachments(body))
        lid, target = self._new_lid(), body.target if isinstance(body, Edit | Recall | Reaction) else ""
        wish = Compose(lid, conv, content, digest(conv, content), at_ms, media, rel)
        await self._wish(replace(wish, target=target))
        return lid

    def _content(
        self, conv: ConvId, body: Body | Change, reply: Reply | None = None, forward: Forward | None = None
    ) -> tuple[bytes, int]:
        me, at_ms = self._account.joined(), self._clock.wall_ms()
        return pack(Content(me.uid, conv, self._nonce(), at_ms, body, reply, forward)), at_ms

    def _nonce(self) -> bytes:
        return self._dice.bytes(NONCE_BYTES)

    async def _attach(
        self, conv: ConvId, path: str, name: str, kind: FileKind, caption: str, reply: Reply | None, how: Sending
    ) -> Lid:
        lid, at_ms = self._new_lid(), self._clock.wall_ms()
        wish = Attach(lid, conv, path, name, kind, caption, self._nonce(), at_ms, reply, *how)
        await self._wish(wish)
        return lid

    async def _reply(self, conv: ConvId, lid: Lid | None) -> Reply | None:
        if lid is None:
            return None
        bubble = await self._messages.bubble(lid)
        _check_shown(bubble)
        if bubble.conv != conv or not bubble.dg:
            raise NotPossibleNow()
        return reply_to(bubble)

    async def _change(self, bubble: Bubble, kind: Literal["edit", "recall", "react"], change: Change) -> Lid:
        """About a message without a position it waits until that has one."""
        if bubble.lost:
            raise TargetGone()
        return await self._compose(bubble.conv, change, rel=Relation(kind, bubble.pos))

    async def _reword(self, bubble: Bubble, body: Body, edit: Edit) -> Lid:
        """Both forms are made now, for nobody knows yet whether the old words have left."""
        if not bubble.state.unsettled:
            raise NotPossibleNow()
        conv = bubble.conv
        anew, at_ms = self._content(conv, body, bubble.reply, bubble.forward)
        edited, _ = self._content(conv, edit)
        media = tuple(file.media for file in attachments(body))
        rewrite = Rewrite(anew, digest(conv, anew), edited, digest(conv, edited), self._new_lid(), at_ms, media)
        await self._wish(Reword(bubble.lid, rewrite))
        return bubble.lid

    async def _pass_on(self, bubble: Bubble, conv: ConvId) -> Lid:
        body, forward = bubble.body, bubble.forward or await self._author(bubble)
        if isinstance(body, Text):
            return await self._compose(conv, Text(body.text), forward=forward)
        assert isinstance(body, Picture | Voice | Video | File)
        caption = "" if isinstance(body, Voice) else body.caption
        lid, at_ms, source = self._new_lid(), self._clock.wall_ms(), body.file.media
        await self._wish(PassOn(lid, conv, _found(body, bubble.path), source, caption, self._nonce(), at_ms, forward))
        return lid

    async def _author(self, bubble: Bubble) -> Forward:
        me = self._account.joined()
        if bubble.mine:
            return Forward(me.uid, me.name)
        for entry in await self._messages.chats():
            for member in entry.members:
                if member.uid == bubble.uid:
                    return Forward(bubble.uid, member.name)
        names = {person.uid: person.name for person in await self._messages.people()}
        return Forward(bubble.uid, names.get(bubble.uid, NAME_UNKNOWN))

    async def _administers(self, conv: ConvId) -> bool:
        uid = self._account.joined().uid
        return any(
            member.uid == uid and member.role >= ADMINISTRATOR
            for entry in await self._messages.chats()
            if entry.conv == conv
            for member in entry.members
        )

    async def _send_anew(self, bubble: Bubble) -> Lid:
        """A new message with the old words; its file is uploaded again if the server has lost it."""
        match bubble.body:
            case Edit() | Recall() | Reaction():
                return await self._change_anew(bubble)
        if bubble.code in (MediaUnknown.code, "media_missing") and bubble.path:
            caption = getattr(bubble.body, "caption", "")
            full, name = await asyncio.to_thread(file_at, bubble.path)
            how = _as_before(bubble)
            return await self._attach(bubble.conv, full, name, kind_of(bubble.body), caption, bubble.reply, how)
        data = await self._messages.content_of(bubble.lid)
        said = unpack(data, author=self._account.joined().uid, conv=bubble.conv)
        return await self._compose(bubble.conv, said.body, said.reply, said.forward)

    async def _change_anew(self, bubble: Bubble) -> Lid:
        """The same change once more, in place of the one that failed."""
        if not bubble.reply_lid:
            raise TargetGone()
        match bubble.body:
            case Edit(text=text, mentions=mentions):
                lid = await self.edit(bubble.reply_lid, text, mentions)
            case Reaction(emoji=emoji):
                lid = await self.react(bubble.reply_lid, emoji)
            case _:
                lid = await self.recall(bubble.reply_lid)
        await self._wish(Drop(bubble.lid, bubble.conv))
        return lid


def reply_to(bubble: Bubble) -> Reply:
    """What an answer says of the message it answers: its first words, on one line."""
    body = bubble.body
    words = body.text if isinstance(body, Text) else getattr(body, "caption", "")
    quote = " ".join(words[: 4 * QUOTE_MAX_CHARS].split())[:QUOTE_MAX_CHARS]
    return Reply(bubble.dg, bubble.uid, quote, str(body.__struct_config__.tag) if body else "")


def _check_shown(bubble: Bubble, *, unreadable: bool = False) -> None:
    """Only what a person sees can be answered, changed or passed on. Raises NotPossibleNow."""
    if bubble.recalled or not isinstance(bubble.body, Text | Picture | Voice | Video | File):
        if unreadable and bubble.body is None and bubble.dg and not bubble.recalled:
            return
        raise NotPossibleNow()


def _reworded(
    body: Text | Picture | Video | File, text: str, mentions: Sequence[Mention]
) -> tuple[Body, tuple[Mention, ...]]:
    """The body with other words. Raises TextEmpty for a message of nothing but words."""
    if not isinstance(body, Text):
        return replace(body, caption=text), ()
    if not text.strip():
        raise TextEmpty()
    named = within(mentions, text)
    return Text(text, named), named


def _reaction_of(bubble: Bubble, uid: Uid) -> str:
    return next((emoji for emoji, uids in bubble.reactions if uid in uids), "")


def _found(body: Picture | Voice | Video | File, path: str) -> Inspected:
    """What is known of a file that the server has."""
    file = body.file
    if not file.media:
        raise NotPossibleNow()
    return Inspected(
        kind=kind_of(body),
        type=file.type,
        name=file.name,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        path=path,
        width=file.width,
        height=file.height,
        duration_ms=file.duration_ms,
        preview=file.preview,
        preview_type=file.preview_type,
        waveform=file.waveform,
    )


def _as_before(bubble: Bubble) -> Sending:
    """What the person chose is not known any more but by what the message says."""
    body, file = bubble.body, bubble.attachment
    album = body.album if isinstance(body, Picture | Video) else ""
    note = isinstance(body, Video) and body.note
    bins = file.waveform if isinstance(body, Voice) and file is not None else b""
    return Sending("small", bins, note, album)


def kind_of(body: object) -> Literal["picture", "voice", "video", "file"]:
    kinds: dict[type, Literal["picture", "voice", "video", "file"]] = {
        Picture: "picture", Voice: "voice", Video: "video",
    }  # fmt: skip
    return kinds.get(type(body), "file")
