"""The files that wait above the text field: looked at from outside, refused with a reason, never sent by themselves."""

from __future__ import annotations

import os
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
Guess = Literal["picture", "voice", "video", "file"]


@dataclass(frozen=True, slots=True)
class Staged:
    """One file that waits. `guess` is what its name promises; what it really is, its first bytes say later."""

    path: str
    name: str
    size_bytes: int
    guess: Guess = "file"

    @property
    def takes_caption(self) -> bool:
        """Whether words can travel in the same message: a voice note has none."""
        return self.guess != "voice"


@dataclass(frozen=True, slots=True)
class Tray:
    """What waits in one conversation, and whether pictures go as plain files."""

    files: tuple[Staged, ...] = ()
    as_files: bool = False

    def add(self, staged: Staged) -> Tray:
        """With one more file; the same file is not there twice."""
        if any(known.path == staged.path for known in self.files):
            return self
        return replace(self, files=(*self.files, staged))

    def without(self, path: str) -> Tray:
        """With one file less."""
        return replace(self, files=tuple(known for known in self.files if known.path != path))

    @property
    def full(self) -> bool:
        """Whether no more fit."""
        return len(self.files) >= MEDIA_PER_MESSAGE_MAX

    @property
    def size_bytes(self) -> int:
        """All of it."""
        return sum(staged.size_bytes for staged in self.files)

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
