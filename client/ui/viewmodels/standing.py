"""How far an own message got with each person, in words: the table behind “7 of 9”."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from client.core.model import Bubble, Presence, Receipt, State
from client.ui.plain import one_line
from client.ui.words import clock, list_time, same_day, tr
from protocol.packets import Seat
from protocol.values import Uid

TABLE_MAX = 32
"""In a larger conversation only counts are known; the table is asked for when the person wants it (P-52)."""


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One line of a list of people: name, a second line, words and an icon at the right."""

    uid: Uid
    name: str
    below: str = ""
    beside: str = ""
    icon: str = ""
    token: str = "text_2"
    online: bool = False
    chosen: bool | None = None

    @property
    def sentence(self) -> str:
        """The line for screen readers."""
        said = tr("chosen") if self.chosen else ""
        return ", ".join(filter(None, (one_line(self.name), said, self.below, self.beside)))


def when_words(ms: int, now_ms: int) -> str:
    """14:02 today, else the day as well; empty if unknown."""
    if not ms:
        return ""
    return clock(ms) if same_day(ms, now_ms) else f"{list_time(ms, now_ms)} {clock(ms)}"


def receipt_row(receipt: Receipt, now_ms: int) -> PersonRow:
    """One person: opened, on their device, or kept by the server, and since when at the latest."""
    if receipt.read:
        opened, arrived = when_words(receipt.read_ms, now_ms), when_words(receipt.delivered_ms, now_ms)
        below = tr("On their device {time}", time=arrived) if arrived else ""
        beside = tr("Opened {time}", time=opened) if opened else tr("Opened")
        return PersonRow(receipt.uid, receipt.name, below, beside, "mark_read", "tick_opened")
    if receipt.delivered:
        arrived = when_words(receipt.delivered_ms, now_ms)
        beside = tr("On their device {time}", time=arrived) if arrived else tr("On their device")
        return PersonRow(receipt.uid, receipt.name, "", beside, "mark_delivered", "tick_deliv")
    return PersonRow(receipt.uid, receipt.name, "", tr("The server keeps it"), "mark_stored", "tick_stored")


def receipt_rows(receipts: Sequence[Receipt], now_ms: int) -> list[PersonRow]:
    """Who has opened it first, then who has it, then the others; by name within."""
    order = sorted(receipts, key=lambda one: (not one.read, not one.delivered, one.name.casefold()))
    return [receipt_row(receipt, now_ms) for receipt in order]


def counts(bubble: Bubble, receipts: Sequence[Receipt] | None) -> tuple[int, int, int]:
    """How many have it, how many have opened it, and of how many: from the table if it is here."""
    if receipts:
        return sum(one.delivered for one in receipts), sum(one.read for one in receipts), len(receipts)
    if bubble.of:
        return bubble.delivered_to, bubble.read_by, bubble.of
    return int(bubble.state in (State.DELIVERED, State.READ)), int(bubble.state is State.READ), 1


def count_lines(bubble: Bubble, receipts: Sequence[Receipt] | None, *, reads: bool) -> list[tuple[str, str, str]]:
    """The summary: an icon, its colour's token, words."""
    delivered, read, of = counts(bubble, receipts)
    lines = [
        ("mark_accepted", "tick_sent", tr("On the server {time}", time=clock(bubble.ts)) if bubble.ts else ""),
        ("mark_delivered", "tick_deliv", tr("Delivered to {count} of {all}", count=delivered, all=of)),
    ]
    if reads:
        lines.append(("mark_read", "tick_opened", tr("Opened by {count} of {all}", count=read, all=of)))
    return [line for line in lines if line[2]]


def member_rows(
    seats: Sequence[Seat], me: Uid, presence: dict[Uid, Presence], words: dict[Uid, str]
) -> list[PersonRow]:
    """The people of a group: who administers it first, then by name; `words` say how near each is."""
    order = sorted(seats, key=lambda seat: (not seat.role, seat.uid != me, seat.name.casefold()))
    rows = []
    for seat in order:
        mine = seat.uid == me
        near = presence.get(seat.uid)
        rows.append(
            PersonRow(
                seat.uid,
                tr("{name} (you)", name=one_line(seat.name)) if mine else seat.name,
                "" if mine else words.get(seat.uid, ""),
                tr("administrator") if seat.role else "",
                online=bool(near and near.online),
            )
        )
    return rows
