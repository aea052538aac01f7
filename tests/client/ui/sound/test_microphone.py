"""A microphone of the system, and no invented one: a null sink of PulseAudio hears a tone, and we record that."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import wave
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = ("pulseaudio", "pactl", "paplay")
TONE_HZ, RATE_HZ = 880, 48_000
WITHIN_S = 30.0

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(
        any(shutil.which(program) is None for program in PROGRAMS),
        reason="not installed: pulseaudio, pulseaudio-utils",
    ),
]
RECORDING = """
import json, sys
from pathlib import Path
from PySide6.QtWidgets import QApplication
from PySide6.QtCore import QTimer
from client.ui.sound.recorder import Recorder
from client.ui.sound.segments import Tape
from client.ui.sound.sources import SYSTEM
from protocol.values import ConvId

app = QApplication([])
names = [device.name for device in SYSTEM.microphones()]
chosen = next(device.key for device in SYSTEM.microphones() if "Booth" in device.name)
recorder, sound = Recorder(), SYSTEM.sound(chosen)
told = {"names": names, "paused_ms": 0}

def look():
    if recorder.duration_ms >= 1500 and not told["paused_ms"]:
        recorder.pause()
        told["paused_ms"] = recorder.duration_ms
        QTimer.singleShot(300, recorder.resume)
    elif recorder.duration_ms >= 2500:
        timer.stop()
        recorder.stop()

def over(code):
    told.update(code=code, recorded_ms=recorder.duration_ms)
    print(json.dumps(told))
    app.quit()

timer = QTimer(interval=20)
timer.timeout.connect(look)
recorder.ended.connect(over)
recorder.start(Tape(Path(sys.argv[1]), ConvId("c"), "voice", 1), sound)
timer.start()
app.exec()
"""


def tone(path: Path) -> Path:
    """Half a minute of it."""
    turn = 2 * math.pi * TONE_HZ / RATE_HZ
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        second = array("h", (int(16_000 * math.sin(turn * n)) for n in range(RATE_HZ)))
        out.writeframes(second.tobytes() * 30)
    return path


@pytest.fixture
def booth(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A sound server of our own with a microphone that hears what is played: the environment that reaches it."""
    home, socket = tmp_path / "pulse", tmp_path / "pulse.socket"
    home.mkdir(mode=0o700)
    env = os.environ | {
        "PULSE_SERVER": f"unix:{socket}", "PULSE_RUNTIME_PATH": str(home), "PULSE_STATE_PATH": str(home),
        "XDG_RUNTIME_DIR": str(home), "HOME": str(home), "QT_QPA_PLATFORM": "offscreen",
    }  # fmt: skip
    described = "device.description=Booth"
    server = subprocess.Popen(
        [
            "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disallow-exit",
            f"--load=module-native-protocol-unix auth-anonymous=1 socket={socket}",
            f"--load=module-null-sink sink_name=booth rate={RATE_HZ} channels=1 sink_properties={described}",
            f"--load=module-remap-source source_name=mic master=booth.monitor source_properties={described}",
        ],
        env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    player: subprocess.Popen[bytes] | None = None
    try:
        while subprocess.run(["pactl", "info"], env=env, capture_output=True, check=False).returncode:
            assert server.poll() is None, "the sound server ended"
        player = subprocess.Popen(
            ["paplay", "--device=booth", str(tone(tmp_path / "tone.wav"))], env=env, stderr=subprocess.DEVNULL
        )
        yield env
    finally:
        for process in (player, server):
            if process is not None:
                process.kill()
                process.wait()


def probe(path: Path) -> dict[str, Any]:
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-show_streams", "-of", "json", str(path)], capture_output=True, check=True
    ).stdout
    return dict(json.loads(told)["streams"][0])


def test_what_the_microphone_hears_is_recorded(booth: dict[str, str], tmp_path: Path) -> None:
    from client.ui.sound.segments import read_draft, sound, write_wav

    folder = tmp_path / "recording"
    done = subprocess.run(
        [sys.executable, "-c", RECORDING, str(folder)],
        env=booth, capture_output=True, timeout=WITHIN_S, check=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert any("Booth" in name for name in told["names"])
    assert told["code"] == ""

    draft = read_draft(folder)
    assert draft is not None
    assert draft.duration_ms == told["recorded_ms"] >= 2500
    samples = array("h", b"".join(sound(folder, draft.span)))
    middle = samples[RATE_HZ // 2 : RATE_HZ]
    crossings = sum(before < 0 <= after for before, after in zip(middle, middle[1:], strict=False))
    assert abs(crossings * 2 - TONE_HZ) <= 6, "it is the tone that was played"
    assert max(draft.levels) > 80

    write_wav(folder, draft.span, tmp_path / "heard.wav")
    heard = probe(tmp_path / "heard.wav")
    assert (heard["codec_name"], heard["channels"], heard["sample_rate"]) == ("pcm_s16le", 1, "48000")
    assert abs(float(heard["duration"]) * 1000 - draft.duration_ms) < 1
