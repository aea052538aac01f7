"""Digest and chain: what makes a message itself (P-3, P-5, P-6)."""

from __future__ import annotations

from hashlib import sha256

from protocol.codec import from_text
from protocol.lanes import NO_DIGEST, Link, chain, digest
from protocol.values import ConvId, Digest

C = ConvId("c7")


def test_the_digest_is_the_first_half_of_a_tagged_sha256() -> None:
    whole = sha256(b"hexagram/message/1\0c7\0hello").digest()

    assert from_text(digest(C, b"hello")) == whole[:16]
    assert len(digest(C, b"hello")) == 22


def test_the_digest_never_changes() -> None:
    """Golden: a change here would make every stored message another one."""
    assert digest(C, b"hello") == "9tbkxHxrHCkCXwcGRZXn6Q"


def test_conversation_and_content_cannot_be_shifted_into_one_another() -> None:
    assert digest(ConvId("c"), b"7hello") != digest(C, b"hello")
    assert digest(C, b"hello!") != digest(C, b"hello")


def test_a_chain_goes_on_behind_what_the_server_has() -> None:
    a, b = Digest("a"), Digest("b")

    assert chain(0, NO_DIGEST, [a, b]) == [Link(1, NO_DIGEST), Link(2, a)]
    assert chain(41, Digest("z"), [a]) == [Link(42, Digest("z"))]
    assert chain(41, Digest("z"), []) == []
