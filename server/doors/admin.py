"""The way in for commands on this computer: whoever can read the data folder may ask (SEC-23)."""

from __future__ import annotations

import hmac
import logging

from aiohttp import web

from protocol.problems import SignInAgain
from server.doors.answers import bearer
from server.ports import Accounts

log = logging.getLogger(__name__)


class AdminRoutes:
    """`/admin/…`. A device token opens nothing here, and the secret opens nothing else."""

    def __init__(self, accounts: Accounts, secret: str) -> None:
        assert len(secret) >= 32, "an admin secret must not be guessable"
        self._accounts, self._secret = accounts, secret.encode()

    def routes(self) -> list[web.RouteDef]:
        """The addresses of this door."""
        return [web.post("/admin/invites", self.invite)]

    async def invite(self, request: web.Request) -> web.Response:
        """A fresh invite."""
        self._check(request)
        code = await self._accounts.new_invite()
        log.info("+ invite by the administrator")
        return web.json_response({"invite": code}, status=201)

    def _check(self, request: web.Request) -> None:
        if not hmac.compare_digest(bearer(request).encode(errors="replace"), self._secret):
            log.warning("an admin request without the right secret was refused")
            raise SignInAgain()
