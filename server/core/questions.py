"""Questions that need nothing but the store: what is to be done about each, or why it is not."""

from __future__ import annotations

from typing import TypeAlias

from protocol.limits import MEMBERS_MAX, STATUS_KEYS_MAX, WATCHED_MAX
from protocol.packets import GroupA, GroupR, MembersR, Nack, OpenR, PeopleR, PrefsR, PresenceR, StatusR
from server.core import effects as do
from server.core.values import ID_MAX_CHARS

Question: TypeAlias = StatusR | PeopleR | OpenR | GroupR | MembersR | PrefsR | PresenceR
Refusal: TypeAlias = Nack | GroupA


def asked(packet: Question) -> do.Effect | Refusal:
    """What a question comes to. One with more or longer parts than there can be is refused."""
    match packet:
        case StatusR(keys):
            return do.ReadStates(keys) if 1 <= len(keys) <= STATUS_KEYS_MAX else Nack("packet")
        case PeopleR():
            return do.ReadPeople()
        case OpenR(x):
            return Nack("packet") if _too_long(x, *packet.uids) else do.Open(packet)
        case GroupR():
            return _group(packet)
        case MembersR(conv):
            return do.ReadMembers(conv)
        case PrefsR(prefs):
            return do.Choose(prefs)
        case _:
            return _watch(packet)


def _group(packet: GroupR) -> do.Effect | Refusal:
    if _too_long(packet.x, packet.conv, *packet.uids):
        return Nack("packet")
    if len(packet.uids) > MEMBERS_MAX:
        return GroupA(packet.x, packet.conv, "members_too_many")
    return do.Change(packet)


def _watch(packet: PresenceR) -> do.Effect | Refusal:
    if len(packet.uids) > WATCHED_MAX or _too_long(*packet.uids):
        return Nack("packet")
    return do.Watch(tuple(dict.fromkeys(packet.uids)))


def _too_long(*names: str) -> bool:
    return any(len(name) > ID_MAX_CHARS for name in names)
