"""The demo's report for a plain terminal: six packets for every message, drawn as a hexagram. Pure.

A line is whole when its packet was seen, and broken while it is missing. Nothing but broken lines is 坤, the second
hexagram; a message that has arrived and is known to have arrived is 乾, the first: six whole lines.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from client.core.journey import BY_AUTHOR, PACKETS, is_forged, stands_for

SAID = {
    "offline": "kept for who is away",
    "slow": "kept for who is slow",
    "probe": "asked what became of it",
}
"""The notes of a trace as words."""
WHOLE, BROKEN = "━━━━━━━", "━━━ ━━━"
ASCII = str.maketrans({"━": "=", "▶": ">", "◀": "<", "✓": "v", "✗": "x", "–": "-", "…": "...", "乾": None, "䷀": None})
BOLD, DIM, GOOD, BAD, END = "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class PacketLine:
    """One packet of a message: who saw it, when (milliseconds of the wall clock; both people share one), which try."""

    packet: str
    by: str
    way: str
    at_ms: int
    tries: int = 1
    note: str = ""

    @property
    def stands_for(self) -> str:
        """The packet of the six."""
        return stands_for(self.packet)

    @property
    def forged(self) -> bool:
        """Whether it is only the server's word that it keeps the message."""
        return is_forged(self.packet, self.note)


@dataclass(slots=True)
class MessageReport:
    """What became of one message. `problems` is empty if everything about it is right."""

    number: int
    kind: str
    what: str
    lid: int
    states: list[str] = field(default_factory=list)
    packets: list[PacketLine] = field(default_factory=list)
    copies: int = 0
    fetched: str = ""
    problems: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether it arrived exactly once, whole, with all six packets."""
        return not self.problems


@dataclass(slots=True)
class Report:
    """The whole demo."""

    author: str
    reader: str
    messages: list[MessageReport] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether the exit code is 0."""
        return not self.problems and bool(self.messages) and all(message.good for message in self.messages)


def as_json(report: Report) -> dict[str, object]:
    """The same as one JSON document."""
    return {
        "good": report.good,
        "seconds": round(report.seconds, 3),
        "author": report.author,
        "reader": report.reader,
        "problems": report.problems,
        "messages": [
            {
                "number": message.number,
                "kind": message.kind,
                "what": message.what,
                "good": message.good,
                "states": message.states,
                "copies": message.copies,
                "fetched": message.fetched,
                "problems": message.problems,
                "packets": [
                    {
                        "packet": line.packet,
                        "by": line.by,
                        "way": line.way,
                        "at_ms": line.at_ms,
                        "tries": line.tries,
                        "note": line.note,
                    }
                    for line in message.packets
                ],
            }
            for message in report.messages
        ],
    }


def as_text(report: Report, *, colour: bool, plain: bool = False) -> str:
    """The report as lines; `plain` for terminals that know ASCII only."""
    paint = _Paint(colour)
    parts = [_message(message, report, paint) for message in report.messages]
    text = "\n\n".join([*parts, _verdict(report, paint)]) + "\n"
    return text.translate(ASCII).rstrip() + "\n" if plain else text


@dataclass(frozen=True, slots=True)
class _Paint:
    on: bool

    def __call__(self, style: str, text: str) -> str:
        return f"{style}{text}{END}" if self.on and text else text


def _message(message: MessageReport, report: Report, paint: _Paint) -> str:
    mark = paint(GOOD, "✓") if message.good else paint(BAD, "✗")
    states = " ▶ ".join(message.states)
    title = f" {message.number}  {pad(message.kind, 8)}{pad(paint(BOLD, message.what), 44, paint.on)}  {mark}"
    lines = [title, paint(DIM, f"    {states}")]
    start_ms = min((line.at_ms for line in message.packets), default=0)
    # Read a hexagram from below: its first line is the lowest one.
    for number in range(len(PACKETS), 0, -1):
        lines.append(_packet(number, message, report, start_ms, paint))
    if message.fetched:
        lines.append(f"    {message.fetched}")
    lines += [paint(BAD, f"    {problem}") for problem in message.problems]
    return "\n".join(lines)


def _packet(number: int, message: MessageReport, report: Report, start_ms: int, paint: _Paint) -> str:
    name = PACKETS[number - 1]
    seen = [line for line in message.packets if line.stands_for == name]
    if not seen:
        return f"    {paint(BAD, BROKEN)}   {number} {pad(name, 7)}not seen"
    line = next((line for line in seen if not line.forged), seen[0])
    who = report.author if name in BY_AUTHOR else report.reader
    arrow = "▶" if line.way == "out" else "◀"
    after = f"{line.at_ms - start_ms:>7} ms"
    notes = "".join(f"  {note}" for note in _notes(name, line, seen, start_ms))
    return f"    {WHOLE}   {number} {pad(name, 7)}{pad(who, 8)}{arrow} server{after}{paint(DIM, notes)}"


def _notes(name: str, line: PacketLine, seen: Sequence[PacketLine], start_ms: int) -> list[str]:
    """What else there is to say about one line of the figure."""
    notes = [f"as {line.packet}"] if line.packet != name else []
    notes += [SAID.get(line.note, line.note)] if line.note else []
    others = [other for other in seen if other is not line]
    return notes + [
        f"after {other.at_ms - start_ms} ms: {SAID.get(other.note, other.note) or 'again'}" for other in others
    ]


def _verdict(report: Report, paint: _Paint) -> str:
    count = len(report.messages)
    if report.good:
        words = f"{count} of {count} messages arrived exactly once, in order, every file whole"
        return f" {paint(GOOD, '✓')}  {paint(BOLD, words)}  ({report.seconds:.1f} s)   乾 ䷀"
    good = sum(message.good for message in report.messages)
    lines = [f" {paint(BAD, '✗')}  {good} of {count} messages are as they should be"]
    return "\n".join(lines + [paint(BAD, f"    {problem}") for problem in report.problems])


def pad(text: str, columns: int, painted: bool = False) -> str:
    """The text, filled up to so many columns of a terminal; a Chinese character takes two."""
    hidden = len(BOLD) + len(END) if painted else 0
    visible = width(text) - hidden
    return text + " " * max(0, columns - visible)


def width(text: str) -> int:
    """How many columns a text takes; combining marks take none."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def ordered(lines: Sequence[PacketLine]) -> list[PacketLine]:
    """Packets in the order of the journey, then of time."""
    known = [line for line in lines if line.stands_for in PACKETS]
    return sorted(known, key=lambda line: (PACKETS.index(line.stands_for), line.at_ms))
