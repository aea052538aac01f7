"""The limits, seen from inside a process that took them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from client.worker import limits
from tests.client.worker.talk import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the layers of Linux are tested where they are")


def limited(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process that applied the limits; `said` holds what it said of them."""
    lead = "import json, os, sys\nfrom client.worker import limits\nsaid = limits.apply()\n"
    return subprocess.run([sys.executable, "-c", lead + code], cwd=ROOT, capture_output=True, text=True, check=False)


def told(code: str) -> Any:
    done = limited(code)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_layer_is_taken_or_named_as_skipped() -> None:
    said = told("print(json.dumps(said))")
    wanted = {
        "address_space",
        "cpu",
        "file_size",
        "core",
        "open_files",
        "no_new_privileges",
        "namespaces",
        "dies_with_parent",
    }
    assert set(said["layers"]) | set(said["skipped"]) == wanted
    assert {"address_space", "cpu", "file_size", "core", "open_files", "no_new_privileges"} <= set(said["layers"])


def test_two_gigabytes_are_not_to_be_had() -> None:
    assert told("try:\n    bytearray(2 << 30)\nexcept MemoryError:\n    print(json.dumps('refused'))") == "refused"


def test_no_more_than_64_files_are_open() -> None:
    code = """
held = []
try:
    while True:
        held.append(open(os.devnull))
except OSError:
    print(json.dumps(len(held)), flush=True)
    os._exit(0)
"""
    assert 0 < told(code) < 64


def test_a_file_does_not_grow_without_end(tmp_path: Path) -> None:
    code = f"""
handle = os.open({str(tmp_path / "big")!r}, os.O_CREAT | os.O_WRONLY)
os.lseek(handle, limits.FILE_SIZE_BYTES + limits.FILE_SIZE_HEADROOM_BYTES, os.SEEK_SET)
try:
    os.write(handle, b"x")
except OSError:
    print(json.dumps("refused"))
"""
    assert told(code) == "refused"


def test_a_job_that_burns_processor_time_is_ended_by_the_system() -> None:
    assert limited("limits.allow_cpu(0.1)\nwhile True: pass").returncode < 0


def test_each_job_gets_its_own_processor_time() -> None:
    code = """
import resource
limits.allow_cpu(5)
first = resource.getrlimit(resource.RLIMIT_CPU)[0]
limits.allow_cpu(500)
print(json.dumps([first, resource.getrlimit(resource.RLIMIT_CPU)[0]]))
"""
    first, second = told(code)
    assert second - first >= 490


def test_there_is_no_way_out_where_the_system_offers_that() -> None:
    code = """
import socket
with socket.socket() as line:
    line.settimeout(2)
    try:
        line.connect(("127.0.0.1", 9))
        reached = "connected"
    except ConnectionRefusedError:
        reached = "refused by a neighbour"
    except OSError:
        reached = "nowhere"
print(json.dumps([said, reached]))
"""
    said, reached = told(code)
    if "namespaces" in said["skipped"]:
        pytest.skip("this system does not let a process leave its network: " + said["skipped"]["namespaces"])
    assert reached == "nowhere"


@pytest.mark.parametrize(
    ("width", "height", "fits"),
    [
        (1, 1, True),
        (8000, 5000, True),
        (8000, 5001, False),
        (16384, 2000, True),
        (16385, 1, False),
        (0, 5, False),
    ],
)
def test_a_picture_has_at_most_40_megapixels_and_16384_a_side(width: int, height: int, fits: bool) -> None:
    assert limits.fits(width, height) is fits


def test_a_system_without_these_layers_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "resource", None)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(os, "environ", {})
    said = limits.apply()
    assert said["layers"] == []
    assert set(said["skipped"].values()) == {"not offered by win32"}
    limits.allow_cpu(1)
