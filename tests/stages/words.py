"""python -m tests.stages.words: sorts the translations of the screen, and lists what is missing or left over."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SCREEN = ROOT / "client" / "ui"
FILE = ROOT / "resources" / "words" / "ui.zh_CN.json"
KEY_PLACE = {"tr": 0, "plural": 1}
"""Which argument of a call is the key of its translation."""


def said() -> Iterator[tuple[str, str]]:
    """Every sentence of the screen: where it is said, and what."""
    for path in sorted(SCREEN.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEY_PLACE:
                words = node.args[KEY_PLACE[node.func.id]] if len(node.args) > KEY_PLACE[node.func.id] else None
                where = f"{path.relative_to(ROOT)}:{node.lineno}"
                for sentence in _literals(words):
                    yield where, sentence


def _literals(node: ast.expr | None) -> Iterator[str]:
    """The sentences an argument may be; an empty one if that cannot be read from the code."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)
    else:
        yield ""


def translated() -> dict[str, str]:
    """What the file says."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def main() -> None:
    """Sort, and tell."""
    words = translated()
    FILE.write_text(json.dumps(dict(sorted(words.items())), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    known = {sentence for _, sentence in said()}
    for where, sentence in said():
        if sentence not in words:
            print(f"{where}: not translated: {sentence!r}")
    for sentence in sorted(set(words) - known):
        print(f"left over: {sentence!r}")


if __name__ == "__main__":
    main()
