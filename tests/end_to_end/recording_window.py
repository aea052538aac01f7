"""python -m tests.end_to_end.recording_window FOLDER PROFILE DO KIND: the window without a screen, and a hand in it.

The program is the real one, with a tone and drawn pictures in place of microphone and camera. `record` opens the first
conversation and records until it is killed; `look` opens it and tells what waits there; `send` sends that as well. What
happens is told in JSON lines.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QApplication

from client import bootstrap
from client.ui.app import Program, parser
from client.ui.chatloop import ChatLoop
from client.ui.doors import Doors
from client.ui.recording import Recording
from client.ui.sound.sources import INVENTED
from client.ui.widgets.main_window import MainWindow


def say(**facts: object) -> None:
    """One line."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


async def so(wanted: Callable[[], object]) -> None:
    """Wait until it is so; what is drawn tells nobody."""
    while not wanted():
        await asyncio.sleep(0.02)


def window() -> MainWindow | None:
    """The window, once it is there."""
    return next((each for each in QApplication.topLevelWidgets() if isinstance(each, MainWindow)), None)


async def tell(recording: Recording) -> None:
    """How much has been recorded, until somebody kills us."""
    told_ms = 0
    while True:
        if recording.duration_ms > told_ms:
            told_ms = recording.duration_ms
            say(recorded_ms=told_ms)
        await asyncio.sleep(0.02)


async def act(do: str, kind: str) -> None:
    """The hand."""
    await so(lambda: (made := window()) is not None and made.chats.rowCount())
    shown = window()
    assert shown is not None
    entry = shown.chats.entry(0)
    shown.show_chat(entry.conv)
    await so(lambda: shown.page.conv == entry.conv)
    page = shown.page
    if do == "record":
        page.record(kind)
        await tell(page.recording)
    draft = page.drafts.of(entry.conv)
    say(
        row=shown.chats.sentence(entry), face=page.bar.face if page.recording.shown else "",
        recorded_ms=draft.duration_ms if draft is not None else 0, levels=len(draft.levels) if draft is not None else 0,
    )  # fmt: skip
    if do == "send":
        page.bar.send.click()
        await so(lambda: page.drafts.of(entry.conv) is None)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    shown.leave()


async def run(app: QApplication, folder: Path, profile: str, do: str, kind: str) -> int:
    """The program, and the hand beside it."""
    options = parser().parse_args(["--data-dir", str(folder), "--profile", profile, "--language", "en"])
    doors = Doors(bootstrap.home(), bootstrap.open_chat, bootstrap.open_server)
    hand = asyncio.create_task(act(do, kind))
    try:
        return await Program(app, options, doors, INVENTED).run()
    finally:
        await hand


if __name__ == "__main__":
    program = QApplication(["hexagram"])
    program.setQuitOnLastWindowClosed(False)
    with asyncio.Runner(loop_factory=lambda: ChatLoop(program)) as runner:
        sys.exit(runner.run(run(program, Path(sys.argv[1]), *sys.argv[2:5])))
