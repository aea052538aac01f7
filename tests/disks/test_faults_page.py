"""docs/FAULTS.md is true: every fault has one row, and every test it names is there."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "FAULTS.md").read_text(encoding="utf-8")


def test_every_fault_has_one_row_that_names_a_test_or_a_reason() -> None:
    rows = dict(re.findall(r"^\| \*\*F-(\d+)\*\* \|.*\| (.+) \|$", PAGE, re.MULTILINE))
    assert list(map(int, rows)) == list(range(1, 51))
    assert [number for number, shown in rows.items() if "`" not in shown and len(shown) < 30] == []


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) > 70
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not re.search(rf"^(async )?def {name}\(", (TESTS / file).read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert missing == []
