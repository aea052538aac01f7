"""The bundle, as somebody uses it who has no Python: built, moved away from its sources, and tried."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import run as door

ROOT = Path(__file__).parents[2]
HIDDEN = ("/usr/bin", "/bin")
"""All that is left of PATH: no environment of this checkout, and none of the person's."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `python3 run.py bundle` makes, copied to where nothing else is."""
    built = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), "bundle"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    if built.returncode == 2 and "System packages are missing" in built.stderr:
        pytest.skip(f"not installed: {' '.join(door.Debian.missing(door.COMMANDS['bundle'].needs))}")
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    place = tmp_path_factory.mktemp("bundle") / "hexagram"
    shutil.copytree(ROOT / "dist" / "hexagram", place, symlinks=True)
    return place


def run(bundle: Path, home: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the bundle in an environment of its own."""
    env = {"PATH": ":".join(HIDDEN), "HOME": str(home), "LANG": "C.UTF-8", "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(
        [str(bundle / program), *arguments], capture_output=True, text=True, env=env, cwd=home, check=False, timeout=120
    )


@pytest.mark.timeout(400)
def test_the_bundle_shows_its_own_demo(bundle: Path, tmp_path: Path) -> None:
    """Its own server, media worker and samples: six packets for every message, every file whole."""
    shown = run(bundle, tmp_path, "hexagram", "demo", "--json")

    assert shown.returncode == 0, shown.stderr[-2000:]
    report = json.loads(shown.stdout)
    assert report["good"]
    assert len(report["messages"]) == 5


@pytest.mark.timeout(400)
def test_the_server_of_the_bundle_stands_alone(bundle: Path, tmp_path: Path) -> None:
    told = run(bundle, tmp_path, "hexagram-server", "invite", "--data-dir", str(tmp_path / "server"))

    assert told.returncode == 0, told.stderr[-2000:]
    assert len(told.stdout.strip().replace("-", "")) == 26
