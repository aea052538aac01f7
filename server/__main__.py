"""`python -m server`: the server, and the commands for whoever looks after it.

    python -m server --data-dir DIR [--listen HOST:PORT] [--until-stdin-closes]
    python -m server invite --data-dir DIR
    python -m server doctor --data-dir DIR
    python -m server backup FOLDER --data-dir DIR
    python -m server restore FOLDER --data-dir DIR

The server prints one JSON line on stdout once it listens, and its log on stderr. What it cannot do it says in one
sentence on stderr, with an exit code of its own (`EXIT_CODES`), and leaves everything as it was.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from protocol.limits import (
    FILE_MAX_BYTES,
    GIB,
    MARKS_DELAY_MAX_S,
    MARKS_DELAY_MIN_S,
    MESSAGES_PER_S,
    MIB,
    PERSON_MAX_BYTES,
    QUESTIONS_PER_S,
    UPLOAD_DAY_BYTES,
)
from protocol.problems import Problem
from protocol.values import replace
from server.app.logs import log_to
from server.app.settings import LISTEN_DEFAULT, Settings, settings_for
from server.app.words import LANGUAGES, language, translator
from server.bootstrap import back_up, open_accounts, open_server, path_of, restore, run
from server.core.rules import UploadRules
from server.stores.doctor import examine
from server.stores.folder import Door, find_door
from server.stores.schema import SCHEMA

EXIT_CODES = {
    "address_invalid": 10, "address_not_loopback": 11, "port_in_use": 12,
    "data_read_only": 20, "data_newer": 21, "data_corrupt": 22, "data_in_use": 23,
    "disk_full": 24, "store_failed": 25,
    "data_is_backup": 26, "data_present": 27, "data_absent": 28,
}  # fmt: skip
UNFORESEEN = 1
ADMIN_WAIT_S = 5.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; return the exit code."""
    parser = _parser()
    wishes = parser.parse_args(arguments)
    if (wishes.folder is not None) != (wishes.command in OF_A_FOLDER):
        parser.error("backup and restore want a folder; nothing else does")
    os.umask(0o077)  # whatever this process makes is its owner's alone (SEC-46)
    log_to(sys.stderr, logging.DEBUG if wishes.verbose else logging.INFO)
    try:
        return COMMANDS[wishes.command](_settings(wishes), wishes)
    except Problem as problem:
        translate = translator(language(wishes.language, os.environ))
        print(problem.for_person(translate), file=sys.stderr)
        return EXIT_CODES.get(problem.code, UNFORESEEN)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hexagram-server", description="The Hexagram server.")
    parser.add_argument("command", nargs="?", default="serve", choices=sorted(COMMANDS), help="default: serve")
    parser.add_argument("folder", nargs="?", type=Path, help="of the backup")
    parser.add_argument("--data-dir", type=Path, required=True, metavar="DIR", help="where everything is kept")
    parser.add_argument(
        "--listen", default=LISTEN_DEFAULT, metavar="HOST:PORT", help="default: %(default)s; port 0: any"
    )
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="end when whoever started it is gone, however it went"
    )
    parser.add_argument(
        "--marks-delay-ms", type=_span_s, default=(MARKS_DELAY_MIN_S, MARKS_DELAY_MAX_S), metavar="LEAST-MOST",
        help="delivery marks wait for a random time, so that they tell no habits; default: 200-500; 0-0: to measure",
    )  # fmt: skip
    parser.add_argument(
        "--messages-per-s", type=_amount, default=MESSAGES_PER_S, metavar="N",
        help="what one device may send in the long run; default: %(default)g; 0: as much as comes",
    )  # fmt: skip
    parser.add_argument(
        "--questions-per-s", type=_amount, default=QUESTIONS_PER_S, metavar="N",
        help="the same for questions about people and groups; default: %(default)g",
    )  # fmt: skip
    parser.add_argument("--keep-days", type=_count, default=0, metavar="N", help="of messages; default: for ever")
    parser.add_argument(
        "--keep-messages", type=_count, default=0, metavar="N", help="of each conversation, the latest; default: all"
    )
    _add_files(parser)
    parser.add_argument("--language", choices=LANGUAGES, help="of what it says; default: the computer's")
    parser.add_argument("--verbose", action="store_true", help="log each packet")
    return parser


def _add_files(parser: argparse.ArgumentParser) -> None:
    """How much of files is taken."""
    parser.add_argument(
        "--file-max-mib", type=_size, default=FILE_MAX_BYTES // MIB, metavar="N", help="of a file; default: %(default)s"
    )
    parser.add_argument(
        "--person-max-gib", type=_count, default=PERSON_MAX_BYTES // GIB, metavar="N",
        help="of all files of one person; default: %(default)s; 0: as much as fits",
    )  # fmt: skip
    parser.add_argument(
        "--uploads-per-day-mib", type=_count, default=UPLOAD_DAY_BYTES // MIB, metavar="N",
        help="what one device may bring in a day; default: %(default)s; 0: as much as comes, and as many files",
    )  # fmt: skip
    parser.add_argument(
        "--keep-free", type=_count, metavar="MIB",
        help="of the disk, whatever people send; default: a tenth of it or 5 GiB, the smaller one",
    )  # fmt: skip


