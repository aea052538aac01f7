"""Chosen packets are lost on purpose, and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from client.adapters.lossy_wire import Faults, LossyWire
from protocol.codec import Garbled
from protocol.packets import AckN, AckR, Ping
from protocol.problems import Problem
from protocol.values import ConvId
from tests.helpers.app import QueueWire

CONV = ConvId("c7xyzabc")


class Ears:
    def __init__(self) -> None:
        self.heard: list[object] = []

    def up(self, wire: int) -> None:
        self.heard.append(("up", wire))

    def progressed(self, wire: int) -> None:
        self.heard.append(("progressed", wire))

    def received(self, wire: int, packets: list[object]) -> None:
        self.heard.append(("received", wire, packets))

    def down(self, wire: int, close: int, retry_ms: int, why: str = "") -> None:
        self.heard.append(("down", wire, close, retry_ms))


async def test_chosen_packets_are_lost_both_ways_and_nothing_else() -> None:
    ears, wires = Ears(), []

    def open_wire(listener: object) -> QueueWire:
        wires.append(QueueWire(listener))  # type: ignore[arg-type]
        return wires[0]

    lossy = LossyWire(Faults(["ack:N:2", "ack:R:1"]), ears, open_wire)  # type: ignore[arg-type]
    lossy.connect(1, "url")
    await asyncio.sleep(0)
    first, second, third = (AckN(conv=CONV, to=number) for number in (1, 2, 3))
    wires[0].answer(first)
    wires[0].answer(second)
    wires[0].answer(Garbled("packet", "", ""), third)  # type: ignore[arg-type]
    lossy.send(1, [AckR(conv=CONV, upto=1)])
    lossy.send(1, [AckR(conv=CONV, upto=2), Ping("x")])
    lossy.hang_up(1, 1000)
    await asyncio.sleep(0)
    assert ears.heard == [
        ("up", 1),
        ("received", 1, [first]),
        ("received", 1, [Garbled("packet", "", ""), third]),
        ("down", 1, 1000, 0),
    ]
    assert wires[0].said == [AckR(conv=CONV, upto=2), Ping("x")]


@pytest.mark.parametrize("text", ["ack:N", "", ":1", "ack:N:0", "ack:N:x"])
def test_a_fault_that_is_none_is_said(text: str) -> None:
    with pytest.raises(Problem) as refusal:
        Faults([text])
    assert refusal.value.code == "wish_invalid"
