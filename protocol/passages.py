"""Counting passages of the one named place where a test lets a process die (section 13). The shells do the killing."""

from __future__ import annotations

from typing import Final

ENVIRONMENT: Final = "HEXAGRAM_CRASH_AT"
"""The variable that arms a place, in either process."""


class Passages:
    """Counts passages of the one place that is armed.

    Args:
        armed: like `C2:7`, the seventh passage of C2; `C2` is its first; empty for none.
    """

    def __init__(self, armed: str) -> None:
        self._name, _, passage = armed.partition(":")
        self._left = int(passage) if passage else 1

    @property
    def armed(self) -> bool:
        """Whether there is any place to look out for."""
        return bool(self._name)

    def passes(self, name: str) -> bool:
        """Whether this passage is the one that is armed."""
        if name != self._name:
            return False
        self._left -= 1
        return self._left == 0
