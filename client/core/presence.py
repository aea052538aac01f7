"""Who is here: a hint for the eye, kept nowhere, and unknown without a session (section 24)."""

from __future__ import annotations

from collections.abc import Iterable

from client.core.effects import Output, PresenceKnown, Send
from client.core.events import Event, Internal, Said, SessionDown, SessionUp, Watch
from client.core.model import Presence
from protocol.limits import WATCHED_MAX
from protocol.packets import Here, PresenceN, PresenceR
from protocol.values import Uid


class Watcher:
    """The machine of presence: says whom this person looks at, again in every session."""

    def __init__(self) -> None:
        self._wire: int | None = None
        self._watched: tuple[Uid, ...] = ()
        self._known: dict[Uid, Presence] = {}

    def handle(self, event: Event | Internal, now_s: float) -> list[Output]:
        match event:
            case Watch(uids):
                return self._watch(tuple(dict.fromkeys(uids))[:WATCHED_MAX])
            case SessionUp(wire):
                self._wire = wire
                return self._say() if self._watched else []
            case SessionDown():
                self._wire = None
                return self._forget(list(self._known))
            case Said(packets):
                heard = [person for packet in packets if isinstance(packet, PresenceN) for person in packet.people]
                return self._learn(heard)
        return []

    def next_wakeup_s(self) -> float | None:
        """Never: nothing here depends on time."""
        return None

    def _watch(self, uids: tuple[Uid, ...]) -> list[Output]:
        if set(uids) == set(self._watched):
            return []
        self._watched = uids
        forgotten = self._forget([uid for uid in self._known if uid not in uids])
        return forgotten + self._say()

    def _say(self) -> list[Output]:
        return [] if self._wire is None else [Send(self._wire, (PresenceR(uids=self._watched),))]

    def _learn(self, people: Iterable[Here]) -> list[Output]:
        """A late word about somebody who is not watched any more is nobody's."""
        news = {here.uid: Presence(here.uid, here.online, here.seen_ms) for here in people if here.uid in self._watched}
        changed = tuple(person for uid, person in news.items() if self._known.get(uid) != person)
        self._known |= news
        return [PresenceKnown(changed)] if changed else []

    def _forget(self, uids: list[Uid]) -> list[Output]:
        for uid in uids:
            del self._known[uid]
        return [PresenceKnown(tuple(Presence(uid) for uid in uids))] if uids else []
