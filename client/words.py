"""Sentences for the person: finds the words of a language in `resources/words`; English is in the code itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources

SPELLINGS = {"zh": "zh_CN", "zh_cn": "zh_CN", "zh_hans": "zh_CN", "zh_hans_cn": "zh_CN"}


def language_of(text: str) -> str:
    """The language we have words for: `zh_CN`, or `en` for everything else. Reads `zh`, `zh-CN`, `zh_CN.UTF-8` …"""
    plain = text.partition(".")[0].replace("-", "_").lower()
    return SPELLINGS.get(plain, "en")


def problem_words(language: str) -> Callable[[str], str]:
    """What turns the English sentence of a Problem into one of this language."""
    known = language_of(language)
    if known == "en":
        return str
    file = resources.files("resources.words").joinpath(f"problems.{known}.json")
    words: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return lambda said: words.get(said, said)
