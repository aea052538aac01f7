"""The facts that fill a Problem's sentence when only its code came through the core."""

from __future__ import annotations

from client.core.model import Bubble
from protocol.limits import (
    CONTENT_MAX_BYTES,
    FILE_MAX_BYTES,
    KIB,
    MEMBERS_MAX,
    MIB,
    NAME_MAX_CHARS,
    OUTBOX_MAX_ROWS,
)
from protocol.problems import BY_CODE, Problem, problem

LIMITS = {
    "outbox_full": OUTBOX_MAX_ROWS,
    "members_too_many": MEMBERS_MAX,
    "name_invalid": NAME_MAX_CHARS,
}


def complete(code: str, *, server: str, bubble: Bubble | None, known: dict[str, object]) -> Problem:
    """The Problem of this code with every fact that can be known here; `known` comes from where it arose."""
    file = None if bubble is None else bubble.attachment
    facts: dict[str, object] = {
        "address": server,
        "limit": LIMITS.get(code),
        "limit_kb": CONTENT_MAX_BYTES // KIB,
        "limit_mb": FILE_MAX_BYTES // MIB,
        "name": None if file is None else file.name,
        "size_mb": None if file is None else -(-file.size_bytes // MIB),
    } | known
    said = BY_CODE.get(code, Problem).said
    wanted = {key: value for key, value in facts.items() if value is not None and f"{{{key}}}" in said}
    return problem(code, **wanted)
