"""Inputs that broke something once, each with the reader that it broke."""

from __future__ import annotations

import pytest

from tests.fuzz.parsers import PARSERS
from tests.fuzz.runs import timed

FOUND = {
    "a key of a WebSocket that is no ASCII": (
        "http",
        b"GET /v1/line HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: \xc3\xa9hlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    ),
    "a body that is no gzip": (
        "http",
        b"PATCH /v1/media/m1 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer token\r\nContent-Encoding: gzip\r\n"
        b"Content-Type: application/offset+octet-stream\r\nUpload-Offset: 40\r\nContent-Length: 3\r\n\r\nxyz",
    ),
    "an expectation that nobody can repeat": (
        "http",
        b"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-contin\xf5e\r\n\r\n",
    ),
    "a name in front of nothing": ("http", b"GET http://[::1]@ HTTP/1.1\r\nHost: [::1]\r\n\r\n"),
    "half an address of version 6": ("address", b"http://[::1"),
    "an address of a future version": ("address", b"http://[v1.[]"),
    "an address that is all brackets": ("text", b"https://x" + b")" * 65_000),
    "a gif whose colours are longer than itself": ("file", b"GIF89a\xf0\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9"),
    "a word that is no invite": ("invite", b"a" * 65_000),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_broke_something_once_breaks_nothing(name: str) -> None:
    parser, data = FOUND[name]

    assert timed(PARSERS[parser].open(), data) < 1.0
