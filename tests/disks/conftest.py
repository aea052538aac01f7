"""Real processes on disks that misbehave, taken down whatever happens."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from client.harness.puppet import Puppet
from tests.disks import shim
from tests.disks.shim import BadDisk
from tests.end_to_end.processes import Server


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled shim."""
    if reason := shim.missing():
        pytest.skip(reason)
    return shim.compiled(tmp_path_factory.mktemp("shim"))


@pytest.fixture
async def keep() -> AsyncIterator[Callable[[Server | Puppet], None]]:
    """Processes that are ended with the test."""
    running: list[Server | Puppet] = []
    yield running.append
    for process in reversed(running):
        await process.kill()


class World:
    """A server on a bad disk, and two people."""

    def __init__(self, folder: Path, server: Server, server_disk: BadDisk) -> None:
        self.folder, self.server, self.server_disk = folder, server, server_disk
        self.alice = Puppet("alice", folder / "alice", "")
        self.bob = Puppet("bob", folder / "bob", "")

    async def start_server(self) -> None:
        """With the shim in its environment."""
        before = dict(os.environ)
        os.environ.update(self.server_disk.env)
        try:
            await self.server.start()
        finally:
            os.environ.clear()
            os.environ.update(before)

    async def join(self, person: Puppet, disk: BadDisk | None = None) -> None:
        """Let somebody in, perhaps on a bad disk as well."""
        person.server = self.server.url
        env = {**os.environ, **disk.env} if disk else None
        await person.start(invite=await self.server.invite(), env=env)


@pytest.fixture
async def world(library: Path, tmp_path: Path, keep: Callable[[Server | Puppet], None]) -> AsyncIterator[World]:
    """A running server and nobody yet."""
    disk = BadDisk(library, tmp_path, "/server/")
    server = Server(tmp_path / "server")
    keep(server)
    world = World(tmp_path, server, disk)
    await world.start_server()
    keep(world.alice)
    keep(world.bob)
    yield world
    disk.heal()


@pytest.fixture
async def server(tmp_path: Path, keep: Callable[[Server | Puppet], None]) -> Server:
    """A server on a good disk."""
    server = Server(tmp_path / "server")
    keep(server)
    await server.start()
    return server


@pytest.fixture
async def people(server: Server, tmp_path: Path, keep: Callable[[Server | Puppet], None]) -> tuple[Puppet, Puppet]:
    """Alice and bob, who have said something already."""
    alice, bob = (Puppet(name, tmp_path / name, server.url) for name in ("alice", "bob"))
    for person in (alice, bob):
        keep(person)
        await person.start(invite=await server.invite())
    for number in range(5):
        for one, other in ((alice, "bob"), (bob, "alice")):
            lid = (await one.wish("say", to=other, text=f"{one.name} {number} " + "x" * 2000))["lid"]
            await one.state(lid, "delivered")
    return alice, bob
