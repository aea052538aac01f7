"""The table of the planted mistakes counts right, and the page keeps the rows nobody measured anew."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import run
from tests.mutation.__main__ import PAGE, chosen, modules
from tests.mutation.score import (
    BEGIN,
    CORES,
    END,
    Score,
    below_goal,
    exit_codes,
    merged,
    rewritten,
    rows_of,
    score_of,
    survivors,
    table,
)
from tests.mutation.workshop import Stop, narrow, progress

MARKS = Score("server/core/marks.py", 10, 8, 1, 1, "abc, 2026-01-01")


def test_what_was_not_noticed_is_a_survivor_whatever_the_reason() -> None:
    codes = {"killed": 1, "broken": 3, "endless": 36, "survived": 0, "no test": 33, "not tried": None, "crashed": -11}
    assert score_of("m.py", codes.values(), "c") == Score("m.py", 7, 2, 1, 4, "c")
    assert survivors(codes) == ["survived", "no test", "not tried", "crashed"]


def test_the_results_of_a_module_are_read_where_mutmut_leaves_them(tmp_path: Path) -> None:
    meta = tmp_path / "mutants/server/core/marks.py.meta"
    meta.parent.mkdir(parents=True)
    meta.write_text('{"exit_code_by_key": {"a": 1, "b": null}, "durations_by_key": {}}', encoding="utf-8")
    assert exit_codes(tmp_path, "server/core/marks.py") == {"a": 1, "b": None}
    assert exit_codes(tmp_path, "server/core/rules.py") == {}


def test_a_page_keeps_the_rows_that_were_not_measured() -> None:
    page = rewritten(f"head\n{BEGIN}\n{END}\nfoot\n", [MARKS])
    assert rows_of(page) == [MARKS]
    other = Score("client/core/marks.py", 100, 90, 0, 10, "def, 2026-01-02")
    gone = Score("client/core/gone.py", 1, 1, 0, 0, "abc, 2026-01-01")
    rows = merged([*rows_of(page), gone], [other], ["client/core/marks.py", "server/core/marks.py"])
    assert rows == [other, MARKS]
    again = rewritten(page, rows)
    assert again.startswith("head\n")
    assert again.endswith("\nfoot\n")
    assert rows_of(again) == rows


def test_a_page_without_a_place_for_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="needs the lines"):
        rewritten("no marks", [MARKS])


def test_the_table_sums_up_each_core_and_all() -> None:
    other = Score("client/core/marks.py", 100, 90, 0, 10, "def, 2026-01-02")
    lines = table([other, MARKS]).splitlines()
    assert lines[-1] == "| `all` | 110 | 98 | 1 | 11 | 90.0 % | several |"
    assert "| `server/core` | 10 | 8 | 1 | 1 | 90.0 % | abc, 2026-01-01 |" in lines


def test_each_core_and_each_module_has_its_goal() -> None:
    assert below_goal([MARKS], whole=True) == []
    weak = Score("server/core/weak.py", 10, 8, 0, 2, "c")
    strong = Score("client/core/strong.py", 1000, 1000, 0, 0, "c")
    low = "server/core/weak.py: 80.0%, below 85%"
    assert below_goal([strong, weak], whole=True) == ["server/core: 80.0%, below 90%", low]
    assert below_goal([strong, weak], whole=False) == [low]


def test_a_run_of_a_few_modules_leaves_the_others_alone(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text((run.ROOT / "pyproject.toml").read_text("utf-8"), "utf-8")
    narrow(tmp_path, ["server/core/marks.py"])
    config = tomllib.loads((tmp_path / "pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]
    assert config["only_mutate"] == ["server/core/marks.py"]
    assert config["source_paths"] == list(CORES)


def test_a_module_is_named_by_its_path_its_dotted_name_or_its_last_name() -> None:
    assert chosen(["server/core/marks.py"]) == chosen(["server.core.marks"]) == ["server/core/marks.py"]
    assert chosen(["marks"]) == ["client/core/marks.py", "server/core/marks.py"]
    assert chosen([]) == modules()
    with pytest.raises(Stop):
        chosen(["no_such_module"])


def test_the_last_picture_of_the_spinner_says_how_far_it_is(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes("\r⠙ 9/2436  🎉 8\r⠹ 10/2436  🎉 9".encode())
    assert progress(log) == "10 of 2436"
    log.write_bytes(b"Generating mutants")
    assert progress(log) == "getting ready"


def test_the_page_has_a_row_for_every_module_with_something_to_change() -> None:
    named = {row.name for row in rows_of(PAGE.read_text(encoding="utf-8"))}
    assert named <= set(modules())
    assert len(named) > 30
