"""Every adapter offers what its port asks for, under the same names."""

from __future__ import annotations

import inspect

import pytest

from client import ports
from client.adapters.clock import SystemClock, SystemDice
from client.adapters.file_marks import MarkedFiles
from client.adapters.http_accounts import HttpAccounts
from client.adapters.http_ledger import Ledger
from client.adapters.http_media import HttpMedia
from client.adapters.sqlite_messages import SqliteMessages
from client.adapters.websocket_wire import WebsocketWire
from client.adapters.worker_pool import WorkerPool

PAIRS: list[tuple[type, type]] = [
    (ports.Messages, SqliteMessages),
    (ports.Wire, WebsocketWire),
    (ports.Media, HttpMedia),
    (ports.Worker, WorkerPool),
    (ports.Exports, MarkedFiles),
    (ports.Accounts, HttpAccounts),
    (ports.Ledger, Ledger),
    (ports.Clock, SystemClock),
    (ports.Dice, SystemDice),
]


def methods(port: type) -> list[str]:
    return [name for name, member in vars(port).items() if inspect.isfunction(member) and name[0] != "_"]


@pytest.mark.parametrize(
    ("port", "adapter", "method"),
    [(port, adapter, method) for port, adapter in PAIRS for method in methods(port)],
)
def test_an_adapter_fulfils_its_port(port: type, adapter: type, method: str) -> None:
    asked, offered = getattr(port, method), getattr(adapter, method)
    shapes = [
        [(name, parameter.kind, parameter.default) for name, parameter in inspect.signature(way).parameters.items()]
        for way in (asked, offered)
    ]

    assert shapes[0] == shapes[1]
    assert inspect.iscoroutinefunction(asked) == inspect.iscoroutinefunction(offered)


def fits(
    messages: SqliteMessages, wire: WebsocketWire, media: HttpMedia, worker: WorkerPool, accounts: HttpAccounts
) -> tuple[ports.Messages, ports.Wire, ports.Media, ports.Worker, ports.Accounts]:
    """Never called: the type checker reads it."""
    return messages, wire, media, worker, accounts
