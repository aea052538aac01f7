"""What is written of a request: values that compare by content."""

from __future__ import annotations

from client.core.spending import Because, CachedFile, Spending, Spent, Stored
from protocol.values import ConvId, Lid


def test_a_cause_is_about_a_bubble_or_about_none() -> None:
    assert Because("devices") == Because("devices", Lid(0), ConvId(""))
    assert Because("download", Lid(7)) != Because("download", Lid(8))


def test_values_compare_by_what_they_say() -> None:
    row = Spent(1, Because("join"), "POST", "/v1/join", 10, 20)
    assert (row.status, row.id) == (0, 0)
    assert Spending("2026-01-02", ConvId("c"), 1, 2, 3) == Spending("2026-01-02", ConvId("c"), 1, 2, 3)
    assert not CachedFile("/a", "voice", (Lid(1),)).busy
    assert Stored("/a", 1, 2).part_of == ""
