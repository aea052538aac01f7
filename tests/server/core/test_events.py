"""Every event of a session is one of the union, and a value."""

from __future__ import annotations

from typing import get_args

from protocol.values import Value
from server.core import events


def test_the_union_names_every_event() -> None:
    made = {kind for kind in vars(events).values() if isinstance(kind, type) and kind.__module__ == events.__name__}
    assert made == set(get_args(events.Event))
    assert all(issubclass(kind, Value) for kind in made)


def test_events_with_the_same_content_are_equal() -> None:
    assert events.Replaced(3) == events.Replaced(3)
    assert events.Unsent(1) != events.Unsent(2)
