"""Every effect of a session is one of the union, and a value."""

from __future__ import annotations

from typing import get_args

from protocol.values import Value
from server.core import effects


def test_the_union_names_every_effect() -> None:
    made = {kind for kind in vars(effects).values() if isinstance(kind, type) and kind.__module__ == effects.__name__}
    assert made == set(get_args(effects.Effect))
    assert all(issubclass(kind, Value) for kind in made)


def test_effects_with_the_same_content_are_equal() -> None:
    assert effects.Close(4400, "misuse") == effects.Close(4400, "misuse")
    assert len({effects.Send(()), effects.ReadHeads()}) == 2
