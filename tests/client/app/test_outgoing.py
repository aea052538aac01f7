"""Words and files are looked at before anything is written down."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from client.app.outgoing import file_at, whole_words
from protocol.limits import FILE_MAX_BYTES, TEXT_MAX_CHARS
from protocol.problems import Problem


def test_halves_of_characters_do_not_travel() -> None:
    assert whole_words("a\ud83d") == "a\ufffd"
    assert whole_words("\ud83d\ude00") == "😀"


def test_words_have_a_length() -> None:
    assert whole_words("x" * TEXT_MAX_CHARS) == "x" * TEXT_MAX_CHARS
    with pytest.raises(Problem) as refusal:
        whole_words("x" * (TEXT_MAX_CHARS + 1))
    assert refusal.value.code == "text_too_long"


def test_a_file_has_its_full_path_and_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cat.txt").write_text("cat")
    monkeypatch.chdir(tmp_path)
    assert file_at("cat.txt") == (str(tmp_path / "cat.txt"), "cat.txt")


def test_what_can_be_seen_from_outside_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with (tmp_path / "huge").open("wb") as huge:
        os.truncate(huge.fileno(), FILE_MAX_BYTES + 1)  # takes no room on the disk
    found = {}
    for path in (tmp_path, tmp_path / "empty", tmp_path / "huge", tmp_path / "gone", tmp_path / "a\0b"):
        with pytest.raises(Problem) as refusal:
            file_at(str(path))
        found[path.name] = refusal.value.code
    assert found == {
        tmp_path.name: "media_is_folder",
        "empty": "media_empty",
        "huge": "media_too_large",
        "gone": "media_vanished",
        "a\0b": "media_unreadable",
    }
