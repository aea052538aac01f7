"""One port for everything: HTTP routes and the WebSocket in one aiohttp application, for this computer only.

A web page in somebody's browser can send requests to this computer too; it is kept out by its `Origin`, and
by the name it used (SEC-18).
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.web import Application as Application

from protocol.limits import HELLO_WAIT_S
from protocol.problems import BadFrame, Problem, ServerInternal, StoreFailed, TransferInterrupted, UnknownType
from server.doors.answers import ALWAYS, BODY_MAX_BYTES, TUS_VERSION, refusal
from server.ports import StoreUnknown

log = logging.getLogger(__name__)

LINE, MEDIA = "/v1/line", "/v1/media"
STOP_WAIT_S = 0.3  # for answers under way when the server stops
BACKLOG = 1024
NO_SUCH_ROUTE = {404, 405}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Stop = Callable[[], Awaitable[None]]


def application(routes: Iterable[web.RouteDef], line: Handler, hang_up: Stop) -> web.Application:
    """Join the doors. `line` answers the WebSocket; `hang_up` ends every session when the server stops."""
    app = web.Application(middlewares=[guarded], client_max_size=BODY_MAX_BYTES)
    app.add_routes([*routes, web.get("/v1/health", health), web.get(LINE, line, allow_head=False)])
    app.on_response_prepare.append(_on_every_answer)

    async def stop(_: web.Application) -> None:
        await hang_up()

    app.on_shutdown.append(stop)
    return app


async def health(_: web.Request) -> web.Response:
    """Whether a Hexagram server listens here."""
    return web.json_response({"server": "hexagram"})


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse web pages and strange names; turn everything that goes wrong into an answer with a code."""
    if "Origin" in request.headers or not is_this_computer(request.headers.get("Host", "")):
        log.warning("a request of a web page or under a strange name was refused")
        return refusal(Problem(), 403)
    try:
        return await handler(request)
    except Problem as problem:
        return refusal(problem)
    except web.HTTPException as error:
        return refusal(UnknownType() if error.status in NO_SUCH_ROUTE else BadFrame(), error.status)
    except ConnectionError:
        return refusal(TransferInterrupted())
    except web.RequestPayloadError:  # a body in pieces that are none, or packed in a way that it is not
        return refusal(BadFrame())
    except StoreUnknown:
        return refusal(StoreFailed())
    except Exception:
        log.exception("! a request ended with an error of ours")
        return refusal(ServerInternal())


def is_this_computer(host: str) -> bool:
    """Whether a `Host` header names this computer; any other name may be a page that rebinds names (SEC-18)."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


async def _on_every_answer(request: web.Request, answer: web.StreamResponse) -> None:
    """No version of anything of ours to a stranger, nothing kept, nothing run, nothing guessed (SEC-30)."""
    answer.headers["Server"] = "hexagram"
    answer.headers.update(ALWAYS)
    if request.path.startswith(MEDIA):
        answer.headers["Tus-Resumable"] = TUS_VERSION


class Conversation(web.RequestHandler):
    """One connection. What is no HTTP never reaches the application; it gets an answer as short as any other."""

    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        """An address that the library stumbles over, such as `http://[::1]@`, costs its sender the connection."""
        try:
            super().data_received(data)
        except Exception as stumbled:
            log.warning("a request that could not be read was cut off: %s", type(stumbled).__name__)
            if self.transport is not None:
                self.transport.abort()

    def log_exception(self, *args: Any, **facts: Any) -> None:
        """A stranger's broken body is no mistake of ours: it was answered, and must not fill the log."""
        if not isinstance(sys.exc_info()[1], web.RequestPayloadError):
            super().log_exception(*args, **facts)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """A code; neither our versions, nor what the stranger said back at them or into the log (SEC-30)."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        broken = status == 500 and isinstance(exc, ValueError)  # a header that the library could not say back
        answer = refusal(BadFrame(), 400 if broken else status)
        answer.headers["Server"] = "hexagram"
        answer.force_close()
        return answer


@asynccontextmanager
async def serving(app: web.Application, listener: socket.socket) -> AsyncIterator[None]:
    """Answer on `listener` until the end of the block; then hang up, and let answers under way end.

    A connection that has not said a whole request within 10 s is closed (SEC-19).
    """
    handling: dict[str, Any] = {"access_log": None, "keepalive_timeout": HELLO_WAIT_S, "lingering_time": 2.0}
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_WAIT_S)
    await runner.setup()
    loop, server = asyncio.get_running_loop(), runner.server
    assert server is not None

    def answer_one() -> Conversation:
        return Conversation(server, loop=loop, **handling)

    try:
        listening = await loop.create_server(answer_one, sock=listener, backlog=BACKLOG)
        yield
        listening.close()
    finally:
        await runner.cleanup()
