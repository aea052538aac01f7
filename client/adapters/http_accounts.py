"""Joining a server and inviting others, the port `Accounts`."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from client.adapters.http_answers import bearer, new_client, reaching, refused
from client.core.model import Me
from protocol.limits import NAME_MAX_CHARS
from protocol.problems import MediaUnknown, ServerUnreachable
from protocol.values import Did, Uid

T = TypeVar("T")


class _Joined(msgspec.Struct, frozen=True):
    uid: str
    did: str
    name: str
    token: str


class _Invited(msgspec.Struct, frozen=True):
    invite: str


class HttpAccounts:
    """Speaks to `/v1/join` and `/v1/invites`. `close` last."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def join(self, server: str, name: str, invite: str, request: str) -> Me:
        """Become somebody there. The same `request` again is safe: a lost answer locks nobody out.

        Args:
            server: the address, such as `http://127.0.0.1:8787`.
            request: 22 random characters, kept until an answer came.

        Raises: InviteWrong, NameTaken, NameInvalid, ServerUnreachable, TransferInterrupted.
        """
        base = server_base(server)
        wish = {"name": name, "invite": invite.strip(), "request": request}
        answer = await self._post(base, "/v1/join", wish, {}, name=name)
        joined = _read(answer, _Joined, base)
        return Me(Uid(joined.uid), Did(joined.did), joined.name, joined.token, base)

    async def invite(self, me: Me) -> str:
        """A fresh invite code. Raises: SignInAgain, ServerUnreachable, TransferInterrupted."""
        answer = await self._post(me.server, "/v1/invites", None, bearer(me.token))
        return _read(answer, _Invited, me.server).invite

    async def close(self) -> None:
        """Let go of the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _post(
        self, base: str, path: str, body: object, headers: dict[str, str], name: str = ""
    ) -> httpx.Response:
        if self._client is None:
            self._client = new_client()
        with reaching(base):
            answer = await self._client.post(base + path, json=body, headers=headers)
        if answer.status_code == 201:
            return answer
        problem = refused(answer, name=name, limit=NAME_MAX_CHARS, address=base)
        # What has no such route is no Hexagram server.
        raise ServerUnreachable(address=base) if isinstance(problem, MediaUnknown) else problem


def server_base(address: str) -> str:
    """The address as others of its kind are written: with a scheme, without a path. Raises ServerUnreachable."""
    text = address.strip()
    parts = urlsplit(text if "://" in text else f"http://{text}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ServerUnreachable(address=text)
    return f"{parts.scheme}://{parts.netloc}"


def _read(answer: httpx.Response, shape: type[T], base: str) -> T:
    try:
        return msgspec.json.decode(answer.content, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ServerUnreachable(address=base) from error
