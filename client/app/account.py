"""Whose profile this is, and on which server: joining, inviting others, and a server that has moved."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from client.core.model import Device, Me
from client.ports import Accounts, Dice, Messages
from protocol.codec import to_text
from protocol.problems import AddressInvalid, NotJoined
from protocol.values import Did, replace

SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
JOINING = "joining"
REQUEST_BYTES = 16


class Account:
    """`me` is the account as it is now; None until this profile has joined a server."""

    def __init__(self, accounts: Accounts, messages: Messages, dice: Dice) -> None:
        self.me: Me | None = None
        self._accounts, self._messages, self._dice = accounts, messages, dice

    def joined(self) -> Me:
        """The account. Raises NotJoined."""
        if self.me is None:
            raise NotJoined()
        return self.me

    async def join(self, server: str, name: str, invite: str) -> Me:
        """Become `name` on this server, or, with a code of theirs, another device of somebody: the name is theirs.

        Raises InviteWrong, NameTaken, NameInvalid, ServerUnreachable …
        """
        address = server_url(server)
        request = await self._request([address, name, invite])
        me = await self._accounts.join(address, name, invite, request)
        await self._messages.become(me)
        self.me = me
        return me

    async def invite(self) -> str:
        """A fresh invite code for somebody else."""
        return await self._accounts.invite(self.joined())

    async def device_code(self) -> str:
        """A code for another device of this person."""
        return await self._accounts.device_code(self.joined())

    async def devices(self) -> list[Device]:
        """This person's devices."""
        return await self._accounts.devices(self.joined())

    async def end_device(self, did: Did) -> None:
        """End one of them; its own profile keeps what it has."""
        await self._accounts.end_device(self.joined(), did)

    async def move(self, me: Me, server: str) -> bool:
        """Remember where the server of `me` is now; return whether that is another place. Raises AddressInvalid."""
        address = server_url(server)
        if me.server == address:
            return False
        await self._messages.become(replace(me, server=address))
        return True

    async def _request(self, wish: list[str]) -> str:
        """The same wish to join has the same request number, also after a crash: asking again is safe."""
        kept = json.loads(await self._messages.setting(JOINING) or "[]")
        if kept[:-1] == wish:
            return str(kept[-1])
        request = to_text(self._dice.bytes(REQUEST_BYTES))
        await self._messages.set_setting(JOINING, json.dumps([*wish, request]))
        return request


def server_url(address: str) -> str:
    """`http://host:port` for `host:port` and for the same with a scheme. Raises AddressInvalid."""
    text = address.strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port
    except ValueError:
        raise AddressInvalid(address=address) from None
    if parts.scheme not in SCHEMES or not parts.hostname or port == 0 or parts.path.strip("/"):
        raise AddressInvalid(address=address)
    if set("[]") & set(parts.hostname):  # of an address in brackets that is none of version 6
        raise AddressInvalid(address=address)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{SCHEMES[parts.scheme]}://{host}{'' if port is None else f':{port}'}"
