"""What the tests noticed: a score per module, read from what mutmut leaves, and its table in docs/MUTATION.md."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

CORES = ("client/core", "server/core")
GOAL = 0.9  # of all mutants of a core
MODULE_GOAL = 0.85

# What a process that tried a mutant ends with (mutmut.stats, status_by_exit_code).
KILLED = {1, 3}  # a test failed; a module could not even be imported
TIMED_OUT = {-24, 24, 36, 152, 255}

BEGIN, END = "<!-- the table begins -->", "<!-- the table ends -->"
HEAD = "| module | mutants | killed | timed out | survived | share | commit |\n|---|---:|---:|---:|---:|---:|---|"
ROW = re.compile(r"^\| `(\S+)` \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| [\d.]+ % \| (.+) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Score:
    """How the mutants of one module, or of several together, fared at one commit."""

    name: str
    mutants: int
    killed: int
    timed_out: int
    survived: int
    commit: str

    @property
    def share(self) -> float:
        """Killed or standing still forever, of all: 0 to 1. A module without mutants has nothing to miss."""
        return (self.killed + self.timed_out) / self.mutants if self.mutants else 1.0

    def __str__(self) -> str:
        share = f"{self.share:.1%}".replace("%", " %")
        counts = f"{self.mutants} | {self.killed} | {self.timed_out} | {self.survived}"
        return f"| `{self.name}` | {counts} | {share} | {self.commit} |"


def score_of(module: str, exit_codes: Iterable[int | None], commit: str) -> Score:
    """Whatever is neither killed nor timed out counts as a survivor: also what no test ran, or nobody tried."""
    codes = list(exit_codes)
    killed, timed_out = sum(code in KILLED for code in codes), sum(code in TIMED_OUT for code in codes)
    return Score(module, len(codes), killed, timed_out, len(codes) - killed - timed_out, commit)


def exit_codes(folder: Path, module: str) -> dict[str, int | None]:
    """The mutants of a module, by name, as mutmut left them; none, if there is nothing in it to change."""
    try:
        meta = (folder / "mutants" / f"{module}.meta").read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    found: dict[str, int | None] = json.loads(meta)["exit_code_by_key"]
    return found


def survivors(codes: dict[str, int | None]) -> list[str]:
    """The names of those nobody noticed."""
    return [name for name, code in codes.items() if code not in KILLED | TIMED_OUT]


def total(name: str, scores: Iterable[Score]) -> Score:
    """Several modules as one. Rows of several commits have none in common."""
    rows = list(scores)
    commits = {row.commit for row in rows}
    return Score(
        name,
        sum(row.mutants for row in rows),
        sum(row.killed for row in rows),
        sum(row.timed_out for row in rows),
        sum(row.survived for row in rows),
        commits.pop() if len(commits) == 1 else "several",
    )


def table(scores: Sequence[Score]) -> str:
    """A row per module, one per core, one for all."""
    rows: list[Score] = []
    for core in CORES:
        if inside := [score for score in scores if score.name.startswith(f"{core}/")]:
            rows += [*inside, total(core, inside)]
    return "\n".join([HEAD, *map(str, rows), str(total("all", scores))])


def rows_of(page: str) -> list[Score]:
    """The modules of a table that was written before."""
    _, _, rest = page.partition(BEGIN)
    found = [match.groups() for match in ROW.finditer(rest.partition(END)[0])]
    scores = [Score(row[0], int(row[1]), int(row[2]), int(row[3]), int(row[4]), row[5]) for row in found]
    return [score for score in scores if score.name.endswith(".py")]


def merged(old: Sequence[Score], new: Sequence[Score], modules: Sequence[str]) -> list[Score]:
    """The new rows, and the old ones of modules that were not tried now and still exist; in the order of names."""
    by_name = {score.name: score for score in (*old, *new) if score.name in modules}
    return [by_name[name] for name in sorted(by_name)]


def rewritten(page: str, scores: Sequence[Score]) -> str:
    """The page with another table. Raises ValueError without its two marks."""
    if BEGIN not in page or END not in page:
        raise ValueError(f"the page needs the lines {BEGIN} and {END}")
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{table(scores)}\n{END}{rest.partition(END)[2]}"


def below_goal(scores: Sequence[Score], whole: bool) -> list[str]:
    """What misses its goal, a sentence each. Of a few modules nothing is said about their cores."""
    wholes = [total(core, rows) for core in CORES if (rows := [s for s in scores if s.name.startswith(f"{core}/")])]
    low = [f"{core.name}: {core.share:.1%}, below {GOAL:.0%}" for core in wholes if whole and core.share < GOAL]
    return low + [f"{s.name}: {s.share:.1%}, below {MODULE_GOAL:.0%}" for s in scores if s.share < MODULE_GOAL]
