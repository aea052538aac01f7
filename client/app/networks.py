"""Where this computer is, and what each network bears: noticed, told to the core, remembered for the next start (P-15).

A profile remembers networks by a keyed hash: whoever reads its folder does not learn where the person has been.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Callable

import msgspec

from client.core.events import Event, OnNetwork, Woken
from client.ports import NO_PLACE, Dice, Messages, Place
from protocol.keepalive import Pace
from protocol.limits import NETWORKS_MAX
from protocol.problems import Problem
from protocol.values import Value

log = logging.getLogger(__name__)

KEY = "networks"
LOOK_EVERY_S = 5.0
SALT_BYTES, NAME_BYTES = 16, 12


class Known(Value, frozen=True):
    """The setting: what was learned, by the hash of the network, the latest last."""

    salt: bytes = b""
    paces: dict[str, Pace] = {}


class Networks:
    """Looks every few seconds.

    Args:
        look: in which network this computer is now.
        post: to the core.
    """

    def __init__(
        self, messages: Messages, dice: Dice, look: Callable[[], Place], post: Callable[[Event], None]
    ) -> None:
        self._messages, self._dice, self._look, self._post = messages, dice, look, post
        self._known = Known()
        self._place = NO_PLACE
        self._cut_off = False

    async def load(self) -> None:
        """Read what is remembered; what cannot be read is learned again."""
        try:
            known = msgspec.json.decode((await self._messages.setting(KEY)) or "{}", type=Known)
        except (msgspec.DecodeError, Problem):
            known = Known()
        paces = {name: pace for name, pace in known.paces.items() if pace.sane}
        self._known = Known(known.salt or self._dice.bytes(SALT_BYTES), paces)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.look()

    def look(self) -> None:
        """Say it if this computer is elsewhere now, or is back. Being nowhere is no news: the line will say so."""
        place = self._look()
        if place == NO_PLACE:
            self._cut_off = True
        elif place != self._place or self._cut_off:
            self._place, self._cut_off = place, False
            log.info("= another network, or back in one")
            self.tell()
            self._post(Woken())

    def tell(self) -> None:
        """Tell the core, which may be a new one with another server, what the network of the moment bears."""
        place = self._look()
        if place != NO_PLACE:
            self._place = place
        self._post(OnNetwork(self._known.paces.get(self._name(), Pace())))

    async def learned(self, pace: Pace) -> None:
        """Remember it for this network. A disk that cannot keep it costs a few pings."""
        paces = {name: known for name, known in self._known.paces.items() if name != self._name()}
        paces[self._name()] = pace
        latest = dict(list(paces.items())[-NETWORKS_MAX:])
        self._known = Known(self._known.salt, latest)
        try:
            await self._messages.set_setting(KEY, msgspec.json.encode(self._known).decode())
        except Problem as problem:
            log.warning("! what was learned about a network is not kept: %s", problem.code)

    def _name(self) -> str:
        """The network of the moment, for nobody else to read."""
        return hmac.new(self._known.salt, self._place.network.encode(), hashlib.sha256).hexdigest()[: 2 * NAME_BYTES]
