"""What can be set of a session's habits."""

from __future__ import annotations

from server.core.rules import Rules


def test_marks_wait_between_the_two_bounds() -> None:
    rules = Rules(0.2, 0.5)
    assert [rules.marks_delay_s(jitter) for jitter in (0.0, 0.5, 1.0)] == [0.2, 0.35, 0.5]
