"""A message in one sentence: for a screen reader, for the chat list, and for what the server says in the middle."""

from __future__ import annotations

from client.core.model import Bubble
from client.ui.bubbles.marks import short_words
from client.ui.plain import isolate, one_line
from client.ui.viewmodels.rows import Row, shown_ms
from client.ui.words import clock, duration, problem_words, size_words, tr
from protocol.content import File, Joined, Left, Opened, Picture, Text, Titled, Video, Voice

PREVIEW_SIGNS = 200
"""More of a text than fits into any row of the chat list."""
SPOKEN_SIGNS = 400


def sentence(row: Row) -> str:
    """“You, voice note, 0:42, delivered, 14:02” (GUI: one accessible sentence per message)."""
    time = clock(shown_ms(row.bubble))
    if row.system:
        return f"{notice_words(row)}, {time}"
    who = tr("You") if row.bubble.mine else isolate(row.sender)
    state = short_words(row) if row.bubble.mine else tr("unread") if row.place.divider else ""
    return ", ".join(filter(None, (who, content_words(row.bubble), state, time)))


def content_words(bubble: Bubble) -> str:
    """What a message says or is, with length or size."""
    match bubble.body:
        case Text(text):
            return one_line(text[: SPOKEN_SIGNS * 2])[:SPOKEN_SIGNS]
        case Picture(file, caption):
            return _joined(tr("picture"), size_words(file.size_bytes), one_line(caption))
        case Voice(file):
            return _joined(tr("voice note"), duration(file.duration_ms))
        case Video(file, caption):
            return _joined(tr("video"), duration(file.duration_ms), one_line(caption))
        case File(file, caption):
            return _joined(tr("file"), isolate(file.name), size_words(file.size_bytes), one_line(caption))
    return problem_words(bubble.code or "content_unreadable")


def preview(bubble: Bubble, name: str = "") -> tuple[str, str]:
    """A message in the chat list: an icon's name (or nothing) and words. `name` is whom a notice is about."""
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
    return "", notice_words(Row(bubble, sender=name))


def notice_words(row: Row) -> str:
    """What the server says. `row.sender` is the name of whom it is about."""
    name = isolate(row.sender)
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
            return tr("{name} joined", name=isolate(joined))
        case Left():
            return tr("{name} left", name=name)
        case Titled(title):
            return tr("The group is now called {title}", title=isolate(title))
    return ""


def _joined(*words: str) -> str:
    return ", ".join(filter(None, words))
