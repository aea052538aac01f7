"""Golden bytes of every packet of version 1 (P-82): what was once released is read and written like this for ever."""

from __future__ import annotations

import pytest

from protocol import packets
from protocol.codec import Codec, from_client, from_server, write
from protocol.packets import (
    AckA,
    AckN,
    AckR,
    Crowd,
    Event,
    FromClient,
    FromServer,
    Gap,
    GroupA,
    GroupR,
    Head,
    HeadsA,
    HeadsR,
    Hello,
    Here,
    Mark,
    MembersA,
    MembersR,
    MsgA,
    MsgN,
    MsgR,
    Nack,
    OfflineA,
    OfflineAckR,
    OfflineR,
    OpenA,
    OpenR,
    Packet,
    PeopleA,
    PeopleR,
    Person,
    Ping,
    Pong,
    Prefs,
    PrefsA,
    PrefsR,
    PresenceN,
    PresenceR,
    ReadR,
    Relation,
    Seat,
    Status,
    StatusA,
    StatusKey,
    StatusR,
    Step,
    TypingN,
    TypingR,
    VoidA,
    VoidR,
    Welcome,
)
from protocol.values import ConvId, Did, Digest, MediaId, Uid

C, ZK, U8 = ConvId("c7"), Digest("Zk3q"), Digest("u81x")
EVENT = Event(910, 1767225600123, Uid("a1"), Did("77"), 42, U8, "plain1", "eyJ")
RECALL = Event(
    911, 1767225600124, Uid("a1"), Did("77"), 43, ZK, "plain1", "eyJ", (MediaId("m1"),), Relation("recall", 910)
)
MARK = Mark(Uid("b2"), 910, 874)

CLIENT: list[tuple[Packet, str]] = [
    (
        Hello((1, 2), "secret", ("x",), "3-aa", "sum", ("must",), 60),
        '{"t":"hello","v":[1,2],"token":"secret","feat":["x"],"gen":"3-aa","sum":"sum","crit":["must"],"every_s":60}',
    ),
    (Hello((1, 1), "secret"), '{"t":"hello","v":[1,1],"token":"secret"}'),
    (
        MsgR(C, 42, ZK, U8, "plain1", "eyJ", (MediaId("m1"),), Relation("edit", 7), 3),
        '{"t":"msg:R","conv":"c7","n":42,"pd":"Zk3q","dg":"u81x","content":"eyJ","media":["m1"],'
        '"rel":{"kind":"edit","pos":7},"mlv":3}',
    ),
    (MsgR(C, 42, ZK, U8, probe=True), '{"t":"msg:R","conv":"c7","n":42,"pd":"Zk3q","dg":"u81x","probe":true}'),
    (VoidR(C, 42, ZK, U8), '{"t":"void:R","conv":"c7","n":42,"pd":"Zk3q","dg":"u81x"}'),
    (AckR(C, 910), '{"t":"ack:R","conv":"c7","upto":910}'),
    (OfflineR(C, 908, 55, 100), '{"t":"offline:R","conv":"c7","after":908,"rev":55,"limit":100}'),
    (OfflineR(C, 908), '{"t":"offline:R","conv":"c7","after":908}'),
    (OfflineAckR(C, 910), '{"t":"offlineack:R","conv":"c7","upto":910}'),
    (HeadsR("sum"), '{"t":"heads:R","sum":"sum"}'),
    (HeadsR(), '{"t":"heads:R"}'),
    (ReadR(C, 874), '{"t":"read:R","conv":"c7","upto":874}'),
    (StatusR((StatusKey(C, 42, U8),)), '{"t":"status:R","keys":[["c7",42,"u81x"]]}'),
    (PeopleR(), '{"t":"people:R"}'),
    (OpenR("x1", (Uid("b2"),)), '{"t":"open:R","x":"x1","uids":["b2"]}'),
    (
        OpenR("x1", (Uid("b2"),), "group", "Walks"),
        '{"t":"open:R","x":"x1","uids":["b2"],"kind":"group","title":"Walks"}',
    ),
    (OfflineR(C, 0, history=True), '{"t":"offline:R","conv":"c7","after":0,"history":true}'),
    (GroupR("x1", C, "add", (Uid("b2"),)), '{"t":"group:R","x":"x1","conv":"c7","do":"add","uids":["b2"]}'),
    (GroupR("x1", C, "rename", title="Walks"), '{"t":"group:R","x":"x1","conv":"c7","do":"rename","title":"Walks"}'),
    (
        GroupR("x1", C, "role", (Uid("b2"),), role=1),
        '{"t":"group:R","x":"x1","conv":"c7","do":"role","uids":["b2"],"role":1}',
    ),
    (MembersR(C), '{"t":"members:R","conv":"c7"}'),
    (TypingR(C), '{"t":"typing:R","conv":"c7"}'),
    (TypingR(C, "voice"), '{"t":"typing:R","conv":"c7","doing":"voice"}'),
    (PresenceR((Uid("b2"),)), '{"t":"presence:R","uids":["b2"]}'),
    (PrefsR(Prefs(False, True)), '{"t":"prefs:R","prefs":{"reads":false,"presence":true}}'),
    (Ping("AAAAAAAAAAE"), '{"t":"ping","x":"AAAAAAAAAAE"}'),
    (Pong("AAAAAAAAAAE"), '{"t":"pong","x":"AAAAAAAAAAE"}'),
]

