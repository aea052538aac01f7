"""Values as plain JSON objects for the harness (docs/HEADLESS.md). No decisions, no I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from client.app.changes import (
    BubbleDropped,
    LineChanged,
    MembersChanged,
    NewMessages,
    PacketSeen,
    PeopleChanged,
    PrefsChanged,
    PresenceChanged,
    ProblemSeen,
    Progressed,
    TypingChanged,
)
from client.app.changes import Change as Told
from client.core.model import Bubble, ChatEntry, Device, Finding, Line, Me, Presence, Receipt, Seen
from client.core.spending import Spent
from protocol.content import Attachment, Body, Change, Notice, Text
from protocol.packets import Person, Seat
from protocol.problems import Problem, problem
from protocol.values import Value

Fields: TypeAlias = dict[str, Any]


def me_fields(me: Me) -> Fields:
    """Who this profile is; never the token."""
    return {"uid": me.uid, "did": me.did, "name": me.name, "server": me.server}


def line_fields(line: Line, now_s: float) -> Fields:
    """How the connection stands; `retry_in_s` is when it is tried next."""
    fields: Fields = {"state": line.state}
    if line.retry_s > now_s:
        fields["retry_in_s"] = round(line.retry_s - now_s, 3)
    return fields | ({"code": line.code} if line.code else {})


def state_fields(bubble: Bubble, at_ms: int) -> Fields:
    """Where an own message stands."""
    fields: Fields = {"lid": bubble.lid, "conv": bubble.conv, "state": bubble.state.word, "at_ms": at_ms}
    for name in ("n", "pos", "ts", "tries", "code"):
        if value := getattr(bubble, name):
            fields[name] = value
    if bubble.of > 1:
        fields |= {"delivered_to": bubble.delivered_to, "read_by": bubble.read_by, "of": bubble.of}
    for name in ("delivered_ms", "read_ms"):
        if value := getattr(bubble, name):
            fields[name] = value
    return fields


SAID_IF_SO = (
    "dg", "path", "code", "edited", "recalled", "recalled_by", "lost",
    "fetching", "paused", "here_bytes", "heard", "fetched_ms", "why",
)  # fmt: skip
"""Fields of a bubble that are left out where they say nothing."""


def bubble_fields(bubble: Bubble) -> Fields:
    """A message as a person sees it; previews and waveforms by their size only."""
    fields: Fields = {
        "lid": bubble.lid,
        "conv": bubble.conv,
        "uid": bubble.uid,
        "mine": bubble.mine,
        "state": bubble.state.word,
        "pos": bubble.pos,
        "n": bubble.n,
        "ts": bubble.ts,
        "at_ms": bubble.at_ms,
        **({"kind": "recalled"} if bubble.recalled else body_fields(bubble.body)),
    }
    for name in SAID_IF_SO:
        if value := getattr(bubble, name):
            fields[name] = value
    return fields | relation_fields(bubble)


def relation_fields(bubble: Bubble) -> Fields:
    """What it answers, where it comes from, who is named in it, and what was done to it."""
    fields: Fields = {}
    if bubble.reactions:
        fields["reactions"] = [{"emoji": emoji, "uids": list(uids)} for emoji, uids in bubble.reactions]
    if bubble.reply is not None:
        reply = bubble.reply
        fields["reply"] = {"uid": reply.uid, "kind": reply.kind, "quote": reply.quote, "lid": bubble.reply_lid}
    if bubble.forward is not None:
        fields["forward"] = {"uid": bubble.forward.uid, "name": bubble.forward.name}
    if bubble.mentions:
        fields["mentions"] = [
            {"uid": mention.uid, "start": mention.start, "length": mention.length} for mention in bubble.mentions
        ]
    if bubble.change is not None:
        code = {"code": bubble.change_code} if bubble.change_code else {}
        fields["change"] = {"lid": bubble.change_lid, "state": bubble.change.word, **code}
    return fields


def body_fields(body: Body | Notice | Change | None) -> Fields:
    """What it says: its kind, and text, caption and file if it has them."""
    if body is None:
        return {"kind": "unreadable"}
    kind: Fields = {"kind": str(body.__struct_config__.tag)}
    if isinstance(body, Text):
        return kind | {"text": body.text}
    file = getattr(body, "file", None)
    if file is not None:
        caption = getattr(body, "caption", "")
        return kind | {"file": file_fields(file)} | ({"caption": caption} if caption else {})
    notice = {name: value for name in body.__struct_fields__ if (value := getattr(body, name))}
    return kind | ({"notice": notice} if notice else {})


def file_fields(file: Attachment) -> Fields:
    """A file, as far as it is known without a download."""
    fields: Fields = {
        "media": file.media,
        "name": file.name,
        "type": file.type,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
    }
    for name in ("width", "height", "duration_ms"):
        if value := getattr(file, name):
            fields[name] = value
    for name in ("preview", "waveform"):
        if value := getattr(file, name):
            fields[f"{name}_bytes"] = len(value)
    return fields


def seen_fields(seen: Seen) -> Fields:
    """A packet that was seen about a message."""
    fields: Fields = {
        "lid": seen.lid,
        "packet": seen.packet,
        "way": seen.way,
        "tries": seen.tries,
        "at_ms": seen.at_ms,
    }
    return fields | ({"note": seen.note} if seen.note else {})


def finding_fields(finding: Finding) -> Fields:
    """What the server said about a message."""
    fields: Fields = {"lid": finding.lid, "found": finding.found}
    for name in ("code", "ts"):
        if value := getattr(finding, name):
            fields[name] = value
    return fields


def chat_fields(entry: ChatEntry) -> Fields:
    """A row of the chat list."""
    return {
        "conv": entry.conv,
        "form": entry.form,
        "title": entry.title,
        "members": [{"uid": member.uid, "name": member.name, "role": member.role} for member in entry.members],
        "away": entry.away,
        "unread": entry.unread,
        "waiting": entry.waiting,
        "needs_you": entry.needs_you,
        "read_upto": entry.read_upto,
    }


def seat_fields(seat: Seat) -> Fields:
    """A line of the member table."""
    return {name: getattr(seat, name) for name in seat.__struct_fields__}


def receipt_fields(receipt: Receipt) -> Fields:
    """How one person stands to an own message."""
    return {name: getattr(receipt, name) for name in receipt.__struct_fields__}


def device_fields(device: Device) -> Fields:
    """One of this person's devices."""
    return {name: getattr(device, name) for name in device.__struct_fields__}


