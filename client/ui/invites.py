"""An invite in one line that a person can copy: the server's address and the code."""

from __future__ import annotations

import re

# Begins where a word begins and never goes back inside one: whatever is pasted is looked through once.
_LINE = re.compile(r"(?<![\w.\-\[\]:])(?P<server>(?:https?://)?[\w.\-\[\]:]++)/?#(?P<code>[\w\-]+)")


def invite_line(server: str, code: str) -> str:
    """`http://127.0.0.1:8787/#CODE`"""
    return f"{server.rstrip('/')}/#{code}"


def read_invite(text: str) -> tuple[str, str] | None:
    """Address and code of a line that was pasted; None if it is not one."""
    found = _LINE.search(text.strip())
    return (found["server"], found["code"]) if found else None
