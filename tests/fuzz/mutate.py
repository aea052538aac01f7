"""Plain mutation of a corpus: bytes turned, cut, doubled and joined, hostile words put in. One seed replays a run."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

WORDS: tuple[bytes, ...] = (
    b"0", b"-1", b"-0", b"1e309", b"1e-400", b"NaN", b"Infinity", b"-Infinity", b"null", b"true", b"{}", b"[]", b'""',
    b"9007199254740991", b"9007199254740992", b"9007199254740993", b"2147483648", b"4294967296",
    b"9223372036854775807", b"9223372036854775808", b"18446744073709551616", b"1" * 400, b"0.1", b"1.0", b"01",
    b'"\\ud800"', b'"\\udc00\\ud800"', b"\\u0000", b"\\", b'"', b",", b":", b"[", b"]", b"{", b"}",
    b"\x00", b"\x7f", b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff\xfe", b"\xef\xbb\xbf",
    "\u202e".encode(), "\u2066".encode(), "\u200b".encode(), "\u2028".encode(), "a\u0301".encode() * 20,
    "\U000e0041".encode(), "\U0001f468\u200d\U0001f469".encode(), "\uff0e".encode(), "\u0130".encode(),
    b"\r\n", b"\r\n\r\n", b" ", b"\t", b"%00", b"%2e%2e%2f", b"../", b"://", b"@", b"#", b"?", b"[::1]", b"\\\\.\\",
    b'"t":"msg:R"', b'"t":"x"', b"__proto__", b"=", b"==", b"-_", b"+/",
)  # fmt: skip
SIGNS = b'"{}[]:,\\/.#@%=-_ \r\n09az'
REPEATS = (2, 3, 17, 100, 1_000, 20_000)
SHORT_BYTES, LONG_SHARE = 2_000, 0.01  # what is long costs a thousand times as much as what is short
OFTEN = (1, 1, 1, 2, 2, 3, 5)


class Mutator:
    """Makes inputs of at most `max_bytes` out of a corpus."""

    def __init__(self, corpus: Sequence[bytes], seed: int, max_bytes: int) -> None:
        self._short = [one for one in corpus if len(one) <= SHORT_BYTES]
        self._long = [one for one in corpus if len(one) > SHORT_BYTES] or self._short
        self._max_bytes = max_bytes
        self._dice = random.Random(seed)
        self._steps: tuple[Callable[[bytearray], None], ...] = (
            self._turn_bit, self._turn_bit, self._set_byte, self._set_sign, self._set_sign, self._put_word,
            self._put_word, self._drop, self._double, self._swap, self._splice, self._cut,
        )  # fmt: skip

    def one(self) -> bytes:
        """The next input."""
        dice = self._dice
        data = bytearray(self._pick())
        for _ in range(dice.choice(OFTEN)):
            dice.choice(self._steps)(data)
        return bytes(data[: self._max_bytes])

    def _pick(self) -> bytes:
        return self._dice.choice(self._long if self._dice.random() < LONG_SHARE else self._short)

    def _at(self, data: bytearray) -> int:
        return int(self._dice.random() * len(data))

    def _turn_bit(self, data: bytearray) -> None:
        if data:
            data[self._at(data)] ^= 1 << int(self._dice.random() * 8)

    def _set_byte(self, data: bytearray) -> None:
        if data:
            data[self._at(data)] = int(self._dice.random() * 256)

    def _set_sign(self, data: bytearray) -> None:
        if data:
            data[self._at(data)] = self._dice.choice(SIGNS)

    def _put_word(self, data: bytearray) -> None:
        place = self._at(data)
        data[place : place + self._dice.choice((0, 0, 1, 4))] = self._dice.choice(WORDS)

    def _drop(self, data: bytearray) -> None:
        place = self._at(data)
        del data[place : place + 1 + int(self._dice.random() * 16)]

    def _cut(self, data: bytearray) -> None:
        del data[self._at(data) :]

    def _double(self, data: bytearray) -> None:
        """A piece many times over: what is nested gets deep, what is long gets longer than anybody thought."""
        place = self._at(data)
        piece = data[place : place + 1 + int(self._dice.random() * 24)]
        times = self._dice.choice(REPEATS if self._dice.random() < LONG_SHARE else REPEATS[:4])
        data[place:place] = piece * min(times, 1 + self._max_bytes // (len(piece) or 1))

    def _swap(self, data: bytearray) -> None:
        one, other = self._at(data), self._at(data)
        data[one : one + 8], data[other : other + 8] = data[other : other + 8], data[one : one + 8]

    def _splice(self, data: bytearray) -> None:
        other = self._pick()
        here, there = self._at(data), int(self._dice.random() * len(other))
        data[here:] = other[there:]
