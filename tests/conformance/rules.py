"""What one of the 54 tests plays: every variant of its fault, of its recipient, and of what it harms."""

from __future__ import annotations

from collections.abc import Iterator

from protocol.packets import OfflineA, OfflineAckR, OfflineR
from tests.conformance.scene import Fall, Recipient, Scene
from tests.conformance.script import Fault, Name, Script, Which

VARIANTS: dict[Fault, tuple[str, ...]] = {
    "lost": ("",),
    "twice": ("at once", "later"),
    "late": ("next try", "reconnect"),
}
FALLS: dict[Recipient, tuple[Fall, ...]] = {
    "online": ("",),
    "offline": ("",),
    "crashing": ("before T4", "before ack:R"),
}
HARMED: tuple[Which, ...] = ("each", "second")
PULL = (OfflineR, OfflineA, OfflineAckR)


def conforms(packet: Name, fault: Fault, recipient: Recipient) -> None:
    """Play every variant of one test of section 22, and assert what each must assert."""
    for variant in VARIANTS[fault]:
        for fall in FALLS[recipient]:
            for which in HARMED:
                _one(Script(packet, fault, which, variant), recipient, fall)


def _one(script: Script, recipient: Recipient, fall: Fall) -> None:
    scene = Scene(script, recipient, fall)
    told = scene.play()
    scene.must_be_true()
    assert script.hits, "the fault must have happened"
    if script.variant == "next try":
        assert script.overtaken, "the late copy must have been overtaken by the next try"
    if script.variant == "reconnect":
        assert script.reconnected
        assert not script.held
    assert not scene.fall, "who should fall must have fallen"
    if recipient == "offline":
        scene.must_have_pulled()
        for other in _with_a_lost_pull(script, recipient):
            assert other == told, "a lost packet of a pull changes nothing but time"


def _with_a_lost_pull(script: Script, recipient: Recipient) -> Iterator[object]:
    for also_lost in PULL:
        again = Script(script.packet, script.fault, script.which, script.variant, also_lost)
        scene = Scene(again, recipient)
        yield scene.play()
        scene.must_be_true()
        assert again.also_hits == 1