def plain_fields(value: Value) -> Fields:
    """A value whose fields are plain themselves."""
    return {name: getattr(value, name) for name in value.__struct_fields__}


def spent_fields(row: Spent) -> Fields:
    """One request over HTTP, and the deed that caused it."""
    fields = {name: getattr(row, name) for name in row.__struct_fields__ if name not in ("id", "because")}
    return plain_fields(row.because) | fields


def presence_fields(person: Presence) -> Fields:
    """Whether somebody is here, and else when last; neither is there while it is unknown."""
    known: Fields = {"online": person.online} | ({"seen_ms": person.seen_ms} if person.seen_ms else {})
    return {"uid": person.uid} | (known if person.known else {})


def person_fields(person: Person) -> Fields:
    """An entry of the people list."""
    return {"uid": person.uid, "name": person.name}


def problem_fields(why: Problem, translate: Callable[[str], str]) -> Fields:
    """A stable code, and a sentence for the person."""
    return {"code": why.code, "text": why.for_person(translate)}


def change_fields(change: Told, translate: Callable[[str], str], now_s: float) -> Fields | None:
    """The line about a change; None for what has no line of its own."""
    match change:
        case BubbleDropped(lid, conv):
            return {"event": "dropped", "lid": lid, "conv": conv}
        case LineChanged(line):
            return {"event": "line", **line_fields(line, now_s)}
        case Progressed(progress):
            return {
                "event": "progress",
                "lid": progress.lid,
                "way": progress.way,
                "done_bytes": progress.done_bytes,
                "total_bytes": progress.total_bytes,
            }
        case PacketSeen(seen, conv):
            return {"event": "trace", "conv": conv, **seen_fields(seen)}
        case ProblemSeen(code, facts, lid):
            about = {"lid": lid} if lid else {}
            return {"event": "problem", **problem_fields(problem(code, **facts), translate), **about}
        case PeopleChanged(people):
            return {"event": "people", "people": [person_fields(person) for person in people]}
        case NewMessages(conv, uids):
            return {"event": "new", "conv": conv, "uids": list(uids)}
        case _:
            return _hint_fields(change)


def _hint_fields(change: Told) -> Fields | None:
    match change:
        case TypingChanged(conv, uid, doing):
            return {"event": "typing", "conv": conv, "uid": uid, "doing": doing}
        case PresenceChanged(people):
            return {"event": "presence", "people": [presence_fields(person) for person in people]}
        case PrefsChanged(prefs):
            return {"event": "prefs", "receipts": prefs.reads, "presence": prefs.presence}
        case MembersChanged(conv):
            return {"event": "members", "conv": conv}
        case _:
            return None
