"""Ids and invite codes: random bytes as text that can be read out, and back."""

from __future__ import annotations

from base64 import b32decode, b32encode

from protocol.limits import INVITE_BITS

ID_BYTES = 16  # 128 bits (P-1, P-75)
INVITE_BYTES = INVITE_BITS // 8
GROUP = 4


def id_text(raw: bytes) -> str:
    """128 random bits as an id on the wire: 26 characters base32 (P-1)."""
    assert len(raw) == ID_BYTES, len(raw)
    return b32encode(raw).decode().rstrip("=").lower()


def invite_text(raw: bytes) -> str:
    """128 random bits as a code in groups of four, like K7QM-… (SEC-5)."""
    assert len(raw) == INVITE_BYTES, len(raw)
    text = b32encode(raw).decode().rstrip("=")
    return "-".join(text[at : at + GROUP] for at in range(0, len(text), GROUP))


def invite_bytes(code: str) -> bytes | None:
    """The bits of a code, however it was typed: small letters, blanks, any dashes. None if it is no code."""
    text = "".join(char for char in code.upper() if char.isalnum())
    try:
        raw = b32decode(text + "=" * (-len(text) % 8))
    except ValueError:
        return None
    return raw if len(raw) == INVITE_BYTES else None
