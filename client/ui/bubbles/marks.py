"""The mark of an outgoing message: which icon, which colour, and what it means in words (nine states and four more)."""

from __future__ import annotations

from dataclasses import dataclass

from client.core.model import State
from client.ui.viewmodels.rows import Row
from client.ui.words import clock_s, isolate, plural, problem_words, size_pair, tr

QUIET_MS = 300
"""A sending mark appears only after this time, so that fast messages do not flicker."""
TRIES = 3


@dataclass(frozen=True, slots=True)
class Mark:
    """An icon of `resources/icons` (mark_…, or `ring` that is drawn) and the token of its colour."""

    icon: str
    token: str


MARKS = {
    State.UPLOADING: Mark("ring", "accent"),
    State.QUEUED: Mark("mark_queued", "tick_wait"),
    State.SENDING: Mark("mark_sending", "tick_wait"),
    State.ACCEPTED: Mark("mark_accepted", "tick_sent"),
    State.STORED: Mark("mark_stored", "tick_stored"),
    State.DELIVERED: Mark("mark_delivered", "tick_deliv"),
    State.READ: Mark("mark_read", "tick_opened"),
    State.CANCELLING: Mark("mark_cancelling", "tick_wait"),
    State.NEEDS_YOU: Mark("mark_needs_you", "tick_failed"),
    State.REFUSED: Mark("mark_refused", "tick_failed"),
    State.CANCELLED: Mark("mark_cancelled", "tick_wait"),
    State.LONG_AGO: Mark("mark_long_ago", "tick_wait"),
}
CHANGING = Mark("mark_queued", "tick_wait")
RETRY = Mark("mark_retry", "tick_wait")
STOPPED = Mark("mark_queued", "tick_wait")


def mark_of(row: Row) -> Mark | None:
    """The mark of an own message; other people's have none."""
    bubble = row.bubble
    if row.waiting_change and (bubble.mine or bubble.recalled):
        return CHANGING
    if not bubble.mine or row.system:
        return None
    if bubble.state is State.SENDING and bubble.tries > 1:
        return RETRY
    if bubble.state is State.UPLOADING and bubble.code:
        return STOPPED
    return MARKS.get(bubble.state)


def settled(row: Row) -> bool:
    """Whether the message has arrived, so that a run may leave its mark out."""
    if row.waiting_change or row.stuck_change:
        return False
    return not row.bubble.mine or row.bubble.state in (State.DELIVERED, State.READ)


def short_words(row: Row) -> str:
    """One or two words for the sentence that a screen reader says."""
    return {
        State.UPLOADING: tr("uploading"),
        State.QUEUED: tr("waiting for a connection"),
        State.SENDING: tr("sending"),
        State.ACCEPTED: tr("on the server"),
        State.STORED: tr("kept on the server"),
        State.DELIVERED: tr("delivered"),
        State.READ: tr("opened"),
        State.CANCELLING: tr("cancelling"),
        State.NEEDS_YOU: tr("not confirmed"),
        State.REFUSED: tr("refused"),
        State.CANCELLED: tr("cancelled"),
        State.LONG_AGO: tr("sent long ago"),
    }.get(row.bubble.state, "")


def long_words(row: Row, now_s: float) -> str:
    """The whole story of the mark, for its tool tip."""
    bubble = row.bubble
    if row.waiting_change:
        return tr("The change waits until the server has taken it")
    if bubble.state in (State.UPLOADING, State.SENDING):
        return _on_its_way(row, now_s)
    if row.form == "group" and bubble.state in (State.ACCEPTED, State.STORED, State.DELIVERED, State.READ):
        return _in_a_group(row)
    peer = isolate(row.peer or row.sender)
    if bubble.state is State.REFUSED and bubble.code:
        return problem_words(bubble.code)
    return {
        State.QUEUED: tr("Waiting for a connection"),
        State.ACCEPTED: tr("On the server {time}", time=clock_s(bubble.ts)),
        State.STORED: tr("{name} is offline. The server keeps it", name=peer),
        State.DELIVERED: _since(tr("On {name}'s device", name=peer), bubble.delivered_ms),
        State.READ: _since(tr("Opened by {name}", name=peer), bubble.read_ms),
        State.CANCELLING: tr("Cancelling. It may still arrive"),
        State.NEEDS_YOU: tr("Not confirmed. Click to decide"),
        State.REFUSED: tr("The server refused it"),
        State.CANCELLED: tr("Cancelled. Nobody has it"),
        State.LONG_AGO: tr("Sent so long ago that the server no longer knows about it"),
    }.get(bubble.state, "")


def _since(words: str, at_ms: int) -> str:
    """With the time at which it was so at the latest, if that is known."""
    return tr("{what} {time}", what=words, time=clock_s(at_ms)) if at_ms else words


def count_words(row: Row) -> str:
    """“7 of 9” in the bubble of a group: how many have an own message, and then how many have opened it."""
    bubble = row.bubble
    if row.form != "group" or not bubble.mine or bubble.of < 2 or bubble.read_by >= bubble.of:
        return ""
    if bubble.state in (State.ACCEPTED, State.STORED):
        return tr("{count} of {all}", count=bubble.delivered_to, all=bubble.of) if bubble.delivered_to else ""
    if bubble.state is State.DELIVERED and bubble.read_by:
        return tr("{count} of {all} opened", count=bubble.read_by, all=bubble.of)
    return ""


def _on_its_way(row: Row, now_s: float) -> str:
    bubble, progress = row.bubble, row.progress
    if bubble.state is State.UPLOADING:
        if bubble.code:
            return problem_words(bubble.code)
        if progress is None:
            return tr("Uploading")
        return tr("Uploading {sizes}", sizes=size_pair(progress.done_bytes, progress.total_bytes))
    wait_s = round(bubble.due_s - now_s)
    if bubble.tries > 1 and wait_s > 0:
        return plural(
            "Next try in {count} second ({number} of {all})",
            "Next try in {count} seconds ({number} of {all})",
            wait_s, number=min(bubble.tries + 1, TRIES), all=TRIES,
        )  # fmt: skip
    return tr("Sending, try {number}", number=max(1, bubble.tries))


def _in_a_group(row: Row) -> str:
    bubble = row.bubble
    if not bubble.of:
        return tr("On the server {time}", time=clock_s(bubble.ts))
    return tr(
        "{delivered} of {all} delivered, {read} opened",
        delivered=bubble.delivered_to, all=bubble.of, read=bubble.read_by,
    )  # fmt: skip
