"""What mutation begins with: every packet of the language, ordinary things, and the hostile ones of the fault list."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, get_args

import msgspec

from protocol import packets
from protocol.codec import write
from protocol.content import (
    Attachment,
    Content,
    File,
    Joined,
    Left,
    Opened,
    Picture,
    Text,
    Titled,
    Video,
    Voice,
    pack_notice,
)
from protocol.content import pack as pack_content
from protocol.values import ConvId, MediaId, Uid

AUTHOR, CONV = Uid("alice"), ConvId("c7")
DEPTHS = (15, 16, 17, 1_000, 100_000)
NUMBERS = (
    "0", "-0", "-1", "9007199254740991", "9007199254740992", "9007199254740993", "9223372036854775807",
    "9223372036854775808", "18446744073709551616", "1e308", "1e309", "1e-400", "1.0", "0.1", "01", "1" * 5_000,
    "NaN", "Infinity", "-Infinity",
)  # fmt: skip
TEXTS = (
    b'"\\ud800"', b'"\\udfff\\ud800"', b'"\\u0000"', b'"\xff"', b'"\xc0\xaf"', b'"\xed\xa0\x80"', b'"\xf5\x80\x80\x80"',
    '"\u202egpj.exe"'.encode(), '"\u2066a\u2069"'.encode(), b'"' + b"a" * 70_000 + b'"', b'"', b"null", b"[]", b"{}",
)  # fmt: skip


@cache
def frames(direction: object) -> tuple[bytes, ...]:
    """A whole frame of every packet of one direction, with every field set, and one of them all."""
    made = [_packet(kind) for kind in get_args(direction)]
    return (*(write([packet]) for packet in made), write(made))


def hostile_frames() -> list[bytes]:
    """F-44: what breaks readers of JSON."""
    deep = [b"[" * depth + b"]" * depth for depth in DEPTHS]
    deep += [b'[{"t":"ping","x":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}]" for depth in DEPTHS]
    numbers = [b'[{"t":"ack:R","conv":"c7","upto":%s}]' % number.encode() for number in NUMBERS]
    texts = [b'[{"t":"ack:R","conv":%s,"upto":1}]' % text for text in TEXTS]
    types = [b'[{"t":%s,"conv":"c7"}]' % text for text in (*TEXTS, b"1", b"true")]
    keys = [
        b'[{"t":"ping","x":"a","x":"b"}]', b'[{"t":"ping","t":"pong","x":"a"}]', b'[{"x":"a"}]', b"[1]", b"[[]]",
        b'{"t":"ping","x":"a"}', b"", b" ", b"[]", b"[,]", b"\xef\xbb\xbf[]", b'[{"t":"ping","x":"a"}]' * 2,
        b"[" + b",".join([b'{"t":"ping","x":"a"}'] * 65) + b"]", b'[{"t":"ping","x":"' + b"a" * 262_144 + b'"}]',
    ]  # fmt: skip
    return [*deep, *numbers, *texts, *types, *keys]


def contents() -> list[bytes]:
    """The inner envelope of every kind."""
    file = Attachment(MediaId("m1"), "ein Bild.jpg", "image/jpeg", 1_000, "a" * 64, 640, 480, 1_500, b"\xff\xd8", "x")
    bodies = (Text("words"), Picture(file, "look"), Voice(file), Video(file, "look"), File(file, "here"))
    made = [pack_content(Content(AUTHOR, CONV, b"12345678", 1_767_225_600_000, body)) for body in bodies]
    return [*made, *_every_body()]


def notices() -> list[bytes]:
    """What the server says, of every kind."""
    return [
        pack_notice(notice)
        for notice in (Opened("group", "All"), Joined(AUTHOR, "Alice"), Left(AUTHOR), Titled("Everybody"))
    ]


def hostile_contents() -> list[bytes]:
    """An envelope with something in it that does not belong there."""
    head, tail = b'{"author":"alice","conv":"c7","nonce":"MTIz","at_ms":', b',"body":{"kind":"text","text":'
    made = [head + number.encode() + tail + b'"a"}}' for number in NUMBERS]
    made += [head + b"1" + tail + text + b"}}" for text in TEXTS]
    made += [head + b"1" + tail + b"[" * depth + b"]" * depth + b"}}" for depth in DEPTHS]
    made += [head + b'1,"body":{"kind":' + text + b"}}" for text in (*TEXTS, b'"later"')]
    return made


def _every_body() -> list[bytes]:
    """Kinds that were added since; found by their type, so that a new one is never forgotten."""
    body = next(field for field in msgspec.structs.fields(Content) if field.name == "body")
    kinds = [kind for kind in get_args(body.type) if isinstance(kind, type)]
    outer = {"author": AUTHOR, "conv": CONV, "nonce": "MTIz", "at_ms": 1}
    return [json.dumps(outer | {"body": _fields(kind)}).encode() for kind in kinds]


# ------------------------------------------------------------------------------------- one of each type


def _packet(kind: Any) -> packets.Packet:
    made: packets.Packet = msgspec.convert(_fields(kind), kind)
    return made


def _fields(kind: Any) -> dict[str, Any]:
    config = kind.__struct_config__
    fields = {field.encode_name: _value(field.type) for field in msgspec.structs.fields(kind)}
    return fields | ({config.tag_field: config.tag} if config.tag_field else {})


def _value(shape: Any) -> Any:
    """Something of this type, as JSON would have it."""
    shape = msgspec.inspect.type_info(shape) if not isinstance(shape, msgspec.inspect.Type) else shape
    match shape:
        case msgspec.inspect.StructType(cls=cls):
            fields = _fields(cls)
            return list(fields.values()) if cls.__struct_config__.array_like else fields
        case msgspec.inspect.UnionType(types=types):
            return _value(next(one for one in types if not isinstance(one, msgspec.inspect.NoneType)))
        case msgspec.inspect.LiteralType(values=values):
            return values[-1]
        case msgspec.inspect.VarTupleType(item_type=item):
            return [_value(item), _value(item)]
        case msgspec.inspect.TupleType(item_types=items):
            return [_value(item) for item in items]
        case msgspec.inspect.DictType():
            return {"push_events": 256}
        case msgspec.inspect.BoolType():
            return True
        case msgspec.inspect.IntType() | msgspec.inspect.FloatType():
            return 7
        case msgspec.inspect.BytesType():
            return "MTIz"
    return "c7"
