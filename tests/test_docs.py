"""What is not documented does not exist: every problem, packet and limit has its line in docs/.

`python -m tests.test_docs` writes the tables again.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

from protocol import limits, packets
from protocol.problems import BY_CODE

ROOT = Path(__file__).parent.parent
PROBLEMS = ROOT / "docs" / "PROBLEMS.md"
LIMITS = ROOT / "docs" / "LIMITS.md"
CONFORMANCE = ROOT / "docs" / "CONFORMANCE.md"
LINE = re.compile(r"^(?P<names>[A-Z][A-Z0-9_, ]*) = (?P<values>[^#]+?) *(?:# (?P<why>.*))?$")


def problems_page() -> str:
    """Every problem: its code, both sentences, whether it goes on by itself."""
    chinese = json.loads((ROOT / "resources" / "words" / "problems.zh_CN.json").read_text(encoding="utf-8"))
    head = (
        "# What can go wrong, and what is said then\n\n"
        "Every problem has a stable code, for the wire, the log and the harness, and a sentence that says what to do.\n"
        "Facts stand in braces. *Again*: it goes on by itself.\n\n"
        "| code | sentence | 中文 | again |\n|---|---|---|---|\n"
    )
    rows = [
        f"| `{code}` | {kind.said} | {chinese[kind.said]} | {'yes' if kind.can_retry else ''} |"
        for code, kind in sorted(BY_CODE.items())
    ]
    return head + "\n".join(rows) + "\n"


def limits_page() -> str:
    """Every number of the system, with its reason and source, in the order of the file."""
    rows, found = [], set()
    for line in (ROOT / "protocol" / "limits.py").read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"# -+ (.*)", line):
            rows.append(f"| **{heading[1]}** | | |")
        elif (match := LINE.match(line)) and match["why"]:
            found |= set(match["names"].split(", "))
            rows.append(f"| `{match['names']}` | `{match['values']}` | {match['why']} |")
    named = {name for name in vars(limits) if name.isupper() and name not in ("KIB", "MIB", "GIB")}
    assert found == named, f"without a reason on their line: {sorted(named - found)}"
    head = "# Every number of the system\n\nUnits stand in the names. They live in `protocol/limits.py`.\n\n"
    return head + "| name | value | why, and where from |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def test_every_problem_has_its_line() -> None:
    assert PROBLEMS.read_text(encoding="utf-8") == problems_page()


def test_every_limit_has_its_line() -> None:
    assert LIMITS.read_text(encoding="utf-8") == limits_page()


def test_every_packet_has_its_line_in_the_contract() -> None:
    contract = (ROOT / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")
    tags = {kind.__struct_config__.tag for kind in (*get_args(packets.FromClient), *get_args(packets.FromServer))}

    assert [tag for tag in sorted(tags) if f"`{tag}`" not in contract] == []


def test_every_problem_is_tried_or_said_somewhere() -> None:
    """A code that no test names is a sentence nobody has ever seen."""
    tests = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)
    )
    names = {code: kind.__name__ for code, kind in BY_CODE.items()}

    assert [code for code, name in names.items() if code not in tests and name not in tests] == []


def test_every_rule_of_the_contract_has_one_row() -> None:
    contract = (ROOT / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")
    rules = set(re.findall(r"\*\*(P-\d+)\b", contract))
    rows = re.findall(r"^\| \*\*(P-\d+)\*\* \|", CONFORMANCE.read_text(encoding="utf-8"), re.MULTILINE)
    numbers = sorted(int(rule.removeprefix("P-")) for rule in rules)

    assert numbers == list(range(1, len(numbers) + 1)), "a rule without a number, or a number without a rule"
    assert sorted(rows) == sorted(rules)


def test_every_row_is_kept_or_says_what_is_missing() -> None:
    for row in re.findall(r"^\| \*\*P-.*$", CONFORMANCE.read_text(encoding="utf-8"), re.MULTILINE):
        said = re.search(r"\| \*(kept|kept, differently|not yet)\*(: .+)? \|$", row)
        assert said, row
        assert said[1] == "kept" or said[2], f"without a reason: {row}"
        assert said[1] == "not yet" or "::" in row, f"without a test: {row}"


def test_every_place_and_test_that_the_rows_name_exists() -> None:
    text = CONFORMANCE.read_text(encoding="utf-8")
    sources = {path: (ROOT / path).read_text(encoding="utf-8") for path in re.findall(r"(?<=[ |])\w[\w/]*\.py", text)}
    tests = re.findall(r"`([\w/]+\.py)::(\w+)`", text)

    assert sources
    assert tests
    for path, name in tests:
        assert f"def {name}(" in (ROOT / "tests" / path).read_text(encoding="utf-8"), f"{path}::{name}"
    for path, names in re.findall(r"(?<=[ |])(\w[\w/]*\.py): ([\w, ]+)", text):
        lost = [name for name in names.strip().split(", ") if not re.search(rf"\b{name.split()[0]}\b", sources[path])]
        assert not lost, f"{path}: {lost}"


if __name__ == "__main__":
    PROBLEMS.write_text(problems_page(), encoding="utf-8")
    LIMITS.write_text(limits_page(), encoding="utf-8")
