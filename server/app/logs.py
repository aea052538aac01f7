"""How the log looks: one line per event, nothing of what people wrote, and no line that somebody forged."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import TextIO

SHOWN_CHARS = 6  # of an id; enough to follow it, too little to use it


def short(id_: str) -> str:
    """An id as the log shows it (SEC-49)."""
    return id_ if len(id_) <= SHOWN_CHARS else f"{id_[:SHOWN_CHARS]}…"


def safe(text: str) -> str:
    """The text on one line: whatever is not printable is escaped (SEC-49)."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


class SafeFormatter(logging.Formatter):
    """Time, level if it is not ordinary, and the event. Of an error it shows its kind and where it came from,
    never its words: they may quote a message, a name or a path."""

    def __init__(self) -> None:
        super().__init__(datefmt="%Y-%m-%d %H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """One event, and below it the places an error passed through."""
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        line = f"{self.formatTime(record, self.datefmt)} {level}{safe(record.getMessage())}"
        error = record.exc_info[1] if record.exc_info else None
        return line if error is None else "\n".join([line, *_where(error)])


def _where(error: BaseException) -> list[str]:
    places = [
        f"    {safe(frame.filename)}:{frame.lineno} in {safe(frame.name)}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    return [*places, f"    {type(error).__name__}"]


def log_to(stream: TextIO = sys.stderr, level: int = logging.INFO) -> None:
    """Send every line of this process to `stream`, and to nowhere else."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(SafeFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for library in ("aiohttp", "asyncio"):  # below this they quote requests
        logging.getLogger(library).setLevel(logging.WARNING)
