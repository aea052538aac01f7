"""What a person may do in a group, and why not: the server decides, the screen only says it before (P-70)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from client.ui.words import problem_words, tr
from protocol.limits import MEMBERS_MAX
from protocol.packets import Seat
from protocol.problems import LastAdministrator, MembersTooMany, NotAdministrator
from protocol.values import Uid


@dataclass(frozen=True, slots=True)
class Rights:
    """Reasons why not; an empty one means: go ahead. `remove` and `rank` are about the chosen person."""

    add: str = ""
    rename: str = ""
    leave: str = ""
    remove: str = ""
    rank: str = ""
    ranked: bool = False


def rights(seats: Sequence[Seat], me: Uid, chosen: Uid, *, away: bool) -> Rights:
    """What `me` may do here, and to the person `chosen` (empty: to nobody)."""
    roles = {seat.uid: seat.role for seat in seats}
    if away:
        gone = tr("You are not in this group any more")
        return Rights(gone, gone, gone, gone, gone, bool(roles.get(chosen)))
    full = problem_words(MembersTooMany(limit=MEMBERS_MAX)) if len(seats) >= MEMBERS_MAX else ""
    nobody = tr("Choose a person first") if chosen not in roles else ""
    common = "" if roles.get(me) else problem_words(NotAdministrator())
    own = tr("That is you: leave the group instead") if chosen == me else ""
    administers = [uid for uid, role in roles.items() if role]
    last = problem_words(LastAdministrator()) if administers == [chosen] else ""
    return Rights(
        add=full, remove=nobody or common or own, rank=nobody or common or last, ranked=bool(roles.get(chosen))
    )
