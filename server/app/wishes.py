"""What people wish of conversations and of what they tell: done by the store, then told to whom it concerns."""

from __future__ import annotations

from typing import TypeAlias

from protocol.values import ConvId, Uid, Value
from server.core import effects as do
from server.core import events as on
from server.core.moves import Bell, PrefsBell
from server.core.values import Identity
from server.ports import Ring, Store

Wish: TypeAlias = do.Open | do.Change | do.Choose


class Granted(Value, frozen=True):
    """The answer to the one who wished, and the doorbells to ring behind it.

    `crowds` are conversations to be counted anew; who may be told about these `people` may have changed.
    """

    event: on.Event
    bells: tuple[Ring, ...] = ()
    crowds: tuple[ConvId, ...] = ()
    people: frozenset[Uid] = frozenset()


async def grant(store: Store, who: Identity, wish: Wish) -> Granted:
    """Do it, durably. Raises as the store."""
    match wish:
        case do.Open(packet):
            opened, bell = await store.open_conversation(who, packet)
            bells = () if bell is None else (bell,)
            return Granted(on.Opened(opened), bells, people=_heard(*bells))
        case do.Change(packet):
            changed = await store.change_group(who, packet)
            moved = packet.do in ("add", "remove", "leave")
            rung = tuple(bell for bell in changed.bells if moved and isinstance(bell, Bell))
            return Granted(on.Changed(changed.answer), changed.bells, changed.crowds, _heard(*rung))
        case do.Choose(prefs):
            chosen = await store.choose(who, prefs)
            told: tuple[Ring, ...] = (PrefsBell(chosen.prefs, (who.uid,)), *chosen.bells)
            return Granted(on.Chosen(chosen.prefs), told, chosen.crowds, frozenset({who.uid}))


def _heard(*bells: Bell) -> frozenset[Uid]:
    return frozenset(uid for bell in bells for uid in bell.members)
