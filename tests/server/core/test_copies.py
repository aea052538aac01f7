"""Two copies of one profile are noticed; a device on a bad line is not taken for two (P-14, P-66)."""

from __future__ import annotations

import pytest

from protocol.limits import REPLACED_MAX, REPLACED_WITHIN_S
from protocol.values import Did
from server.core import copies
from server.core.copies import Copies

PHONE, TABLET = Did("1"), Did("2")


def test_the_fourth_replacement_within_a_minute_is_too_much() -> None:
    machine = Copies()
    assert [machine.replaced(PHONE, 10.0 + n) for n in range(REPLACED_MAX + 1)] == [False, False, False, True]


def test_more_in_a_longer_time_is_not() -> None:
    machine = Copies()
    assert not any(machine.replaced(PHONE, n * REPLACED_WITHIN_S / REPLACED_MAX) for n in range(20))


def test_each_device_is_counted_alone() -> None:
    machine = Copies()
    assert not any(machine.replaced(did, 10.0) for did in (PHONE, TABLET) * REPLACED_MAX)
    assert machine.replaced(TABLET, 10.0)


def test_few_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "DEVICES_KEPT", 1)
    machine = Copies()
    for _ in range(REPLACED_MAX):
        assert not machine.replaced(PHONE, 10.0)
    assert not machine.replaced(TABLET, 10.0)
    assert not machine.replaced(PHONE, 10.0)


def test_what_is_long_ago_does_not_hide_what_happens_now() -> None:
    machine = Copies()
    assert not machine.replaced(PHONE, 10.0)
    later_s = 10.0 + 2 * REPLACED_WITHIN_S
    assert [machine.replaced(PHONE, later_s + n) for n in range(REPLACED_MAX + 1)] == [False, False, False, True]


def test_as_many_as_are_kept_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "DEVICES_KEPT", 2)
    machine = Copies()
    for _ in range(REPLACED_MAX):
        assert not machine.replaced(PHONE, 10.0)
    assert not machine.replaced(TABLET, 10.0)
    assert machine.replaced(PHONE, 10.0)
