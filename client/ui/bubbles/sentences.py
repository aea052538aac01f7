"""A message in one sentence: for a screen reader, for the chat list, and for what the server says in the middle."""

from __future__ import annotations

from collections.abc import Mapping

from client.core.model import Bubble
from client.ui.bubbles.marks import short_words
from client.ui.plain import isolate, one_line
from client.ui.viewmodels.albums import captions, spokesman
from client.ui.viewmodels.rows import Row, shown_ms
from client.ui.words import clock, duration, plural, problem_words, size_words, tr
from protocol.content import Body as AnyBody
from protocol.content import (
    Change,
    File,
    Joined,
    Left,
    Notice,
    Opened,
    Picture,
    Ranked,
    Reply,
    Text,
    Titled,
    Video,
    Voice,
)
from protocol.values import Uid

PREVIEW_SIGNS = 200
"""More of a text than fits into any row of the chat list."""
SPOKEN_SIGNS = 400


def sentence(row: Row) -> str:
    """“You, voice note, 0:42, delivered, 14:02” (GUI: one accessible sentence per message)."""
    time = clock(shown_ms(row.bubble))
    missing = [gap_words(why) for why in (*row.gaps, *row.gaps_below)]
    if row.system:
        return ", ".join([*missing, notice_words(row), time])
    bubble, who = row.bubble, tr("You") if row.bubble.mine else isolate(row.sender)
    state = short_words(spokesman(row)) if row.bubble.mine else tr("unread") if row.place.divider else ""
    if bubble.recalled:
        return ", ".join(filter(None, (*missing, recalled_words(row), time)))
    said = [_answer_words(row, who), *_shown_words(row), tr("edited") if bubble.edited else ""]
    return ", ".join(filter(None, (*missing, *said, _change_words(row), reactions_words(row), state, time)))


def _shown_words(row: Row) -> list[str]:
    """What is in it and where that is; of an album how many, and how many of them are not here."""
    if not row.album:
        return [content_words(row.bubble), file_words(row)]
    away = sum(each.face in ("away", "paused", "loading") for each in row.album)
    here = plural("{count} not downloaded", "{count} not downloaded", away) if away else ""
    count = len(row.album)
    return [plural("album of {count}", "album of {count}", count), here, one_line(captions(row))]


def file_words(row: Row) -> str:
    """Where its file is: not here yet, on its way, no longer to be had; and why it is a plain one."""
    percent = f"{row.share:.0%}"
    where = {
        "away": tr("not downloaded"),
        "loading": tr("downloading, {percent}", percent=percent),
        "paused": tr("download paused, {percent}", percent=percent),
        "stopped": tr("upload stopped, {percent}", percent=percent),
        "gone": tr("no longer on the server"),
    }.get(row.face, "")
    return _joined(where, problem_words(row.bubble.why) if row.bubble.why else "")


def _answer_words(row: Row, who: str) -> str:
    """Who speaks, and to whom or with whose words."""
    if row.bubble.forward is not None:
        return tr("{who}, forwarded from {name}", who=who, name=isolate(row.bubble.forward.name))
    if row.bubble.reply is None:
        return who
    if row.bubble.reply.uid == row.me:
        return tr("{who} replied to you", who=who)
    return tr("{who} replied to {name}", who=who, name=isolate(row.quoted or tr("Somebody")))


def _change_words(row: Row) -> str:
    if row.stuck_change:
        return tr("a change is not confirmed")
    return tr("a change waits") if row.waiting_change else ""


def reactions_words(row: Row) -> str:
    """All reactions in one breath: “👍 2, ❤️ 1”."""
    return ", ".join(f"{one_line(emoji)} {len(uids)}" for emoji, uids in row.bubble.reactions)


def recalled_words(row: Row) -> str:
    """What stands in the place of a message that was taken back."""
    bubble = row.bubble
    if bubble.recalled_by == row.me or (not bubble.recalled_by and bubble.mine):
        return tr("You asked others to remove this message")
    name = row.remover or ("" if bubble.recalled_by != bubble.uid else row.sender)
    return tr("{name} removed this message", name=isolate(name)) if name else tr("This message was removed")


def quote_words(reply: Reply) -> str:
    """The message that is answered in one line: its words as they were then, or what it was."""
    kind = {
        "picture": tr("Photo"), "voice": tr("Voice note"), "video": tr("Video"), "file": tr("File")
    }.get(reply.kind, "")  # fmt: skip
    return one_line(reply.quote) or kind or tr("Message")


