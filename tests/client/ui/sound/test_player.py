"""One player for everything that sounds; no sound card is needed to know where it stands."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

import resources
from client.ui.sound.player import SPEEDS, Player
from protocol.values import Lid

VOICE = str(next((Path(resources.__file__).parent / "samples").glob("voice.*")))
FIRST, SECOND = Lid(1), Lid(2)


def playing(qtbot: QtBot) -> Player:
    """A player that has opened the sample voice note."""
    player = Player()
    player.play(FIRST, VOICE, 1234)
    qtbot.waitUntil(lambda: player.position_ms > 0, timeout=10_000)
    return player


def test_a_voice_note_plays_pauses_and_goes_on(qtbot: QtBot) -> None:
    player = playing(qtbot)
    assert [player.paused] == [False]

    player.toggle()
    assert [player.paused] == [True]
    assert player.lid == FIRST
    player.play(FIRST, VOICE)
    assert [player.paused] == [False]
    player.stop()


def test_the_length_of_the_message_is_shown_until_the_file_is_open(qtbot: QtBot) -> None:
    player = Player()
    player.play(FIRST, VOICE, 1234)
    assert player.duration_ms in (1234, 0) or player.duration_ms > 4000

    qtbot.waitUntil(lambda: player.duration_ms > 4000, timeout=10_000)
    player.stop()


def test_another_note_takes_the_place_of_the_first(qtbot: QtBot) -> None:
    player = playing(qtbot)
    player.play(SECOND, VOICE)

    assert player.lid == SECOND
    player.stop()
    assert player.lid is None


def test_a_note_ends_once_and_is_forgotten(qtbot: QtBot) -> None:
    player = playing(qtbot)
    with qtbot.waitSignal(player.ended, timeout=15_000) as ended:
        player.seek(0.97)

    assert ended.args == [FIRST]
    assert player.lid is None


def test_seeking_and_skipping_stay_inside(qtbot: QtBot) -> None:
    player = playing(qtbot)
    player.pause()
    player.seek(0.5)
    qtbot.waitUntil(lambda: abs(player.position_ms - player.duration_ms / 2) < 400, timeout=10_000)
    player.skip(-100)
    qtbot.waitUntil(lambda: player.position_ms == 0, timeout=10_000)
    player.stop()


def test_the_speed_chip_goes_round(qtbot: QtBot) -> None:
    player = Player()
    seen = []
    for _ in SPEEDS:
        player.next_speed()
        seen.append(player.speed)

    assert seen == [1.5, 2.0, 0.75, 1.0]


def test_what_cannot_be_played_says_so(qtbot: QtBot, tmp_path: Path) -> None:
    broken = tmp_path / "broken.m4a"
    broken.write_bytes(b"this is no sound")
    player = Player()
    with qtbot.waitSignal(player.failed, timeout=10_000) as failed:
        player.play(FIRST, str(broken))

    assert failed.args == [FIRST]
    assert player.lid is None
