"""Doorbells inside one process: a dictionary of sessions."""

from __future__ import annotations

from collections.abc import Sequence

from protocol.values import Did, Uid
from server.core.values import Identity
from server.ports import Listener, Ring


class LocalRoute:
    """Route and Presence for a server of one process."""

    def __init__(self) -> None:
        self._by_person: dict[Uid, dict[Listener, None]] = {}
        self._by_device: dict[Did, tuple[int, Listener]] = {}
        self._who: dict[Listener, Identity] = {}

    def attach(self, who: Identity, sn: int, listener: Listener) -> None:
        """The newest session of a device wins, in whatever order they come (P-13)."""
        other = self._by_device.get(who.did)
        if other is not None and other[0] > sn:
            listener.replaced(other[0])
            return
        self._by_device[who.did] = (sn, listener)
        self._who[listener] = who
        self._by_person.setdefault(who.uid, {})[listener] = None
        if other is not None:
            self.detach(other[1])
            other[1].replaced(sn)

    def detach(self, listener: Listener) -> None:
        who = self._who.pop(listener, None)
        if who is None:
            return
        sessions = self._by_person[who.uid]
        del sessions[listener]
        if not sessions:
            del self._by_person[who.uid]
        if self._by_device[who.did][1] is listener:
            del self._by_device[who.did]

    def publish(self, bell: Ring) -> None:
        for uid in bell.members:
            for listener in tuple(self._by_person.get(uid, ())):
                listener.ring(bell)

    def somebody_home(self, uids: Sequence[Uid], *, but: Uid) -> bool:
        return any(uid != but and uid in self._by_person for uid in uids)
