"""Microphone and camera of the system, as far as they can be tried without one."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtMultimedia import QAudioBuffer, QAudioDevice, QAudioSource, QCameraDevice, QMediaDevices
from pytestqt.qtbot import QtBot

from client.ui.sound.sources import SYSTEM, CameraSource, MicSource, sound_format

BLOCK = 9600


def mic_that_heard(data: bytes) -> tuple[MicSource, list[int]]:
    """A microphone whose driver holds these bytes, and the lengths of the blocks it gives."""
    mic, given = MicSource(QAudioDevice()), list[int]()
    stream = QBuffer(mic)
    stream.setData(data)
    stream.open(QIODevice.OpenModeFlag.ReadOnly)
    mic._stream = stream

    def take(block: QAudioBuffer) -> None:
        given.append(block.byteCount())

    mic.block.connect(take)
    return mic, given


def test_sound_comes_in_blocks_of_a_tenth_of_a_second(qtbot: QtBot) -> None:
    mic, given = mic_that_heard(bytes(2 * BLOCK + 501))
    mic._read()
    assert given == [BLOCK, BLOCK]


def test_what_fills_no_block_is_given_when_it_is_asked_for(qtbot: QtBot) -> None:
    mic, given = mic_that_heard(bytes(BLOCK + 501))
    mic.flush()
    assert given == [BLOCK, 500], "whole samples"
    mic.flush()
    assert given == [BLOCK, 500]
    mic.stop()
    mic.flush()
    assert given == [BLOCK, 500]


@pytest.mark.qt_log_ignore("No audio device detected")
def test_a_microphone_that_is_pulled_out_fails_whatever_its_driver_says(qtbot: QtBot) -> None:
    mic, codes = MicSource(QAudioDevice()), list[str]()
    mic.failed.connect(codes.append)
    mic._devices.audioInputsChanged.emit()
    assert codes == [], "it does not run"
    mic._source = QAudioSource(QAudioDevice(), sound_format(), mic)
    known = [device.id() for device in QMediaDevices.audioInputs()]
    mic._devices.audioInputsChanged.emit()
    assert codes == ([] if QAudioDevice().id() in known else ["microphone_missing"])


def test_a_camera_that_is_pulled_out_fails_whatever_its_driver_says(qtbot: QtBot) -> None:
    camera, codes = CameraSource(QCameraDevice()), list[str]()
    camera.failed.connect(codes.append)
    camera._devices.videoInputsChanged.emit()
    assert codes == ["camera_missing"]


def test_an_unknown_device_gives_what_the_system_prefers(qtbot: QtBot) -> None:
    """Or nothing, where there is none."""
    assert (SYSTEM.sound("no such device") is None) == QMediaDevices.defaultAudioInput().isNull()
    assert (SYSTEM.camera("no such device") is None) == QMediaDevices.defaultVideoInput().isNull()
    assert len(SYSTEM.microphones()) == len(QMediaDevices.audioInputs())
    assert len(SYSTEM.cameras()) == len(QMediaDevices.videoInputs())
