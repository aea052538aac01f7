"""The 54 tests of section 22: each of the six packets lost, doubled and late; the recipient there, away and falling.

Written out, so that each has a name to be found by. What each plays and asserts is in `rules` and `scene`.
"""

from __future__ import annotations

from itertools import product
from typing import get_args

from tests.conformance.rules import conforms
from tests.conformance.scene import Recipient
from tests.conformance.script import Fault, Name


def test_all_54_are_here() -> None:
    wanted = ["_".join(("test_seed", *name)) for name in product(get_args(Name), get_args(Fault), get_args(Recipient))]

    assert len(wanted) == 54
    assert [name for name in globals() if name.startswith("test_seed_")] == wanted


def test_seed_msg_R_lost_online() -> None:
    conforms("msg_R", "lost", "online")


def test_seed_msg_R_lost_offline() -> None:
    conforms("msg_R", "lost", "offline")


def test_seed_msg_R_lost_crashing() -> None:
    conforms("msg_R", "lost", "crashing")


def test_seed_msg_R_twice_online() -> None:
    conforms("msg_R", "twice", "online")


def test_seed_msg_R_twice_offline() -> None:
    conforms("msg_R", "twice", "offline")


def test_seed_msg_R_twice_crashing() -> None:
    conforms("msg_R", "twice", "crashing")


def test_seed_msg_R_late_online() -> None:
    conforms("msg_R", "late", "online")


def test_seed_msg_R_late_offline() -> None:
    conforms("msg_R", "late", "offline")


def test_seed_msg_R_late_crashing() -> None:
    conforms("msg_R", "late", "crashing")


def test_seed_msg_A_lost_online() -> None:
    conforms("msg_A", "lost", "online")


def test_seed_msg_A_lost_offline() -> None:
    conforms("msg_A", "lost", "offline")


def test_seed_msg_A_lost_crashing() -> None:
    conforms("msg_A", "lost", "crashing")


def test_seed_msg_A_twice_online() -> None:
    conforms("msg_A", "twice", "online")


def test_seed_msg_A_twice_offline() -> None:
    conforms("msg_A", "twice", "offline")


def test_seed_msg_A_twice_crashing() -> None:
    conforms("msg_A", "twice", "crashing")


def test_seed_msg_A_late_online() -> None:
    conforms("msg_A", "late", "online")


def test_seed_msg_A_late_offline() -> None:
    conforms("msg_A", "late", "offline")


def test_seed_msg_A_late_crashing() -> None:
    conforms("msg_A", "late", "crashing")


def test_seed_msg_N_lost_online() -> None:
    conforms("msg_N", "lost", "online")


def test_seed_msg_N_lost_offline() -> None:
    conforms("msg_N", "lost", "offline")


def test_seed_msg_N_lost_crashing() -> None:
    conforms("msg_N", "lost", "crashing")


def test_seed_msg_N_twice_online() -> None:
    conforms("msg_N", "twice", "online")


def test_seed_msg_N_twice_offline() -> None:
    conforms("msg_N", "twice", "offline")


def test_seed_msg_N_twice_crashing() -> None:
    conforms("msg_N", "twice", "crashing")


def test_seed_msg_N_late_online() -> None:
    conforms("msg_N", "late", "online")


def test_seed_msg_N_late_offline() -> None:
    conforms("msg_N", "late", "offline")


def test_seed_msg_N_late_crashing() -> None:
    conforms("msg_N", "late", "crashing")


def test_seed_ack_R_lost_online() -> None:
    conforms("ack_R", "lost", "online")


def test_seed_ack_R_lost_offline() -> None:
    conforms("ack_R", "lost", "offline")


def test_seed_ack_R_lost_crashing() -> None:
    conforms("ack_R", "lost", "crashing")


def test_seed_ack_R_twice_online() -> None:
    conforms("ack_R", "twice", "online")


def test_seed_ack_R_twice_offline() -> None:
    conforms("ack_R", "twice", "offline")


def test_seed_ack_R_twice_crashing() -> None:
    conforms("ack_R", "twice", "crashing")


def test_seed_ack_R_late_online() -> None:
    conforms("ack_R", "late", "online")


def test_seed_ack_R_late_offline() -> None:
    conforms("ack_R", "late", "offline")


def test_seed_ack_R_late_crashing() -> None:
    conforms("ack_R", "late", "crashing")


def test_seed_ack_A_lost_online() -> None:
    conforms("ack_A", "lost", "online")


def test_seed_ack_A_lost_offline() -> None:
    conforms("ack_A", "lost", "offline")


def test_seed_ack_A_lost_crashing() -> None:
    conforms("ack_A", "lost", "crashing")


def test_seed_ack_A_twice_online() -> None:
    conforms("ack_A", "twice", "online")


def test_seed_ack_A_twice_offline() -> None:
    conforms("ack_A", "twice", "offline")


def test_seed_ack_A_twice_crashing() -> None:
    conforms("ack_A", "twice", "crashing")


def test_seed_ack_A_late_online() -> None:
    conforms("ack_A", "late", "online")


def test_seed_ack_A_late_offline() -> None:
    conforms("ack_A", "late", "offline")


def test_seed_ack_A_late_crashing() -> None:
    conforms("ack_A", "late", "crashing")


def test_seed_ack_N_lost_online() -> None:
    conforms("ack_N", "lost", "online")


def test_seed_ack_N_lost_offline() -> None:
    conforms("ack_N", "lost", "offline")


def test_seed_ack_N_lost_crashing() -> None:
    conforms("ack_N", "lost", "crashing")


def test_seed_ack_N_twice_online() -> None:
    conforms("ack_N", "twice", "online")


def test_seed_ack_N_twice_offline() -> None:
    conforms("ack_N", "twice", "offline")


def test_seed_ack_N_twice_crashing() -> None:
    conforms("ack_N", "twice", "crashing")


def test_seed_ack_N_late_online() -> None:
    conforms("ack_N", "late", "online")


def test_seed_ack_N_late_offline() -> None:
    conforms("ack_N", "late", "offline")


def test_seed_ack_N_late_crashing() -> None:
    conforms("ack_N", "late", "crashing")