def content_words(bubble: Bubble) -> str:
    """What a message says or is, with length or size."""
    if bubble.recalled:
        return tr("removed message")
    match bubble.body:
        case Text(text):
            return one_line(text[: SPOKEN_SIGNS * 2])[:SPOKEN_SIGNS]
        case Picture(file, caption):
            return _joined(tr("picture"), size_words(file.size_bytes), one_line(caption))
        case Voice(file):
            return _joined(tr("voice note"), duration(file.duration_ms))
        case Video(file, caption, note=noted):
            return _joined(tr("video note") if noted else tr("video"), duration(file.duration_ms), one_line(caption))
        case File(file, caption):
            return _joined(tr("file"), isolate(file.name), size_words(file.size_bytes), one_line(caption))
    return problem_words(bubble.code or "content_unreadable")


def preview(bubble: Bubble, name: str = "", by: str = "") -> tuple[str, str]:
    """A message in the chat list: an icon's name (or nothing) and words.

    `name` is whom a notice is about, and `by` who did it.
    """
    if bubble.recalled:
        return "", tr("Removed message")
    match bubble.body:
        case Text(text):
            return "", one_line(text[: PREVIEW_SIGNS * 2])[:PREVIEW_SIGNS]
        case Picture(_, caption):
            return "picture", one_line(caption) or tr("Photo")
        case Voice(file):
            return "voice", tr("Voice {length}", length=duration(file.duration_ms))
        case Video(file, caption):
            return "video", one_line(caption) or tr("Video {length}", length=duration(file.duration_ms))
        case File(file, _):
            return "file", one_line(file.name)
        case None:
            return "warn", tr("Message of a newer version")
    return "", notice_words(Row(bubble, sender=name, by=by))


def notice_people(body: AnyBody | Notice | Change | None, names: Mapping[Uid, str], me: Uid) -> tuple[str, str]:
    """Whom a notice is about, and who did it if that is somebody else: names, or “you” in the place it needs."""

    def known(uid: Uid, name: str = "") -> str:
        return names.get(uid, "") or name

    match body:
        case Opened(by=uid):
            return (tr("You") if uid == me else known(uid)), ""
        case Titled(by=uid):
            return "", tr("You") if uid == me else known(uid)
        case Joined(uid=uid, by=by) | Left(uid=uid, by=by) | Ranked(uid=uid, by=by):
            did = "" if by in ("", uid) else tr("You") if by == me else known(by) or tr("Somebody")
            name = known(uid, getattr(body, "name", "")) or tr("Somebody")
            return (tr("you") if did else tr("You")) if uid == me else name, did
    return "", ""


def gap_words(why: str) -> str:
    """Why a part of the conversation is not here, in plain words."""
    return {
        "before_join": tr("You joined here. What was said before is not shown"),
        "not_member": tr("You were not a member then"),
        "expired": tr("What was said here is too old: the server does not keep it any more"),
        "before_device": tr("Earlier messages are on the server. They come when there is a connection"),
        "unreadable": tr("Something here cannot be read by this version"),
    }.get(why, tr("Something is missing here"))


def notice_words(row: Row) -> str:
    """What the server says. `row.sender` is the name of whom it is about, `row.by` that of who did it."""
    name, by = isolate(row.sender), isolate(row.by)
    match row.bubble.body:
        case Opened("group", title):
            if row.sender:
                return tr("{name} made the group {title}", name=name, title=isolate(title))
            return tr("The group {title} begins here", title=isolate(title))
        case Opened("self", _):
            return tr("Here you write to yourself")
        case Opened():
            return tr("This is where your conversation begins")
        case Joined(_, joined):
            name = name if row.sender else isolate(joined)
            return tr("{by} added {name}", by=by, name=name) if row.by else tr("{name} joined", name=name)
        case Left():
            return tr("{by} removed {name}", by=by, name=name) if row.by else tr("{name} left", name=name)
        case Titled(title) if row.by:
            return tr("{by} named the group {title}", by=by, title=isolate(title))
        case Titled(title):
            return tr("The group is now called {title}", title=isolate(title))
        case Ranked(role=role):
            return _rank_words(role, row)
    return ""


def _rank_words(role: int, row: Row) -> str:
    name, by = isolate(row.sender), isolate(row.by)
    if role and row.by:
        return tr("{by} made {name} an administrator", by=by, name=name)
    if role:
        return tr("{name} can administer this group now", name=name)
    if row.by:
        return tr("{by} made {name} an ordinary member", by=by, name=name)
    return tr("{name} can no longer administer this group", name=name)


def _joined(*words: str) -> str:
    return ", ".join(filter(None, words))
