"""The files that wait above the text field: looked at from outside, refused with a reason, never sent by themselves."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from protocol.limits import FILE_MAX_BYTES, MEDIA_PER_MESSAGE_MAX
from protocol.problems import (
    MediaEmpty,
    MediaIsFolder,
    MediaTooLarge,
    MediaUnreadable,
    MediaVanished,
)

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".gif")
SOUNDS = (".m4a", ".mp3", ".ogg", ".oga", ".opus", ".wav", ".flac", ".aac")
VIDEOS = (".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v")
MIB = 1024 * 1024
STAGED_MAX = 100
"""More files than this are not sent by one press, in however many albums."""
FITTED_SIDE_PX = 2048
"""Larger pictures are fitted to this side where they are made smaller."""
LARGE_FILM_BYTES = 8_000_000
"""Films from this size on are said to be made smaller; what becomes of each, the worker decides."""
Guess = Literal["picture", "voice", "video", "file"]


@dataclass(frozen=True, slots=True)
class Staged:
    """One file that waits. `guess` is what its name promises; what it really is, its first bytes say later.

    `album` is the one it was to be sent in: what is left when sending was refused joins what went.
    """

    path: str
    name: str
    size_bytes: int
    guess: Guess = "file"
    album: str = ""

    @property
    def takes_caption(self) -> bool:
        """Whether words can travel in the same message: a voice note has none."""
        return self.guess != "voice"


@dataclass(frozen=True, slots=True)
class Tray:
    """What waits in one conversation, and whether pictures go as plain files.

    `split`: the person agreed that more than one message holds go as several albums.
    """

    files: tuple[Staged, ...] = ()
    as_files: bool = False
    split: bool = False

    def add(self, staged: Staged) -> Tray:
        """With one more file; the same file is not there twice."""
        if any(known.path == staged.path for known in self.files):
            return self
        return replace(self, files=(*self.files, staged))

    def without(self, path: str) -> Tray:
        """With one file less."""
        return replace(self, files=tuple(known for known in self.files if known.path != path))

    def moved(self, path: str, place: int) -> Tray:
        """With one file at another place, counted from 0; the others close up."""
        found = next((known for known in self.files if known.path == path), None)
        if found is None:
            return self
        others = [known for known in self.files if known.path != path]
        place = max(0, min(len(others), place))
        return replace(self, files=(*others[:place], found, *others[place:]))

    @property
    def full(self) -> bool:
        """Whether no more fit."""
        return len(self.files) >= (STAGED_MAX if self.split else MEDIA_PER_MESSAGE_MAX)

    @property
    def albums(self) -> tuple[tuple[str, ...], ...]:
        """Paths of the pictures and films that stand beside one another, at most ten together."""
        if self.as_files:
            return ()
        runs: list[list[str]] = [[]]
        for staged in self.files:
            if staged.guess not in ("picture", "video") or len(runs[-1]) == MEDIA_PER_MESSAGE_MAX:
                runs.append([])
            if staged.guess in ("picture", "video"):
                runs[-1].append(staged.path)
        return tuple(tuple(run) for run in runs if len(run) > 1)

    @property
    def size_bytes(self) -> int:
        """All of it."""
        return sum(staged.size_bytes for staged in self.files)

    def named(self, new_album: Callable[[], str]) -> Tray:
        """With a name for each of its albums; one that was begun before keeps its name."""
        names: dict[str, str] = {}
        known = {staged.path: staged.album for staged in self.files}
        for run in self.albums:
            name = next(filter(None, (known[path] for path in run)), "") or new_album()
            names.update(dict.fromkeys(run, name))
        return replace(self, files=tuple(replace(each, album=names.get(each.path, each.album)) for each in self.files))

    @property
    def large_films(self) -> bool:
        """Whether one of them will take its time to be made smaller."""
        return any(staged.guess == "video" and staged.size_bytes > LARGE_FILM_BYTES for staged in self.files)

    @property
    def caption_at(self) -> int | None:
        """Which file the words go with; None if none can take them."""
        if self.as_files:
            return 0 if self.files else None
        return next((place for place, staged in enumerate(self.files) if staged.takes_caption), None)


def guess_of(name: str) -> Guess:
    """What a name promises."""
    suffix = os.path.splitext(name)[1].lower()
    guesses: dict[tuple[str, ...], Guess] = {PICTURES: "picture", SOUNDS: "voice", VIDEOS: "video"}
    return next((guess for suffixes, guess in guesses.items() if suffix in suffixes), "file")


def look_at(path: str) -> Staged:
    """A file as it can be seen from outside.

    Raises: MediaVanished, MediaIsFolder, MediaEmpty, MediaTooLarge, MediaUnreadable.
    """
    name = os.path.basename(path.rstrip("/\\")) or path
    try:
        if os.path.isdir(path):
            raise MediaIsFolder(name=name)
        size_bytes = os.stat(path).st_size
    except FileNotFoundError:
        raise MediaVanished(name=name) from None
    except (OSError, ValueError):
        raise MediaUnreadable(name=name) from None
    if size_bytes == 0:
        raise MediaEmpty(name=name)
    if size_bytes > FILE_MAX_BYTES:
        raise MediaTooLarge(size_mb=-(-size_bytes // MIB), limit_mb=FILE_MAX_BYTES // MIB)
    if not os.path.isfile(path) or not os.access(path, os.R_OK):
        raise MediaUnreadable(name=name)
    return Staged(os.path.abspath(path), name, size_bytes, guess_of(name))
