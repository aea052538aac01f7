"""What a wish to change a group comes to: the events that are still to be written, or why not (P-59, P-70).

A pure function of what the store found; it calls it inside T1, with the conversation locked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from protocol.content import Joined, Left, Notice, Ranked, Titled
from protocol.limits import MEMBERS_MAX
from protocol.packets import GroupR
from protocol.problems import NameInvalid
from protocol.values import Name, Uid, Value
from server.core.names import tidy_name
from server.core.rights import ADMINISTRATOR, NOBODY, Standing, may_change


class Group(Value, frozen=True):
    """A conversation as a wish to change it finds it; `mlv` counts its changes."""

    form: str
    title: Name
    mlv: int
    standings: Mapping[Uid, Standing]

    def standing(self, uid: Uid) -> Standing:
        """How this person stands here."""
        return self.standings.get(uid, NOBODY)

    @property
    def members(self) -> dict[Uid, Standing]:
        """Who is here now."""
        return {uid: standing for uid, standing in self.standings.items() if standing.current}


class Refused(Value, frozen=True):
    """Nothing is changed; `code` says why."""

    code: str


def changes(who: Uid, wish: GroupR, group: Group, names: Mapping[Uid, Name]) -> tuple[Notice, ...] | Refused:
    """The events that make it so; none if it is so already. `names` are those of the people that the wish names."""
    what = "leave" if wish.do == "remove" and set(wish.uids) == {who} else wish.do
    standing = group.standing(who)
    code = may_change(what, standing, group.form)
    if code in ("unknown_conversation", "group_only"):
        return Refused(code)
    if not standing.current:
        return () if what == "leave" else Refused(code)
    made = _MAKERS[what](who, wish, group, names)
    return Refused(code) if code and made and not isinstance(made, Refused) else made


def _added(who: Uid, wish: GroupR, group: Group, names: Mapping[Uid, Name]) -> tuple[Notice, ...] | Refused:
    missing = [uid for uid in dict.fromkeys(wish.uids) if not group.standing(uid).current]
    if any(uid not in names for uid in missing):
        return Refused("unknown_person")
    if len(group.members) + len(missing) > MEMBERS_MAX:
        return Refused("members_too_many")
    return tuple(Joined(uid, names[uid], 0, who, group.mlv + 1) for uid in missing)


def _removed(who: Uid, wish: GroupR, group: Group, _: Mapping[Uid, Name]) -> tuple[Notice, ...]:
    leaving = [uid for uid in dict.fromkeys(wish.uids) if group.standing(uid).current]
    return _gone(who, leaving, group)


def _left(who: Uid, _wish: GroupR, group: Group, _: Mapping[Uid, Name]) -> tuple[Notice, ...]:
    return _gone(who, [who], group)


def _gone(who: Uid, leaving: Iterable[Uid], group: Group) -> tuple[Notice, ...]:
    """They leave; if nobody is left who administers, the member of longest standing does."""
    gone = tuple(Left(uid, Uid("") if uid == who else who, group.mlv + 1) for uid in leaving)
    staying = {uid: standing for uid, standing in group.members.items() if uid not in {left.uid for left in gone}}
    if not gone or not staying or any(standing.role >= ADMINISTRATOR for standing in staying.values()):
        return gone
    heir = min(staying, key=lambda uid: (staying[uid].spans[-1][0], uid))
    return (*gone, Ranked(heir, ADMINISTRATOR, Uid(""), group.mlv + 1))


def _titled(who: Uid, wish: GroupR, group: Group, _: Mapping[Uid, Name]) -> tuple[Notice, ...] | Refused:
    try:
        title = tidy_name(wish.title)
    except NameInvalid as problem:
        return Refused(problem.code)
    return () if title == group.title else (Titled(title, who, group.mlv + 1),)


def _ranked(who: Uid, wish: GroupR, group: Group, _: Mapping[Uid, Name]) -> tuple[Notice, ...] | Refused:
    """A group is never without somebody who administers: the last one names another first."""
    members, uids = group.members, tuple(dict.fromkeys(wish.uids))
    if any(uid not in members for uid in uids):
        return Refused("unknown_person")
    role = min(wish.role, ADMINISTRATOR)
    others = (standing for uid, standing in members.items() if uid not in uids)
    changed = tuple(Ranked(uid, role, who, group.mlv + 1) for uid in uids if members[uid].role != role)
    if changed and not role and not any(standing.role >= ADMINISTRATOR for standing in others):
        return Refused("last_administrator")
    return changed


_MAKERS = {"add": _added, "remove": _removed, "leave": _left, "rename": _titled, "role": _ranked}
