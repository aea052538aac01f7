"""What a tus 1.0 client says in its headers, and what it is told (https://tus.io/protocols/resumable-upload).

Core, creation, creation with upload, expiration, checksum and termination. Our own client says more in headers
of its own: they are the same facts as those in `Upload-Metadata`, and come first.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from email.utils import formatdate

from aiohttp import hdrs, web

from protocol.limits import UPLOAD_METADATA_MAX_CHARS
from protocol.problems import BadFrame, VersionUnknown
from protocol.values import NUMBER_MAX, ConvId, MediaId
from server.app.media import Checksum
from server.doors.answers import TUS_VERSION
from server.ports import NewUpload

EXTENSIONS = "creation,creation-with-upload,expiration,checksum,termination"
ALGORITHMS = ("sha1", "sha256")
OFFSET_TYPE = "application/offset+octet-stream"
SHA256_BYTES = 32


def abilities(file_max_bytes: int) -> dict[str, str]:
    """What `OPTIONS` tells."""
    return {
        "Tus-Version": TUS_VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(file_max_bytes),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }


def method_of(request: web.Request) -> str:
    """What is asked, also by who can only say GET and POST."""
    return request.headers.get("X-HTTP-Method-Override", request.method).upper()


def check_version(request: web.Request) -> None:
    """An upload of another version of tus is not understood. Raises: VersionUnknown."""
    if request.headers.get("Tus-Resumable", TUS_VERSION) != TUS_VERSION:
        raise VersionUnknown()


def wish(request: web.Request) -> NewUpload:
    """What is promised. Raises: BadFrame."""
    said = request.headers.get("Upload-Metadata", "")
    facts = metadata(said)
    conv = request.headers.get("Upload-Conversation") or facts.get("conversation") or facts.get("conv", "")
    if not conv:
        raise BadFrame()
    return NewUpload(
        ConvId(conv),
        _number(request, facts),
        number(request.headers.get("Upload-Length", "")),
        _sha256(request.headers.get("Upload-Sha256") or facts.get("sha256", "")),
        MediaId(request.headers.get("Upload-Source") or facts.get("source", "")),
        said,
    )


def metadata(text: str) -> dict[str, str]:
    """Read `Upload-Metadata`: keys with values in base64, or with none. Raises: BadFrame."""
    if len(text) > UPLOAD_METADATA_MAX_CHARS or not text.isascii():
        raise BadFrame()
    facts: dict[str, str] = {}
    for pair in filter(None, map(str.strip, text.split(","))):
        key, _, value = pair.partition(" ")
        if key in facts:
            raise BadFrame()
        facts[key] = _text(value)
    return facts


def checksum(request: web.Request) -> Checksum | None:
    """What the bytes of this request must be, if that is said. Raises: BadFrame, also for an unknown algorithm."""
    if (said := request.headers.get("Upload-Checksum")) is None:
        return None
    algorithm, _, digest = said.partition(" ")
    if algorithm not in ALGORITHMS:
        raise BadFrame()
    return Checksum(algorithm, _bytes(digest))


def number(text: str) -> int:
    """A number of a header. Raises: BadFrame."""
    if not (text.isascii() and text.isdigit()) or len(text) > 16 or int(text) > NUMBER_MAX:
        raise BadFrame()
    return int(text)


def until(expires_ms: int | None) -> dict[str, str]:
    """When an unfinished upload is let go, as HTTP writes times."""
    return {} if expires_ms is None else {"Upload-Expires": formatdate(expires_ms // 1000, usegmt=True)}


def brings_bytes(request: web.Request) -> bool:
    """Whether a promise already carries the beginning of the file."""
    return request.content_type == OFFSET_TYPE and request.can_read_body and request.method == hdrs.METH_POST


def _number(request: web.Request, facts: Mapping[str, str]) -> int | None:
    text = request.headers.get("Upload-Number", facts.get("number"))
    return None if text is None else number(text)


def _sha256(text: str) -> bytes:
    """Nothing, or 32 bytes in hexadecimal digits. Raises: BadFrame."""
    try:
        sha256 = bytes.fromhex(text)
    except ValueError as unreadable:
        raise BadFrame() from unreadable
    if len(sha256) not in (0, SHA256_BYTES):
        raise BadFrame()
    return sha256


def _text(text: str) -> str:
    try:
        return _bytes(text).decode()
    except UnicodeDecodeError as unreadable:
        raise BadFrame() from unreadable


def _bytes(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError as unreadable:
        raise BadFrame() from unreadable
