"""A throw-away copy of the checkout in which mutmut may plant its mistakes, and the environment it runs in."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Sequence
from pathlib import Path

import run

TELL_EVERY_S = 30.0
SECTION = "[tool.mutmut]"
TOGETHER = re.compile(rb"(\d+)/(\d+) ")  # the spinner's count: tried, all


class Stop(Exception):
    """The run cannot go on. The text says why."""


def head_to(folder: Path) -> None:
    """The last commit: nothing else can be named in a report."""
    words = ["git", "archive", "--format=tar", "HEAD"]
    archive = subprocess.run(words, cwd=run.ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")


def working_tree_to(folder: Path) -> None:
    """What is in the checkout now, also what is not committed yet."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=run.ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        source, target = run.ROOT / name, folder / name
        if source.is_file():  # or it is deleted and not committed yet
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def python() -> Path:
    """The Python of mutmut's own environment, which finds everything else in that of the tests."""
    environment = run.Environment(run.ROOT / ".venv-mutation")
    environment.ensure("mutation")
    inside = "import sysconfig; print(sysconfig.get_path('purelib'))"
    where = subprocess.run([environment.python, "-c", inside], capture_output=True, text=True, check=True).stdout
    (Path(where.strip()) / "tests.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    return environment.python


def narrow(folder: Path, modules: Sequence[str]) -> None:
    """Leave every other module as it is: a whole run is long, and a look at one module should not be."""
    path = folder / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(SECTION, f"{SECTION}\nonly_mutate = {json.dumps(list(modules))}"), encoding="utf-8")


def plant(folder: Path, modules: Sequence[str], children: int) -> None:
    """Let mutmut try every mutant of `modules`. Raises Stop if it could not begin."""
    narrow(folder, modules)
    log = folder / "mutmut.log"
    words = [str(python()), "-m", "mutmut", "run", "--max-children", str(children)]
    with log.open("wb") as out, subprocess.Popen(words, cwd=folder, stdout=out, stderr=subprocess.STDOUT) as process:
        while not _ended(process):
            tell(progress(log))
    if process.returncode != 0:
        tail = log.read_text(encoding="utf-8", errors="replace")[-3000:]
        raise Stop(f"mutmut ended with {process.returncode}:\n{tail}")


def _ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(TELL_EVERY_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def progress(log: Path) -> str:
    """How far mutmut says it is: `120 of 2436`. It draws a spinner, and its last picture is what counts."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 1000))
        found = TOGETHER.findall(file.read())
    return "{} of {}".format(*(count.decode() for count in found[-1])) if found else "getting ready"


def change_of(folder: Path, mutant: str) -> str:
    """What a mutant changes, as lines of a diff."""
    words = [str(run.Environment(run.ROOT / ".venv-mutation").python), "-m", "mutmut", "show", mutant]
    shown = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False).stdout
    lines = [line for line in shown.splitlines() if line[:1] in "+-" and not line.startswith(("+++", "---"))]
    return "\n".join(lines)


def tell(text: str) -> None:
    """To the person, beside the table."""
    print(text, file=sys.stderr, flush=True)
