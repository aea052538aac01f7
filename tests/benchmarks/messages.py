"""The messages of one lane, written beforehand: 200 bytes of text in the true envelope, chained digests.

Writing them costs more than sending them, so a good many are ready before the measurement begins.
"""

from __future__ import annotations

import os
from base64 import b64encode
from binascii import b2a_base64
from hashlib import sha256

from protocol.codec import to_text
from protocol.content import Content, Text, pack
from protocol.lanes import DIGEST_BYTES, DOMAIN, NONCE_BYTES
from protocol.values import ConvId, Uid

TEXT_BYTES = 200
_SAMPLE_NONCE = b"\xa5" * NONCE_BYTES
_TO_URL = bytes.maketrans(b"+/", b"-_")


class Messages:
    """`msg:R` packets 1, 2, 3 … of one device in one conversation, and the digest of each."""

    def __init__(self, conv: ConvId, author: Uid, at_ms: int) -> None:
        body = Text("The quick brown fox jumps over the lazy dog. " * 5)
        body = Text(body.text[:TEXT_BYTES])
        sample = pack(Content(author, conv, _SAMPLE_NONCE, at_ms, body))
        self._before, self._after = sample.split(b64encode(_SAMPLE_NONCE))
        self._tag = sha256(DOMAIN + conv.encode() + b"\0")
        self._start = b'{"t":"msg:R","conv":"%s","n":' % conv.encode()
        self._packets: list[bytes] = []
        self.digests: list[str] = []

    def prepare(self, count: int) -> None:
        """Write messages until there are `count`."""
        digest = self.digests[-1].encode() if self.digests else b""
        for n in range(len(self._packets) + 1, count + 1):
            content = self._before + b64encode(os.urandom(NONCE_BYTES)) + self._after
            tagged = self._tag.copy()
            tagged.update(content)
            before, digest = digest, to_text(tagged.digest()[:DIGEST_BYTES]).encode()
            text = b2a_base64(content, newline=False).translate(_TO_URL).rstrip(b"=")
            packet = b'%s%d,"pd":"%s","dg":"%s","content":"%s"}' % (self._start, n, before, digest, text)
            self._packets.append(packet)
            self.digests.append(digest.decode())

    def packet(self, n: int) -> bytes:
        """Number `n` as it goes out; it is forgotten then."""
        if n > len(self._packets):
            self.prepare(n + 500)
        packet, self._packets[n - 1] = self._packets[n - 1], b""
        return packet
