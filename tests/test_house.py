"""The house stands as it was drawn: what an import contract cannot see (pyproject.toml has the contracts)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import run

ROOT = Path(__file__).resolve().parent.parent

ROOMS = (
    "protocol",
    "client/core", "client/app", "client/adapters", "client/worker", "client/ui",
    "client/harness", "client/demo",
    "server/core", "server/app", "server/doors", "server/stores", "server/routes", "server/blobs",
    "resources",
)  # fmt: skip
FRONT_DOORS = (
    "client/__main__.py", "client/bootstrap.py", "client/ports.py", "client/programs.py",
    "server/__main__.py", "server/bootstrap.py", "server/ports.py",
)  # fmt: skip

# Pure packages, and what each may import beside the values of the standard library.
PURE = {
    "protocol": {"msgspec", "protocol"},
    "client/core": {"msgspec", "protocol", "client.core"},
    "server/core": {"msgspec", "protocol", "server.core"},
}
# The standard library without clock, dice, files, sockets, threads and logging.
VALUES = {
    "__future__", "abc", "base64", "binascii", "bisect", "collections", "contextlib", "copy", "dataclasses",
    "enum", "functools", "hashlib", "heapq", "hmac", "itertools", "json", "math", "operator", "re", "string",
    "struct", "types", "typing", "unicodedata", "zlib",
}  # fmt: skip
IMPURE_CALLS = {"open", "print", "input", "eval", "exec", "compile", "breakpoint", "__import__"}

SAMPLE_MAKER = "resources/samples/make.py"  # a tool for us, not a part of the program
# A third party is known in one place, so that it can be changed in one place.
ONLY_IN = {
    "PySide6": ("client/ui",),
    "qasync": ("client/ui",),
    "cv2": ("client/worker", SAMPLE_MAKER),
    "pydub": ("client/worker",),
    "numpy": ("client/worker", SAMPLE_MAKER),
    "httpx": ("client/adapters",),
    "websockets": ("client/adapters",),
    "aiohttp": ("server/doors",),
    "uvloop": ("server/bootstrap.py", "server/__main__.py"),
    "sqlite_utils": ("client/adapters", "server/stores"),
    "sqlite3": ("client/adapters", "server/stores"),
    "platformdirs": ("client/adapters", "client/bootstrap.py", "server/bootstrap.py"),
}
SCREEN_LINES = 50


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported(tree: ast.Module) -> Iterator[str]:
    """The full name of every module that is imported, at the top or inside a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are banned"
            yield node.module or ""


def allowed(name: str, allowances: set[str]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in allowances)


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_of_the_house_exists(room: str) -> None:
    assert (ROOT / room / "__init__.py").is_file(), f"{room} is not a package"


@pytest.mark.parametrize("door", FRONT_DOORS)
def test_every_front_door_exists(door: str) -> None:
    assert (ROOT / door).is_file(), f"{door} is missing"


def test_no_package_escapes_the_checks() -> None:
    """A new folder of code must enter run.PACKAGES, or neither types nor tests would look at it."""
    found = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert found <= set(run.PACKAGES)


@pytest.mark.parametrize("path", modules(*PURE), ids=name_of)
def test_a_pure_module_imports_values_only(path: Path) -> None:
    room = next(room for room in PURE if name_of(path).startswith(f"{room}/"))
    foreign = [name for name in imported(tree_of(path)) if not allowed(name, VALUES | PURE[room])]
    assert foreign == []


@pytest.mark.parametrize("path", modules(*PURE), ids=name_of)
def test_a_pure_module_touches_nothing_outside(path: Path) -> None:
    calls = {
        node.func.id
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert calls & IMPURE_CALLS == set()


@pytest.mark.parametrize("path", modules(*PURE), ids=name_of)
def test_no_function_of_a_pure_module_is_longer_than_a_screen(path: Path) -> None:
    functions = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    assert {name: lines for name, lines in lengths.items() if lines > SCREEN_LINES} == {}


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_known_in_one_place(library: str) -> None:
    places = tuple(f"{place}/" if not place.endswith(".py") else place for place in ONLY_IN[library])
    users = {
        name_of(path)
        for path in modules("protocol", "client", "server", "resources")
        if any(allowed(name, {library}) for name in imported(tree_of(path)))
    }
    assert {user for user in users if not user.startswith(places)} == set()


@pytest.mark.parametrize("path", modules("client/adapters"), ids=name_of)
def test_an_adapter_knows_no_other_adapter(path: Path) -> None:
    """Modules that share their first word, such as sqlite_messages and sqlite_schema, are one adapter."""
    package = "client.adapters."
    others = [name.removeprefix(package) for name in imported(tree_of(path)) if name.startswith(package)]
    assert [other for other in others if other.split("_")[0] != path.stem.split("_")[0]] == []


@pytest.mark.parametrize("path", modules("protocol", "client", "server", "resources"), ids=name_of)
def test_a_module_says_first_what_it_is_for(path: Path) -> None:
    tree = tree_of(path)
    assert not tree.body or ast.get_docstring(tree), f"{name_of(path)} has no docstring"
