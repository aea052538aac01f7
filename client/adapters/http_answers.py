"""What every HTTP adapter shares: the client, and what a refusal or a broken connection means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx
import msgspec

from client.adapters.http_ledger import CountedTransport, Ledger
from protocol.problems import (
    BY_CODE,
    Busy,
    DiskFull,
    MediaDamaged,
    MediaOffset,
    MediaTooLarge,
    MediaUnknown,
    Problem,
    ServerFull,
    ServerInternal,
    ServerUnreachable,
    SignInAgain,
    TransferInterrupted,
    UploadExpired,
    UploadsMany,
)

CONNECT_WITHIN_S: Final = 10.0
SILENCE_MAX_S: Final = 30.0
"""Nothing read or written for so long: the attempt is over."""

RETRY_DIGITS: Final = 5
"""A server that asks for more than a day is not waited for."""

_BY_STATUS: Final[dict[int, type[Problem]]] = {
    401: SignInAgain,
    404: MediaUnknown,
    409: MediaOffset,
    410: UploadExpired,
    413: MediaTooLarge,
    429: UploadsMany,
    460: MediaDamaged,
    500: ServerInternal,
    503: Busy,
}


class Refusal(msgspec.Struct, frozen=True):
    """The body of an error: a code of protocol.problems, and numbers that belong to it."""

    code: str
    facts: dict[str, int] = {}


def new_client(ledger: Ledger) -> httpx.AsyncClient:
    """No proxy, no netrc, no redirects: the token is for this server alone. Every request is in the ledger."""
    limits = httpx.Limits(max_connections=8, max_keepalive_connections=4, keepalive_expiry=8.0)
    return httpx.AsyncClient(
        transport=CountedTransport(httpx.AsyncHTTPTransport(limits=limits, trust_env=False), ledger),
        timeout=httpx.Timeout(SILENCE_MAX_S, connect=CONNECT_WITHIN_S, pool=None),
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": "hexagram", "Accept-Encoding": "identity"},
    )


def bearer(token: str) -> dict[str, str]:
    """The header that says who asks."""
    return {"Authorization": f"Bearer {token}"}


def refused(answer: httpx.Response, **facts: object) -> Problem:
    """What an answer other than success means; `facts` are ours, and its own are added."""
    try:
        said = msgspec.json.decode(answer.content, type=Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError, httpx.ResponseNotRead):
        said = Refusal("")
    kind = BY_CODE.get(said.code) or _BY_STATUS.get(answer.status_code, TransferInterrupted)
    asked = _retry_after(answer)
    return (ServerFull if kind is DiskFull else kind)(**facts | asked | said.facts)  # their disk, not this one


def _retry_after(answer: httpx.Response) -> dict[str, object]:
    """How long the server asks to wait, if it says that in seconds."""
    text = answer.headers.get("Retry-After", "")
    return {"retry_ms": 1000 * int(text)} if text.isascii() and text.isdigit() and len(text) <= RETRY_DIGITS else {}


@contextmanager
def reaching(address: str, **facts: object) -> Iterator[None]:
    """Turn what goes wrong on the way into ServerUnreachable, or TransferInterrupted once it was reached."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise ServerUnreachable(address=address, **facts) from error
    except httpx.HTTPError as error:
        raise TransferInterrupted(**facts) from error
