"""What a person hands us to send, looked at before anything is written down: words, and a file from outside."""

from __future__ import annotations

import os

from protocol.limits import FILE_MAX_BYTES, MIB, TEXT_MAX_CHARS
from protocol.problems import MediaEmpty, MediaIsFolder, MediaTooLarge, MediaUnreadable, MediaVanished, TextTooLong


def whole_words(text: str) -> str:
    """Words of a message, or below a file, without halves of characters, which cannot travel. Raises TextTooLong."""
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if len(text) > TEXT_MAX_CHARS:
        raise TextTooLong(size_chars=len(text), limit_chars=TEXT_MAX_CHARS)
    return text


def file_at(path: str) -> tuple[str, str]:
    """The full path and the name of a file.

    Raises MediaVanished, MediaIsFolder, MediaEmpty, MediaTooLarge, MediaUnreadable: what can be seen from outside.
    """
    full = os.path.abspath(path)
    name = os.path.basename(full)
    try:
        if os.path.isdir(full):
            raise MediaIsFolder(name=name)
        size_bytes = os.stat(full).st_size
        if size_bytes == 0:
            raise MediaEmpty(name=name)
        if size_bytes > FILE_MAX_BYTES:
            raise MediaTooLarge(size_mb=-(-size_bytes // MIB), limit_mb=FILE_MAX_BYTES // MIB)
        if not os.access(full, os.R_OK):
            raise MediaUnreadable(name=name)
    except FileNotFoundError:
        raise MediaVanished(name=name) from None
    except (OSError, ValueError):
        raise MediaUnreadable(name=name) from None
    return full, name
