"""Joining with an invite, and inviting others."""

from __future__ import annotations

import logging

from aiohttp import web
from msgspec import Struct

from protocol.problems import InviteWrong
from server.app.logs import short
from server.doors.answers import json_body, signed_in
from server.doors.attempts import Attempts
from server.ports import Accounts

log = logging.getLogger(__name__)


class JoinWish(Struct, frozen=True):
    """`request` is a secret of the client's: asked again with the same one, the same place is given again.

    `device` is what the person calls this device.
    """

    name: str
    invite: str
    request: str = ""
    device: str = ""


class AccountsRoutes:
    """`/v1/join` and `/v1/invites`."""

    def __init__(self, accounts: Accounts, attempts: Attempts) -> None:
        self._accounts, self._attempts = accounts, attempts

    def routes(self) -> list[web.RouteDef]:
        """The addresses of this door."""
        return [web.post("/v1/join", self.join), web.post("/v1/invites", self.invite)]

    async def join(self, request: web.Request) -> web.Response:
        """Give a place to whoever holds an invite. The one route without a token."""
        wish = await json_body(request, JoinWish)
        address = request.remote or ""
        self._attempts.check(address)
        try:
            joined = await self._accounts.join(wish.name, wish.invite, wish.request, wish.device)
        except InviteWrong:
            self._attempts.failed(address)
            raise
        log.info("+ device %s of person %s joined", short(joined.did), short(joined.uid))
        place = {"uid": joined.uid, "did": joined.did, "name": joined.name, "token": joined.token}
        return web.json_response({**place, "server": "hexagram"}, status=201)

    async def invite(self, request: web.Request) -> web.Response:
        """A fresh invite, for anybody who is here already."""
        who = await signed_in(request, self._accounts)
        code = await self._accounts.new_invite()
        log.info("+ invite by person %s", short(who.uid))
        return web.json_response({"invite": code}, status=201)
