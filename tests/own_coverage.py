"""Is each module of the pure packages fully covered by its *own* test module? `python -m tests.own_coverage`.

A line that only some other test happens to pass through is a line whose meaning nobody wrote down. Lines and
branches both count. Exceptions, each with its reason, are in pyproject.toml under [tool.hexagram].
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import coverage

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".run" / "own-coverage"
PURE = ("protocol", "client/core", "server/core")


@dataclass(frozen=True)
class Gap:
    """What the own tests of `module` leave out: lines, and jumps from one line to another."""

    module: str
    lines: tuple[int, ...]
    jumps: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        lines = listed([str(line) for line in self.lines])
        jumps = listed([f"{start}->{'exit' if end < 0 else end}" for start, end in self.jumps])
        parts = [lines and f"lines {lines}", jumps and f"jumps {jumps}"]
        return f"{self.module}: {'; '.join(filter(None, parts))}"


def listed(places: list[str], most: int = 12) -> str:
    """The first few places, and how many there are in all."""
    more = f" … ({len(places)} in all)" if len(places) > most else ""
    return ", ".join(places[:most]) + more


def modules() -> list[str]:
    """The modules that must be covered, as paths from the checkout's root; empty ones count as covered."""
    paths = (path for folder in PURE for path in (ROOT / folder).rglob("*.py"))
    return sorted(path.relative_to(ROOT).as_posix() for path in paths if path.stat().st_size)


def exceptions() -> dict[str, str]:
    """Modules that are let off, and why."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: dict[str, str] = table["tool"]["hexagram"]["own_coverage_exceptions"]
    return found


def own_tests(module: str) -> str:
    """A pattern for the ids of a module's own tests: test_NAME.py, or test_NAME_PART.py if that grew."""
    path = Path(module)
    stem = path.parent.name if path.stem == "__init__" else path.stem
    return rf"^tests/{re.escape(path.parent.as_posix())}/test_{re.escape(stem)}(_\w+)?\.py::"


def measure() -> int:
    """Run the tests of the pure packages, noting which test ran which line. Returns pytest's exit code."""
    WORK.mkdir(parents=True, exist_ok=True)
    for old in WORK.glob("data*"):
        old.unlink()
    (WORK / "coveragerc").write_text(
        f"[run]\nbranch = true\nrelative_files = true\ndata_file = {WORK / 'data'}\nsource =\n"
        + "".join(f"    {folder}\n" for folder in PURE),
        encoding="utf-8",
    )
    words = [sys.executable, "-m", "pytest", "-q", "--no-header", *(f"tests/{name}" for name in PURE)]
    words += ["--cov", "--cov-context=test", "--cov-report=", f"--cov-config={WORK / 'coveragerc'}"]
    return subprocess.run(words, cwd=ROOT, check=False).returncode


def gap_of(module: str, data: coverage.Coverage) -> Gap | None:
    """Compare a module with what its own tests, and the import of it, ran."""
    out = WORK / "report.json"
    data.json_report(morfs=[str(ROOT / module)], contexts=["^$", own_tests(module)], outfile=str(out))
    (found,) = json.loads(out.read_text(encoding="utf-8"))["files"].values()
    lines, jumps = tuple(found["missing_lines"]), tuple(map(tuple, found["missing_branches"]))
    return Gap(module, lines, jumps) if lines or jumps else None


def main() -> int:
    """Measure, list the gaps, and return 1 if there is one that has no reason."""
    if code := measure():
        return code
    data = coverage.Coverage(config_file=str(WORK / "coveragerc"))
    data.load()
    excused = exceptions()
    gaps = [gap for module in modules() if (gap := gap_of(module, data))]
    for gap in gaps:
        print(f"{'excused: ' + excused[gap.module] if gap.module in excused else 'NOT COVERED'} {gap}")
    needless = sorted(excused.keys() - {gap.module for gap in gaps})
    for module in needless:
        print(f"NOT NEEDED {module} is excused, but covered (or gone): remove it from pyproject.toml")
    unexcused = [gap for gap in gaps if gap.module not in excused]
    print(f"{len(modules())} modules, {len(gaps)} not fully covered by their own tests")
    return 1 if unexcused or needless else 0


if __name__ == "__main__":
    sys.exit(main())
