"""What every route shares: who asks, what may be read of a request, and how a refusal looks."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import msgspec
from aiohttp import web

from protocol.limits import HELLO_WAIT_S, KIB
from protocol.problems import BadFrame, Problem, SignInAgain, TransferInterrupted
from server.ports import Accounts, Identity

TUS_VERSION = "1.0.0"  # of the protocol of uploads
ALWAYS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}
"""On every answer, also on a refusal: nothing kept, nothing run, nothing guessed (SEC-30)."""
BODY_MAX_BYTES = 16 * KIB  # of a JSON request; files are streamed
STATUS = {
    "bad_frame": 400,
    "sign_in_again": 401,
    "invite_wrong": 403, "unknown_conversation": 403, "not_member": 403, "blocked": 403,
    "media_unknown": 404, "device_unknown": 404,
    "name_taken": 409, "devices_full": 409, "media_offset": 409, "media_changed": 409, "cancel_too_late": 409,
    "upload_expired": 410,
    "version_unknown": 412,
    "media_too_large": 413,
    "name_invalid": 422, "media_empty": 422,
    "rate": 429, "uploads_many": 429, "uploads_today": 429,
    "media_damaged": 460, "upload_checksum": 460,
    "internal": 500,
    "transfer_interrupted": 503, "store_failed": 503, "busy": 503,
    "disk_full": 507, "person_full": 507,
}  # fmt: skip
T = TypeVar("T")


def refusal(problem: Problem, status: int = 0) -> web.Response:
    """The answer that says what is wrong, by its code; numbers that belong to it stand in `facts`."""
    facts = {key: fact for key, fact in problem.facts.items() if isinstance(fact, int)}
    answer = web.json_response(
        {"code": problem.code, **({"facts": facts} if facts else {})},
        status=status or STATUS.get(problem.code, 403),
        headers=ALWAYS,
    )
    if problem.code == "media_offset":
        answer.headers["Upload-Offset"] = str(facts["offset"])
    if answer.status == 412:
        answer.headers["Tus-Version"] = TUS_VERSION
    if answer.status == 429:
        answer.headers["Retry-After"] = str(-(-facts.get("retry_ms", 1000) // 1000))
    if answer.status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def bearer(request: web.Request) -> str:
    """The secret in the header, never in an address (SEC-8); empty if there is none."""
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else ""


async def signed_in(request: web.Request, accounts: Accounts) -> Identity:
    """Who asks. Raises: SignInAgain."""
    token = bearer(request)
    if not token or (who := await accounts.who_is(token)) is None:
        raise SignInAgain()
    return who


async def json_body(request: web.Request, shape: type[T]) -> T:
    """The small JSON body of a request. Raises: BadFrame, TransferInterrupted."""
    try:
        async with asyncio.timeout(HELLO_WAIT_S):
            return msgspec.json.decode(await request.read(), type=shape)
    except TimeoutError as slow:
        raise TransferInterrupted() from slow
    except (msgspec.DecodeError, UnicodeDecodeError) as unreadable:
        raise BadFrame() from unreadable