SERVER: list[tuple[Packet, str]] = [
    (
        Welcome(
            1, 4, "3-aa", 1767225600123, Uid("a1"), Did("77"), "Ann", ("x",), {"rows": 5}, heads=(Head(C, 910, 55, 2),)
        ),
        '{"t":"welcome","v":1,"sn":4,"gen":"3-aa","ts":1767225600123,"uid":"a1","did":"77","name":"Ann","feat":["x"],'
        '"limits":{"rows":5},"heads":[["c7",910,55,2]]}',
    ),
    (
        Welcome(1, 4, "3-aa", 5, Uid("a1"), Did("77"), "Ann", same=True),
        '{"t":"welcome","v":1,"sn":4,"gen":"3-aa","ts":5,"uid":"a1","did":"77","name":"Ann","same":true}',
    ),
    (
        MsgA(C, 42, 910, U8, 1767225600123, 42, U8),
        '{"t":"msg:A","conv":"c7","n":42,"pos":910,"dg":"u81x","ts":1767225600123,"last":42,"ld":"u81x"}',
    ),
    (
        MsgA(C, 2, 0, Digest(""), 0, 42, U8, gone=True),
        '{"t":"msg:A","conv":"c7","n":2,"pos":0,"dg":"","ts":0,"last":42,"ld":"u81x","gone":true}',
    ),
    (VoidA(C, 42, U8, 42, U8), '{"t":"void:A","conv":"c7","n":42,"dg":"u81x","last":42,"ld":"u81x"}'),
    (
        Nack("order", C, 44, last=42, ld=U8),
        '{"t":"nack","code":"order","conv":"c7","n":44,"last":42,"ld":"u81x"}',
    ),
    (
        Nack("not_member", C, 44, ZK, True, 44, ZK),
        '{"t":"nack","code":"not_member","conv":"c7","n":44,"dg":"Zk3q","final":true,"last":44,"ld":"Zk3q"}',
    ),
    (
        Nack("busy", C, 44, ZK, retry_ms=1000),
        '{"t":"nack","code":"busy","conv":"c7","n":44,"dg":"Zk3q","retry_ms":1000}',
    ),
    (Nack("unknown_type"), '{"t":"nack","code":"unknown_type"}'),
    (
        MsgN(C, 908, 911, 911, (EVENT, RECALL), (Gap(909, 909, "expired"),)),
        '{"t":"msg:N","conv":"c7","from":908,"to":911,"head":911,"events":['
        '{"pos":910,"ts":1767225600123,"uid":"a1","did":"77","n":42,"dg":"u81x","suite":"plain1","content":"eyJ"},'
        '{"pos":911,"ts":1767225600124,"uid":"a1","did":"77","n":43,"dg":"Zk3q","suite":"plain1","content":"eyJ",'
        '"media":["m1"],"rel":{"kind":"recall","pos":910}}],"gaps":[[909,909,"expired"]]}',
    ),
    (AckA(C, 910), '{"t":"ack:A","conv":"c7","upto":910}'),
    (
        AckN(C, 55, 56, (MARK,)),
        '{"t":"ack:N","conv":"c7","from":55,"to":56,"marks":[{"by":"b2","delivered":910,"read":874}]}',
    ),
    (AckN(C, n=42, pos=910, stored="offline"), '{"t":"ack:N","conv":"c7","n":42,"pos":910,"stored":"offline"}'),
    (
        OfflineA(C, 908, 910, 910, (EVENT,), (Gap(909, 909, "expired"),), 55, 56, (MARK,)),
        '{"t":"offline:A","conv":"c7","from":908,"to":910,"head":910,"events":['
        '{"pos":910,"ts":1767225600123,"uid":"a1","did":"77","n":42,"dg":"u81x","suite":"plain1","content":"eyJ"}],'
        '"gaps":[[909,909,"expired"]],"rev_from":55,"rev_to":56,"marks":[{"by":"b2","delivered":910,"read":874}]}',
    ),
    (HeadsA(same=True), '{"t":"heads:A","same":true}'),
    (HeadsA(heads=(Head(C, 910, 55),)), '{"t":"heads:A","heads":[["c7",910,55,0]]}'),
    (
        StatusA(
            (Status(C, 42, U8, "delivered", 42, U8, 910, 5, 910, 874), Status(C, 43, ZK, "refused", code="blocked"))
        ),
        '{"t":"status:A","states":[{"conv":"c7","n":42,"dg":"u81x","is":"delivered","last":42,"ld":"u81x","pos":910,'
        '"ts":5,"delivered":910,"read":874},{"conv":"c7","n":43,"dg":"Zk3q","is":"refused","code":"blocked"}]}',
    ),
    (PeopleA((Person(Uid("b2"), "Bob"),)), '{"t":"people:A","people":[{"uid":"b2","name":"Bob"}]}'),
    (OpenA("x1", C), '{"t":"open:A","x":"x1","conv":"c7"}'),
    (OpenA("x1", code="unknown_person"), '{"t":"open:A","x":"x1","code":"unknown_person"}'),
    (
        Welcome(1, 4, "3-aa", 5, Uid("a1"), Did("77"), "Ann", same=True, prefs=Prefs(False, False)),
        '{"t":"welcome","v":1,"sn":4,"gen":"3-aa","ts":5,"uid":"a1","did":"77","name":"Ann","same":true,'
        '"prefs":{"reads":false,"presence":false}}',
    ),
    (
        AckN(C, 55, 56, (Mark(Uid("b2"), 910, 874, 7, 8),)),
        '{"t":"ack:N","conv":"c7","from":55,"to":56,"marks":'
        '[{"by":"b2","delivered":910,"read":874,"delivered_ms":7,"read_ms":8}]}',
    ),
    (
        AckN(C, 0, 56, crowd=Crowd(40, (Step(910, 3), Step(900, 40)), (Step(874, 2),))),
        '{"t":"ack:N","conv":"c7","to":56,"crowd":{"of":40,"delivered":[[910,3],[900,40]],"read":[[874,2]]}}',
    ),
    (
        OfflineA(C, 0, 907, 910, (), (Gap(1, 907, "before_device"),), history=True),
        '{"t":"offline:A","conv":"c7","from":0,"to":907,"head":910,"gaps":[[1,907,"before_device"]],"history":true}',
    ),
    (GroupA("x1", C), '{"t":"group:A","x":"x1","conv":"c7"}'),
    (GroupA("x1", C, "not_member"), '{"t":"group:A","x":"x1","conv":"c7","code":"not_member"}'),
    (
        MembersA(C, (Seat(Uid("a1"), "Ann", 1), Seat(Uid("b2"), "Bob", 0, 910, 874, 7, 8)), head=912),
        '{"t":"members:A","conv":"c7","members":[{"uid":"a1","name":"Ann","role":1},{"uid":"b2","name":"Bob",'
        '"delivered":910,"read":874,"delivered_ms":7,"read_ms":8}],"head":912}',
    ),
    (TypingN(C, Uid("b2"), "voice"), '{"t":"typing:N","conv":"c7","uid":"b2","doing":"voice"}'),
    (
        PresenceN((Here(Uid("b2"), True), Here(Uid("c3"), seen_ms=5))),
        '{"t":"presence:N","people":[{"uid":"b2","online":true},{"uid":"c3","seen_ms":5}]}',
    ),
    (PrefsA(Prefs()), '{"t":"prefs:A","prefs":{"reads":true,"presence":true}}'),
    (Ping("AAAAAAAAAAE"), '{"t":"ping","x":"AAAAAAAAAAE"}'),
    (Pong("AAAAAAAAAAE"), '{"t":"pong","x":"AAAAAAAAAAE"}'),
]

