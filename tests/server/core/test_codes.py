"""Random bits as text, and back."""

from __future__ import annotations

import pytest

from server.core.codes import id_text, invite_bytes, invite_text

BITS = bytes(range(16))


def test_an_id_has_26_small_letters_and_digits() -> None:
    assert id_text(BITS) == "aaaqeayeaudaocajbifqydiob4"


def test_an_invite_is_read_out_in_groups_of_four() -> None:
    assert invite_text(BITS) == "AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4"


@pytest.mark.parametrize(
    "typed",
    [
        "AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4",
        "aaaqeayeaudaocajbifqydiob4",
        " aaaq eaye auda ocaj bifq ydio b4\n",
        "aaaq–eaye–auda–ocaj–bifq–ydio–b4",
    ],
)
def test_an_invite_may_be_typed_in_many_ways(typed: str) -> None:
    assert invite_bytes(typed) == BITS


@pytest.mark.parametrize("typed", ["", "K7QM", "A" * 27, "A" * 25, "1" * 26, "Ä" * 26, "A" * 10_000])
def test_what_is_no_code_is_nothing(typed: str) -> None:
    assert invite_bytes(typed) is None
