"""F-28 with real processes: libfaketime tells the server and a person another time, and another one while they run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from client.harness.puppet import Puppet
from tests.end_to_end.processes import Server
from tests.end_to_end.test_two_people import said, texts

WITHIN_S = 60.0
YEAR_S = 365 * 86_400


class FalseClock:
    """The wall clock of one process, from its start on; what counts seconds is left alone."""

    def __init__(self, library: Path, file: Path, ahead_s: int) -> None:
        self._file = file
        self.set(ahead_s)
        self.env = {
            "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip

    def set(self, ahead_s: int) -> None:
        """From now on it is so far ahead; put in place as a whole, for it is read at any time."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead_s:+d}\n")
        new.replace(self._file)


@pytest.fixture(scope="module")
def library() -> Path:
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        pytest.skip("libfaketime is missing: apt-get install libfaketime")
    return found[0]


@pytest.mark.parametrize("years", [10, -10])
async def test_wall_clocks_that_are_wrong_and_jump_change_nothing(
    library: Path, tmp_path: Path, keep: Callable[[Server | Puppet], None], years: int
) -> None:
    """The server is ten years off, alice ten years to the other side; then both change places while words wait."""
    of_server = FalseClock(library, tmp_path / "server-clock", years * YEAR_S)
    of_alice = FalseClock(library, tmp_path / "alice-clock", -years * YEAR_S)
    server = Server(tmp_path / "server")
    keep(server)
    await server.start(env=of_server.env)
    alice, bob = (Puppet(name, tmp_path / name, server.url) for name in ("alice", "bob"))
    for person, env in ((alice, of_alice.env), (bob, {})):
        keep(person)
        await person.start(invite=await server.invite(), env={**os.environ, **env})

    lids = [(await alice.wish("say", to="bob", text=f"before {number}"))["lid"] for number in range(3)]
    for lid in lids:
        await alice.state(lid, "delivered", timeout_s=WITHIN_S)
    of_server.set(-years * YEAR_S)
    of_alice.set(years * YEAR_S)
    lids = [(await alice.wish("say", to="bob", text=f"after {number}"))["lid"] for number in range(3)]
    lids.append((await bob.wish("say", to="alice", text="answer"))["lid"])
    for person, lid in [*((alice, lid) for lid in lids[:3]), (bob, lids[3])]:
        await person.state(lid, "delivered", timeout_s=WITHIN_S)

    everything = [f"{when} {number}" for when in ("before", "after") for number in range(3)]
    for person, other in ((alice, "bob"), (bob, "alice")):
        assert [text for text in await texts(person, other) if text != "answer"] == everything
    times = [bubble["ts"] for bubble in await said(bob, "alice")]
    assert all(one < other for one, other in pairwise(times)), "what is shown never falls (P-35)"
    off_years = (times[0] / 1000 - time.time()) / YEAR_S
    assert round(off_years) == years, "the server did believe it"