CASES = [(from_client, *case) for case in CLIENT] + [(from_server, *case) for case in SERVER]


@pytest.mark.parametrize(
    ("codec", "packet", "golden"), CASES, ids=lambda case: case[:24] if isinstance(case, str) else ""
)
def test_golden_bytes(codec: Codec[Packet], packet: Packet, golden: str) -> None:
    assert write([packet]) == f"[{golden}]".encode()
    assert codec.read(f"[{golden}]") == [packet]


def test_every_packet_has_golden_bytes() -> None:
    assert {type(packet) for packet, _ in CLIENT} == set(FromClient.__args__)  # type: ignore[attr-defined]
    assert {type(packet) for packet, _ in SERVER} == set(FromServer.__args__)  # type: ignore[attr-defined]
    named = {kind for kind in vars(packets).values() if isinstance(kind, type) and issubclass(kind, Packet)}
    assert named - {Packet} == {type(packet) for _, packet, _ in CASES}


def test_the_two_kinds_of_ack_never_mix() -> None:
    assert AckN(C, n=42, pos=910, stored="offline").forged
    assert not AckN(C, 55, 56, (MARK,)).forged


def test_nobody_can_change_a_packet() -> None:
    with pytest.raises(AttributeError):
        AckR(C, 1).upto = 2  # type: ignore[misc]
