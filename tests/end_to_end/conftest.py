"""A server and two people, taken down whatever happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from client.harness.puppet import Puppet
from tests.end_to_end.processes import Server


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    server = Server(tmp_path / "server")
    await server.start()
    yield server
    await server.kill()


@pytest.fixture
async def alice(server: Server, tmp_path: Path) -> AsyncIterator[Puppet]:
    alice = Puppet("alice", tmp_path / "alice", server.url)
    try:
        await alice.start(invite=await server.invite())
        yield alice
    finally:
        await alice.kill()


@pytest.fixture
async def bob(server: Server, alice: Puppet, tmp_path: Path) -> AsyncIterator[Puppet]:
    bob = Puppet("bob", tmp_path / "bob", server.url)
    try:
        await bob.start(invite=(await alice.wish("invite"))["invite"])
        yield bob
    finally:
        await bob.kill()
