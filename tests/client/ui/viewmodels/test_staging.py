"""What may wait above the field, and why something may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.ui.viewmodels import staging
from client.ui.viewmodels.staging import Guess, Staged, Tray, guess_of, look_at
from protocol.limits import MEDIA_PER_MESSAGE_MAX
from protocol.problems import Problem


@pytest.mark.parametrize(
    ("name", "guess"),
    [("a.JPG", "picture"), ("b.m4a", "voice"), ("c.webm", "video"), ("d.pdf", "file"), ("noending", "file")],
)
def test_a_name_promises_a_kind(name: str, guess: str) -> None:
    assert guess_of(name) == guess


def test_a_file_is_seen_from_outside(tmp_path: Path) -> None:
    path = tmp_path / "列表.txt"
    path.write_bytes(b"12345")
    assert look_at(str(path)) == Staged(str(path), "列表.txt", 5)


@pytest.mark.parametrize("kind", ["folder", "empty", "gone", "large"])
def test_what_cannot_be_sent_has_a_reason(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    if kind == "folder":
        path.mkdir()
    elif kind != "gone":
        path.write_bytes(b"" if kind == "empty" else b"too much")
    monkeypatch.setattr(staging, "FILE_MAX_BYTES", 4)
    with pytest.raises(Problem) as refused:
        look_at(str(path))
    codes = {"folder": "media_is_folder", "empty": "media_empty", "gone": "media_vanished", "large": "media_too_large"}
    assert refused.value.code == codes[kind]


def test_a_file_waits_once_and_can_be_taken_away() -> None:
    tray = Tray().add(Staged("/a", "a", 3)).add(Staged("/b", "b", 4)).add(Staged("/a", "a", 3))
    assert [staged.path for staged in tray.files] == ["/a", "/b"]
    assert tray.size_bytes == 7
    assert [staged.path for staged in tray.without("/a").files] == ["/b"]


def test_a_tray_is_full_at_the_limit() -> None:
    tray = Tray(tuple(Staged(f"/{place}", "x", 1) for place in range(MEDIA_PER_MESSAGE_MAX)))
    assert tray.full
    assert not tray.without("/0").full


def test_a_file_goes_to_another_place() -> None:
    tray = Tray(tuple(Staged(name, name, 1) for name in "abcd"))
    assert "".join(staged.name for staged in tray.moved("a", 2).files) == "bcad"
    assert "".join(staged.name for staged in tray.moved("d", -9).files) == "dabc"
    assert "".join(staged.name for staged in tray.moved("b", 99).files) == "acdb"
    assert tray.moved("x", 1) == tray


def files(kinds: str) -> tuple[Staged, ...]:
    guesses: dict[str, Guess] = {"p": "picture", "v": "video", "s": "voice", "f": "file"}
    return tuple(Staged(f"{place}", "x", 1, guesses[kind]) for place, kind in enumerate(kinds))


@pytest.mark.parametrize(
    ("kinds", "sizes"),
    [
        ("p", []),
        ("pv", [2]),
        ("ppfpp", [2, 2]),
        ("psp", []),
        ("p" * 10, [10]),
        ("p" * 11, [10]),
        ("p" * 23, [10, 10, 3]),
    ],
)
def test_pictures_and_films_beside_one_another_are_an_album(kinds: str, sizes: list[int]) -> None:
    assert [len(run) for run in Tray(files(kinds)).albums] == sizes
    assert Tray(files(kinds), as_files=True).albums == ()


def test_an_album_keeps_its_name_once_it_was_begun() -> None:
    names = iter(("first", "second", "third"))
    tray = Tray(files("ppfpps")).named(lambda: next(names))
    assert [staged.album for staged in tray.files] == ["first", "first", "", "second", "second", ""]
    left = tray.without("0").without("3").add(Staged("9", "x", 1, "picture"))
    assert [staged.album for staged in left.named(lambda: next(names)).files] == ["first", "", "second", "", ""]


def test_who_agreed_to_several_albums_has_room_for_more() -> None:
    assert Tray(files("p" * 10)).full
    assert not Tray(files("p" * 10), split=True).full
    assert Tray(files("p" * 100), split=True).full


def test_words_go_with_the_first_file_that_can_carry_them() -> None:
    voice, picture = Staged("/v", "v.m4a", 1, "voice"), Staged("/p", "p.jpg", 1, "picture")
    assert Tray((voice, picture)).caption_at == 1
    assert Tray((voice,)).caption_at is None
    assert Tray((voice,), as_files=True).caption_at == 0
    assert Tray().caption_at is None
