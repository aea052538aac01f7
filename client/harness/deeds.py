"""Wishes about groups, hints and devices, done through the door; what came of them as plain fields."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from client.app.chat import Chat
from client.harness import wishes
from client.harness.fields import (
    Fields,
    bubble_fields,
    device_fields,
    me_fields,
    plain_fields,
    presence_fields,
    receipt_fields,
    seat_fields,
    spent_fields,
)
from protocol.values import Uid, replace

UidOf: TypeAlias = Callable[[str], Awaitable[Uid]]
"""Finds a person by name."""


async def do(chat: Chat, wish: wishes.AnyWish, uid_of: UidOf) -> Fields | None:
    """Do the wish, and return what came of it; None if it is not one of these."""
    if isinstance(wish, wishes.GroupWish):
        return await change_group(chat, wish, uid_of)
    if isinstance(wish, wishes.HintWish):
        return await hint(chat, wish, uid_of)
    if isinstance(wish, wishes.DataWish):
        return await data(chat, wish)
    return await devices(chat, wish) if isinstance(wish, wishes.DeviceWish) else None


async def data(chat: Chat, wish: wishes.DataWish) -> Fields:
    """What requests cost, and what is kept of files."""
    if isinstance(wish, wishes.Ledger):
        rows = [spent_fields(row) for row in await chat.spent(wish.conv, wish.limit)]
        return {"requests": rows, "days": [plain_fields(day) for day in await chat.spending()]}
    freed_bytes = await chat.storage.clear(wish.kind or None)
    return {"freed_bytes": freed_bytes, "sizes": await chat.storage.sizes()}


async def change_group(chat: Chat, wish: wishes.GroupWish, uid_of: UidOf) -> Fields:
    """Change a group; it is so when this returns."""
    match wish:
        case wishes.AddMembers(conv=conv, members=names):
            await chat.add_members(conv, [await uid_of(name) for name in names])
        case wishes.RemoveMember(conv=conv, member=name):
            await chat.remove_member(conv, await uid_of(name))
        case wishes.Leave(conv=conv):
            await chat.leave(conv)
        case wishes.Rename(conv=conv, title=title):
            await chat.rename_group(conv, title)
        case wishes.SetRole(conv=conv, member=name, role=role):
            await chat.set_role(conv, await uid_of(name), role)
    return {"conv": wish.conv}


async def hint(chat: Chat, wish: wishes.HintWish, uid_of: UidOf) -> Fields:
    """Tables, hints, and what others are told."""
    match wish:
        case wishes.Members(conv=conv):
            return {"conv": conv, "members": [seat_fields(seat) for seat in await chat.members(conv)]}
        case wishes.Receipts(lid=lid):
            return {"lid": lid, "receipts": [receipt_fields(receipt) for receipt in await chat.receipts(lid)]}
        case wishes.SetPrefs(receipts=receipts, presence=presence, typing=typing):
            wanted = {"receipts": receipts, "presence": presence, "typing": typing}
            chosen = {name: value for name, value in wanted.items() if value is not None}
            await chat.change_settings(replace(chat.settings, **chosen))
            return {name: getattr(chat.settings, name) for name in wanted}
        case wishes.Typing(conv=conv, doing=doing):
            chat.typing(conv, doing)
            return {"conv": conv}
        case wishes.Watch(people=names):
            uids = [await uid_of(name) for name in names]
            chat.watch(uids)
            return {"people": [presence_fields(chat.presence(uid)) for uid in uids]}


async def devices(chat: Chat, wish: wishes.DeviceWish) -> Fields:
    """This person's devices, and what one of them left over."""
    match wish:
        case wishes.DeviceCode():
            return {"code": await chat.device_code()}
        case wishes.Devices():
            return {"devices": [device_fields(device) for device in await chat.devices()]}
        case wishes.EndDevice(did=did):
            await chat.end_device(did)
            return {"did": did}
        case wishes.Join(invite=invite, name=name, server=server):
            where = server or (chat.me.server if chat.me else "")
            return {"me": me_fields(await chat.join(where, name, invite))}
        case wishes.LeftOver():
            return {"bubbles": [bubble_fields(bubble) for bubble in await chat.left_over()]}
        case wishes.TakeOver(lids=lids):
            return {"lids": await chat.take_over(lids)}