def _span_s(text: str) -> tuple[float, float]:
    """Read LEAST-MOST in whole milliseconds."""
    least_ms, most_ms = map(int, text.split("-"))
    if not 0 <= least_ms <= most_ms:
        raise ValueError(text)
    return least_ms / 1000, most_ms / 1000


def _amount(text: str) -> float:
    amount = float(text)
    if not 0 <= amount < 1e6:
        raise ValueError(text)
    return amount


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text)


def _size(text: str) -> int:
    if not (size := _count(text)):
        raise ValueError(text)
    return size


def _settings(wishes: argparse.Namespace) -> Settings:
    return replace(
        settings_for(wishes.data_dir, wishes.listen),
        marks_delay_s=wishes.marks_delay_ms,
        messages_per_s=wishes.messages_per_s,
        questions_per_s=wishes.questions_per_s,
        keep_days=wishes.keep_days,
        keep_messages=wishes.keep_messages,
        uploads=_uploads(wishes),
    )


def _uploads(wishes: argparse.Namespace) -> UploadRules:
    rules = UploadRules(
        file_max_bytes=wishes.file_max_mib * MIB,
        person_max_bytes=wishes.person_max_gib * GIB,
        keep_free_bytes=None if wishes.keep_free is None else wishes.keep_free * MIB,
        day_bytes=wishes.uploads_per_day_mib * MIB,
    )
    return rules if rules.day_bytes else replace(rules, per_s=0.0)


def serve(settings: Settings, wishes: argparse.Namespace) -> int:
    """Serve until somebody says stop."""
    run(lambda: _serve(settings, wishes.until_stdin_closes))
    return 0


async def _serve(settings: Settings, until_stdin_closes: bool) -> None:
    stop = asyncio.Event()
    _on_signals(stop.set)
    if until_stdin_closes:
        _on_stdin_closing(asyncio.get_running_loop(), stop.set)
    async with open_server(settings) as address:
        told = {"event": "listening", "url": address.url, "host": address.host, "port": address.port}
        print(json.dumps(told), flush=True)
        await stop.wait()


def _on_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))


def _on_stdin_closing(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """A pipe closes when its other end dies, also by kill -9; so a bundled server never outlives its window."""

    def wait() -> None:
        with suppress(OSError):  # closed already
            while os.read(0, 4096):
                pass
        with suppress(RuntimeError):  # the loop has ended by itself
            loop.call_soon_threadsafe(stop)

    threading.Thread(target=wait, name="stdin", daemon=True).start()


def invite(settings: Settings, _: argparse.Namespace) -> int:
    """Print a fresh invite: from the running server, or from the data if none runs."""
    door = find_door(settings.admin_file)
    code = (_asked(door) if door else None) or run(lambda: _fresh_invite(settings))
    print(code)
    return 0


def _asked(door: Door) -> str | None:
    """What the running server answers; nothing if it does not run any more."""
    where = urlsplit(door.url)
    line = http.client.HTTPConnection(where.hostname or "", where.port, timeout=ADMIN_WAIT_S)
    try:
        line.request("POST", "/admin/invites", headers={"Authorization": f"Bearer {door.secret}"})
        answer = line.getresponse()
        return str(json.loads(answer.read())["invite"]) if answer.status == 201 else None
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return None
    finally:
        line.close()


async def _fresh_invite(settings: Settings) -> str:
    async with open_accounts(settings) as accounts:
        return await accounts.new_invite()


def doctor(settings: Settings, _: argparse.Namespace) -> int:
    """Print what is known about the data, one line each; exit code 22 if it is damaged."""
    findings = examine(path_of(settings.store_url), SCHEMA)
    for name, value in findings.items():
        print(f"{name}: {value}")
    return 0 if findings.get("integrity", "ok") == "ok" else EXIT_CODES["data_corrupt"]


def backup(settings: Settings, wishes: argparse.Namespace) -> int:
    """Copy everything into a folder, also while a server runs."""
    files = back_up(settings, wishes.folder)
    print(f"files: {files}")
    return 0


def restored(settings: Settings, wishes: argparse.Namespace) -> int:
    """Put a backup to use in an empty data folder, as a new generation of the data."""
    print(f"generation: {restore(settings, wishes.folder)}")
    return 0


COMMANDS: dict[str, Callable[[Settings, argparse.Namespace], int]] = {
    "serve": serve,
    "invite": invite,
    "doctor": doctor,
    "backup": backup,
    "restore": restored,
}
OF_A_FOLDER = {"backup", "restore"}

if __name__ == "__main__":
    sys.exit(main())
