"""Who is here, who wants to know, and what they are told next: hints, joined so that flapping lines do not storm.

A pure machine over keys of sessions. It knows nothing of permissions: who may be told about whom comes with `watch`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from protocol.packets import Here
from protocol.values import Uid, Value

TOLD_AT_ONCE = 10_000  # words about people in one turn; the rest waits for the next one
K = TypeVar("K")


class Known(Value, frozen=True):
    """Somebody about whom one may be told: shares a current conversation, and both allow it.

    `seen_ms` is when a device of that person was last known to be here.
    """

    uid: Uid
    seen_ms: int


class _Watch:
    """One session's watch: whom it asked about, and what it was told of each it may hear of."""

    __slots__ = ("asked", "told")

    def __init__(self, asked: tuple[Uid, ...]) -> None:
        self.asked = asked
        self.told: dict[Uid, Here] = {}


class Board(Generic[K]):
    """Sessions of people, and watches over them. `K` names a session; order is kept, so that a seed replays."""

    def __init__(self) -> None:
        self._sessions: dict[Uid, int] = {}
        self._watches: dict[K, _Watch] = {}
        self._watchers: dict[Uid, dict[K, None]] = {}
        self._left_ms: dict[Uid, int] = {}
        self._changed: dict[Uid, None] = {}

    def came(self, uid: Uid) -> None:
        """A session of this person began."""
        self._sessions[uid] = self._sessions.get(uid, 0) + 1
        self._note(uid)

    def went(self, uid: Uid, now_ms: int) -> None:
        """A session of this person ended."""
        left = self._sessions[uid] - 1
        if left:
            self._sessions[uid] = left
            return
        del self._sessions[uid]
        if uid in self._watchers:
            self._left_ms[uid] = now_ms
        self._note(uid)

    def watch(self, key: K, asked: tuple[Uid, ...], known: Iterable[Known]) -> tuple[Here, ...]:
        """From now on this session hears of those it asked about as far as they are `known`, and of no others.

        The answer has a word on each asked one; of a stranger it says what it would say of nobody.
        """
        self._drop(key)
        watch = self._watches[key] = _Watch(asked)
        for each in known:
            watch.told[each.uid] = self._here(each.uid, each.seen_ms)
            self._watchers.setdefault(each.uid, {})[key] = None
        return tuple(watch.told.get(uid) or Here(uid) for uid in asked)

    def unwatch(self, key: K) -> None:
        """This session wants to hear nothing any more."""
        self._drop(key)
        self._watches.pop(key, None)

    def asked(self, key: K) -> tuple[Uid, ...]:
        """Whom this session asked about last."""
        watch = self._watches.get(key)
        return watch.asked if watch else ()

    def again(self, key: K, known: Iterable[Known]) -> tuple[Here, ...]:
        """What this session may hear has changed: what it is to be told now that it was not told before."""
        watch = self._watches.get(key)
        if watch is None:
            return ()
        before = {uid: watch.told.get(uid) or Here(uid) for uid in watch.asked}
        return tuple(here for here in self.watch(key, watch.asked, known) if here != before[here.uid])

    def due(self) -> list[tuple[K, tuple[Here, ...]]]:
        """What changed since the last time, for each session that is to hear of it; somebody who came and went is
        where they were. What is too much for one turn waits for the next."""
        words: dict[K, list[Here]] = {}
        told = 0
        while self._changed and told < TOLD_AT_ONCE:
            uid = next(iter(self._changed))
            del self._changed[uid]
            told += self._tell(uid, words)
        return [(key, tuple(some)) for key, some in words.items()]

    def _tell(self, uid: Uid, words: dict[K, list[Here]]) -> int:
        here, watchers = self._here(uid, 0), self._watchers[uid]
        for key in watchers:
            told = self._watches[key].told
            if told[uid].online != here.online:
                told[uid] = here
                words.setdefault(key, []).append(here)
        if uid not in self._sessions:
            self._left_ms.pop(uid, None)
        return 1 + len(watchers)

    def _here(self, uid: Uid, seen_ms: int) -> Here:
        if uid in self._sessions:
            return Here(uid, online=True)
        return Here(uid, seen_ms=max(seen_ms, self._left_ms.get(uid, 0)))

    def _note(self, uid: Uid) -> None:
        """What nobody watches is no news."""
        if uid in self._watchers:
            self._changed[uid] = None

    def _drop(self, key: K) -> None:
        watch = self._watches.get(key)
        for uid in watch.told if watch else ():
            watchers = self._watchers[uid]
            del watchers[key]
            if not watchers:
                del self._watchers[uid]
                self._left_ms.pop(uid, None)
                self._changed.pop(uid, None)
