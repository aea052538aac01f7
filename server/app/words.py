"""What the server says to the person who starts it: English, or Chinese where it is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.resources import files

LANGUAGES = ("en", "zh")
TABLE = "problems.zh_CN.json"


def language(wanted: str | None, environment: Mapping[str, str]) -> str:
    """The language that was asked for, else the one of the computer, else English."""
    if wanted:
        return wanted
    told = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return "zh" if told.lower().startswith("zh") else "en"


def translator(language: str) -> Callable[[str], str]:
    """From the English sentence to the one of this language; a sentence without translation stays English."""
    if language != "zh":
        return str
    try:
        table: dict[str, str] = json.loads((files("resources") / "words" / TABLE).read_text(encoding="utf-8"))
    except (OSError, ModuleNotFoundError, ValueError):
        return str
    return lambda sentence: table.get(sentence, sentence)
