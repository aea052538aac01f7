"""Values that machines share: equal by content, frozen."""

from __future__ import annotations

import pytest

from protocol.values import Did, Uid
from server.core.values import Identity


def test_an_identity_is_its_content() -> None:
    alice = Identity(Uid("a"), Did("1"), "Alice")
    assert alice == Identity(Uid("a"), Did("1"), "Alice")
    with pytest.raises(AttributeError):
        alice.name = "Bob"  # type: ignore[misc]
