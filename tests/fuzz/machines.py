"""The two cores in a session, fed with whatever a hostile other side might say: nothing may be raised, ever."""

from __future__ import annotations

from collections.abc import Callable

from client.core import effects as wanted
from client.core.engine import Engine
from client.core.events import Dial, Received, Tick, WireUp
from client.core.model import Accepted, Lane, Me, Member, Memory, Room, Row
from protocol.codec import from_client, from_server
from protocol.ladder import Ladder
from protocol.lanes import digest
from protocol.packets import Head, Hello, Welcome
from protocol.values import ConvId, Did, Digest, Lid, Token, Uid
from server.core import effects as do
from server.core import events as on
from server.core.session import Rules, Session
from server.core.values import Identity

ANEW_EVERY = 200  # inputs, so that states of some depth are reached and a run does not remember everything
CONV = ConvId("c7")
ME = Me(Uid("alice"), Did("7"), "Alice", "token", "http://h", "1-aa")


def session() -> Callable[[bytes], None]:
    """Frames into a session that is ready; its questions stay without an answer."""
    who = Identity(ME.uid, ME.did, ME.name)
    fed = 0
    core = Session(0.0, Rules())

    def greeted(now_s: float) -> Session:
        made = Session(now_s, Rules())
        made.handle(on.Received((Hello((1, 1), Token("token")),)), now_s)
        made.handle(on.Identified(who), now_s)
        made.handle(on.Begun(1, "1-aa", 1, (Head(CONV, 3, 3),)), now_s)
        return made

    def feed(data: bytes) -> None:
        nonlocal fed, core
        now_s = fed * 0.01
        if core.closed or fed % ANEW_EVERY == 0:
            core = greeted(now_s)
        fed += 1
        effects = core.handle(on.Received(tuple(from_client.read(data))), now_s)
        for effect in effects:
            if isinstance(effect, do.Close):
                assert core.closed
        core.handle(on.Tick(), now_s)

    return feed


def engine() -> Callable[[bytes], None]:
    """Frames into an engine with a session; what it wants to keep and say is made, and goes nowhere."""
    fed = 0
    core, wire = _ready(0.0)

    def feed(data: bytes) -> None:
        nonlocal fed, core, wire
        now_s = fed * 0.01
        if fed % ANEW_EVERY == 0:
            core, wire = _ready(now_s)
        fed += 1
        effects = core.handle(Received(wire, tuple(from_server.read(data))), now_s)
        effects += core.handle(Tick(), now_s)
        if any(isinstance(effect, wanted.HangUp | wanted.Connect) for effect in effects):
            core, wire = _ready(now_s)

    return feed


def _ready(now_s: float) -> tuple[Engine, int]:
    core = Engine(_memory(), Ladder(), 1_767_225_600_000, lambda: 0.5)
    for effect in core.handle(Dial(), now_s):
        if isinstance(effect, wanted.Connect):
            core.handle(WireUp(effect.wire), now_s)
            welcome = Welcome(1, 1, "1-aa", 1, ME.uid, ME.did, ME.name, heads=(Head(CONV, 3, 3),))
            core.handle(Received(effect.wire, (welcome,)), now_s)
            return core, effect.wire
    raise AssertionError("it does not call")


def _memory() -> Memory:
    """One conversation with a message that is kept at the server, and two that wait."""
    texts = (b"one", b"two", b"three")
    keys = [digest(CONV, text) for text in texts]
    rows = tuple(
        Row(Lid(n), CONV, n, keys[n - 2], keys[n - 1], texts[n - 1], first_ms=1_767_225_600_000) for n in (2, 3)
    )
    room = Room(CONV, "direct", "", 3, 3, 3, Lane(3, keys[2], 1), (Member(ME.uid, "Alice"), Member(Uid("b2"), "Bob")))
    accepted = (Accepted(Lid(1), CONV, 1, Digest(""), keys[0], 3),)
    return Memory(me=ME, rooms=(room,), rows=rows, accepted=accepted, next_lid=Lid(4))
