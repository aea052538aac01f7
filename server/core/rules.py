"""What an operator, or a benchmark, may set of a session's habits, and of files."""

from __future__ import annotations

from protocol.limits import (
    CROWD_JOIN_S,
    DISK_KEEP_FREE_BYTES,
    DISK_KEEP_FREE_SHARE,
    FILE_MAX_BYTES,
    MARKS_DELAY_MAX_S,
    MARKS_DELAY_MIN_S,
    MESSAGES_BURST,
    MESSAGES_PER_S,
    PERSON_MAX_BYTES,
    QUESTIONS_BURST,
    QUESTIONS_PER_S,
    UPLOAD_BURST,
    UPLOAD_DAY_BYTES,
    UPLOAD_EVERY_S,
    UPLOADS_OPEN_MAX,
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


class UploadRules(Value, frozen=True):
    """How much of files one device, one person and the disk take (SEC-24, SEC-25). 0: as much as comes.

    `keep_free_bytes` is what always stays free of the disk; None: a tenth of it or 5 GiB, the smaller one.
    """

    file_max_bytes: int = FILE_MAX_BYTES
    person_max_bytes: int = PERSON_MAX_BYTES
    keep_free_bytes: int | None = None
    day_bytes: int = UPLOAD_DAY_BYTES
    per_s: float = 1 / UPLOAD_EVERY_S
    burst: float = UPLOAD_BURST
    open_max: int = UPLOADS_OPEN_MAX

    def keep_free(self, disk_bytes: int) -> int:
        """What stays free of a disk of this size."""
        if self.keep_free_bytes is not None:
            return self.keep_free_bytes
        return min(int(disk_bytes * DISK_KEEP_FREE_SHARE), DISK_KEEP_FREE_BYTES)
