"""What an operator, or a benchmark, may set of a session's habits."""

from __future__ import annotations

from protocol.limits import (
    CROWD_JOIN_S,
    MARKS_DELAY_MAX_S,
    MARKS_DELAY_MIN_S,
    MESSAGES_BURST,
    MESSAGES_PER_S,
    QUESTIONS_BURST,
    QUESTIONS_PER_S,
)
from protocol.values import Value


class Rules(Value, frozen=True):
    """What an operator, or a benchmark, may set. Rates of 0 are none."""

    marks_delay_min_s: float = MARKS_DELAY_MIN_S
    marks_delay_max_s: float = MARKS_DELAY_MAX_S
    echo_join_s: float = 0.1
    ack_join_s: float = 0.05
    crowd_join_s: float = CROWD_JOIN_S
    messages_per_s: float = MESSAGES_PER_S
    messages_burst: float = MESSAGES_BURST
    questions_per_s: float = QUESTIONS_PER_S
    questions_burst: float = QUESTIONS_BURST

    def marks_delay_s(self, jitter: float) -> float:
        """How long marks wait, so that they tell no habits (P-52)."""
        return self.marks_delay_min_s + jitter * (self.marks_delay_max_s - self.marks_delay_min_s)
