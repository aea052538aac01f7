"""Who is here, who is writing: hints about people, in words (never kept, never promised)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from client.core.model import Form, Presence
from client.ui.plain import isolate
from client.ui.words import clock, list_time, plural, same_day, tr
from protocol.packets import Doing
from protocol.values import Uid

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
NAMED_MAX = 2
"""More writers than this are counted, not named."""


def presence_words(presence: Presence, now_ms: int) -> str:
    """“online”, “last seen 5 minutes ago”; empty when nothing is known."""
    if presence.online:
        return tr("online")
    if not presence.seen_ms:
        return ""
    ago_ms = max(0, now_ms - presence.seen_ms)
    if ago_ms < MINUTE_MS:
        return tr("last seen just now")
    if ago_ms < HOUR_MS:
        return plural("last seen {count} minute ago", "last seen {count} minutes ago", ago_ms // MINUTE_MS)
    if same_day(presence.seen_ms, now_ms):
        return tr("last seen {time}", time=clock(presence.seen_ms))
    return tr("last seen {day}, {time}", day=list_time(presence.seen_ms, now_ms), time=clock(presence.seen_ms))


def doing_words(typists: Mapping[Uid, Doing], name_of: Callable[[Uid], str], form: Form = "group") -> str:
    """What others do in a conversation now: “Ann is writing…”; empty if nobody does anything.

    In a direct conversation the name stands above already.
    """
    busy = [(uid, doing) for uid, doing in typists.items() if doing]
    if not busy:
        return ""
    if form == "direct":
        return _alone(busy[0][1])
    if len(busy) > NAMED_MAX:
        return plural("{count} person is writing…", "{count} people are writing…", len(busy))
    names = [isolate(name_of(uid)) or tr("Somebody") for uid, _ in busy]
    if len(busy) == NAMED_MAX:
        return tr("{first} and {second} are writing…", first=names[0], second=names[1])
    return _named(busy[0][1], names[0])


def _alone(doing: Doing) -> str:
    match doing:
        case "voice":
            return tr("recording a voice message…")
        case "video":
            return tr("recording a video…")
        case "file":
            return tr("sending a file…")
        case _:
            return tr("writing…")


def _named(doing: Doing, name: str) -> str:
    match doing:
        case "voice":
            return tr("{name} is recording a voice message…", name=name)
        case "video":
            return tr("{name} is recording a video…", name=name)
        case "file":
            return tr("{name} is sending a file…", name=name)
        case _:
            return tr("{name} is writing…", name=name)
