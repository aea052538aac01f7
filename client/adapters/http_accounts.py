"""Joining a server and inviting others, the port `Accounts`."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from client.adapters.http_answers import bearer, new_client, reaching, refused
from client.adapters.http_ledger import Ledger, because
from client.core.model import Device, Me
from client.core.spending import Cause
from protocol.limits import DEVICES_MAX, NAME_MAX_CHARS
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


class _Code(msgspec.Struct, frozen=True):
    code: str


class _Listed(msgspec.Struct, frozen=True):
    did: str
    name: str = ""
    seen_ms: int = 0
    made_ms: int = 0
    here: bool = False


class _Devices(msgspec.Struct, frozen=True):
    devices: tuple[_Listed, ...]


class HttpAccounts:
    """Speaks to `/v1/join`, `/v1/invites` and `/v1/devices`. `close` last.

    Args:
        device: what this installation is called in the list of the person's devices.
        ledger: where each request is written down.
    """

    def __init__(self, device: str = "", ledger: Ledger | None = None) -> None:
        self._device, self._ledger = device, ledger or Ledger()
        self._client: httpx.AsyncClient | None = None

    async def join(self, server: str, name: str, invite: str, request: str) -> Me:
        """Become somebody there. The same `request` again is safe: a lost answer locks nobody out.

        Args:
            server: the address, such as `http://127.0.0.1:8787`.
            name: empty with a code for another device: the server knows whose it is.
            request: 22 random characters, kept until an answer came.

        Raises: InviteWrong, NameTaken, NameInvalid, ServerUnreachable, TransferInterrupted.
        """
        base = server_base(server)
        wish = {"name": name, "invite": invite.strip(), "request": request}
        if self._device:
            wish["device"] = self._device
        answer = await self._ask("join", "POST", base, "/v1/join", wish, {}, name=name)
        joined = _read(answer, _Joined, base)
        return Me(Uid(joined.uid), Did(joined.did), joined.name, joined.token, base)

    async def invite(self, me: Me) -> str:
        """A fresh invite code. Raises: SignInAgain, ServerUnreachable, TransferInterrupted."""
        answer = await self._ask("invite", "POST", me.server, "/v1/invites", None, bearer(me.token))
        return _read(answer, _Invited, me.server).invite

    async def device_code(self, me: Me) -> str:
        """A code for another device of this person: one use, ten minutes.

        Raises: DevicesFull, SignInAgain, ServerUnreachable, TransferInterrupted.
        """
        answer = await self._ask("device_code", "POST", me.server, "/v1/devices", None, bearer(me.token))
        return _read(answer, _Code, me.server).code

    async def devices(self, me: Me) -> list[Device]:
        """This person's devices. Raises: SignInAgain, ServerUnreachable, TransferInterrupted."""
        answer = await self._ask("devices", "GET", me.server, "/v1/devices", None, bearer(me.token))
        return [
            Device(Did(item.did), item.name, item.seen_ms, item.made_ms, item.here)
            for item in _read(answer, _Devices, me.server).devices
        ]

    async def end_device(self, me: Me, did: Did) -> None:
        """End one of them. Raises: SignInAgain, ServerUnreachable, TransferInterrupted."""
        path = f"/v1/devices/{quote(did, safe='')}"
        await self._ask("end_device", "DELETE", me.server, path, None, bearer(me.token))

    async def close(self) -> None:
        """Let go of the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _ask(
        self, cause: Cause, method: str, base: str, path: str, body: object, headers: dict[str, str], name: str = ""
    ) -> httpx.Response:
        if self._client is None:
            self._client = new_client(self._ledger)
        with reaching(base):
            why = because(cause)
            answer = await self._client.request(method, base + path, json=body, headers=headers, extensions=why)
        if answer.is_success:
            return answer
        limit = DEVICES_MAX if path == "/v1/devices" else NAME_MAX_CHARS
        problem = refused(answer, name=name, limit=limit, address=base)
        # What has no such route is no Hexagram server.
        raise ServerUnreachable(address=base) if isinstance(problem, MediaUnknown) else problem


def server_base(address: str) -> str:
    """The address as others of its kind are written: with a scheme, without a path. Raises ServerUnreachable."""
    text = address.strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
    except ValueError:
        raise ServerUnreachable(address=text) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ServerUnreachable(address=text)
    return f"{parts.scheme}://{parts.netloc}"


def _read(answer: httpx.Response, shape: type[T], base: str) -> T:
    try:
        return msgspec.json.decode(answer.content, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ServerUnreachable(address=base) from error
