"""Every emoji there is to choose from, by group, with words to find it by; `resources/emoji.json` has them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

USUAL = ("👍", "❤️", "😂", "😮", "😢", "🙏")
"""What is offered first under a message."""
FOUND_MAX = 120


@dataclass(frozen=True, slots=True)
class Emoji:
    """One sign, and what it is called in English and Chinese: its name first, then other words."""

    sign: str
    english: str
    chinese: str

    def name(self, language: str) -> str:
        """What a screen reader calls it."""
        words = self.chinese if language.startswith("zh") and self.chinese else self.english
        return words.partition(", ")[0]


@lru_cache(maxsize=1)
def groups() -> dict[str, tuple[Emoji, ...]]:
    """All of them, in Unicode's order."""
    text = resources.files("resources").joinpath("emoji.json").read_text(encoding="utf-8")
    return {name: tuple(Emoji(*row) for row in rows) for name, rows in json.loads(text)["groups"].items()}


def find(words: str) -> list[Emoji]:
    """Those with all these words, in either language; the ones that are named so come first."""
    wanted = words.casefold().split()
    found = [
        each
        for group in groups().values()
        for each in group
        if all(word in each.english.casefold() or word in each.chinese for word in wanted)
    ]
    return sorted(found, key=lambda each: _rank(each, wanted))[:FOUND_MAX]


def _rank(emoji: Emoji, wanted: list[str]) -> int:
    """0 if a name begins with these words, 1 if it begins with the first one, 2 if that is in a name, else 3."""
    names = (emoji.name("en").casefold(), emoji.name("zh"))
    first = wanted[0] if wanted else ""
    if any(name.startswith(" ".join(wanted)) for name in names):
        return 0
    if any(name.startswith(first) for name in names):
        return 1
    return 2 if any(first in name for name in names) else 3


def name_of(sign: str, language: str) -> str:
    """What a sign is called; the sign itself if it is not in the list."""
    found = next((each for group in groups().values() for each in group if each.sign == sign), None)
    return found.name(language) if found is not None else sign
