"""The devices of a person: a code for another one, the list, the end of one (P-62)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from protocol.problems import DeviceUnknown
from protocol.values import Did
from server.app.logs import short
from server.doors.answers import signed_in
from server.ports import Accounts

log = logging.getLogger(__name__)
DID_MAX = 2**63 - 1  # 63 bits (P-2)


class DevicesRoutes:
    """`/v1/devices`. `dismiss` ends the sessions of devices that are none any more."""

    def __init__(self, accounts: Accounts, dismiss: Callable[[], Awaitable[None]]) -> None:
        self._accounts, self._dismiss = accounts, dismiss

    def routes(self) -> list[web.RouteDef]:
        """The addresses of this door."""
        return [
            web.post("/v1/devices", self.invite),
            web.get("/v1/devices", self.list, allow_head=False),
            web.delete("/v1/devices/{did}", self.end),
        ]

    async def invite(self, request: web.Request) -> web.Response:
        """A code for another device of the one who asks."""
        who = await signed_in(request, self._accounts)
        code = await self._accounts.new_device_code(who)
        log.info("+ code for a device of person %s", short(who.uid))
        return web.json_response({"code": code}, status=201)

    async def list(self, request: web.Request) -> web.Response:
        """The devices of the one who asks; `here` is the one that asks."""
        who = await signed_in(request, self._accounts)
        found = [
            {"did": each.did, "name": each.name, "seen_ms": each.seen_ms, "made_ms": each.made_ms,
             "here": each.did == who.did}
            for each in await self._accounts.devices(who.uid)
        ]  # fmt: skip
        return web.json_response({"devices": found})

    async def end(self, request: web.Request) -> web.Response:
        """End a device of the one who asks, also the one that asks."""
        who = await signed_in(request, self._accounts)
        await self._accounts.end_device(who.uid, _did(request))
        log.info("- device of person %s ended", short(who.uid))
        await self._dismiss()
        return web.Response(status=204)


def _did(request: web.Request) -> Did:
    """The device that is meant. Raises: DeviceUnknown, for what cannot be one."""
    text = request.match_info["did"]
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(DID_MAX)) or int(text) > DID_MAX:
        raise DeviceUnknown()
    return Did(str(int(text)))
