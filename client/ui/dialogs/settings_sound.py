"""Which microphone and which camera: chosen while one sees that they hear and see, and tried out for three seconds."""

from __future__ import annotations

import shutil
from pathlib import Path

from PySide6.QtCore import QRectF, QTimer
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtMultimedia import QAudioBuffer, QMediaDevices
from PySide6.QtWidgets import QFormLayout, QWidget

from client.ui.dialogs.frame import Choice, Dialog
from client.ui.notebook import Notebook
from client.ui.plain import one_line
from client.ui.sound.player import Player
from client.ui.sound.segments import LISTEN, Span, Tape, loudest, write_wav
from client.ui.sound.sources import Named, SoundSource, Sources
from client.ui.theme import SPACE, Themes
from client.ui.widgets.buttons import ComboBox, WordButton
from client.ui.widgets.labels import PlainLabel
from client.ui.words import problem_words, tr
from protocol.values import ConvId, Lid

WIDTH, ROW, METER = 460, 20, 8
TRY_MS = 3000
FALL = 0.85
TRIED = Lid(-2)


class Meter(QWidget):
    """How loud it is now: rises at once and falls slowly."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes, self.level = themes, 0.0
        self.setFixedHeight(ROW)
        self.setAccessibleName(tr("Level"))

    def show_level(self, level: float) -> None:
        """100 ms more, 0…1."""
        self.level = max(level, self.level * FALL)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A groove, filled as far as it is loud."""
        look, groove = self._themes.look, QRectF(0, (self.height() - METER) / 2, self.width(), METER)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(look.color("border_ctl"))
            painter.setBrush(look.color("bg_input"))
            painter.drawRoundedRect(groove.adjusted(0.5, 0.5, -0.5, -0.5), METER / 2, METER / 2)
            if self.level > 0.005:
                painter.setBrush(look.color("wave_play"))
                groove.setWidth(max(METER, self.width() * min(1.0, self.level) ** 0.5))
                painter.drawRoundedRect(groove, METER / 2, METER / 2)


class SoundDialog(Dialog):
    """What is chosen is kept at once. The microphone is open while the dialog is."""

    def __init__(self, parent: QWidget | None, themes: Themes, notebook: Notebook, sources: Sources) -> None:
        super().__init__(parent, tr("Microphone and camera"), width=WIDTH)
        self.setObjectName("sound_dialog")
        self._notebook, self._sources = notebook, sources
        self._source: SoundSource | None = None
        self._tape: Tape | None = None
        self._player = Player(self)
        self.microphone, self.camera, self.meter = ComboBox(themes, self), ComboBox(themes, self), Meter(themes, self)
        self.attempt = WordButton(lambda: tr("Record three seconds and listen"), parent=self)
        self._said = PlainLabel(role="hint", parent=self)
        self._said.setWordWrap(True)
        form = QFormLayout()
        form.setSpacing(SPACE[3])
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for words, field in (
            (tr("Microphone"), self.microphone),
            (tr("Level"), self.meter),
            (tr("Camera"), self.camera),
        ):
            form.addRow(PlainLabel(words, role="meta"), field)
        self.microphone.setAccessibleName(tr("Microphone"))
        self.camera.setAccessibleName(tr("Camera"))
        self.body.addLayout(form)
        self.body.addWidget(self.attempt)
        self.body.addWidget(self._said)
        self.offer([Choice("", tr("Close"), "primary")])
        self._listen()

    def _listen(self) -> None:
        self.microphone.currentIndexChanged.connect(lambda _row: self._chosen("microphone", self.microphone))
        self.camera.currentIndexChanged.connect(lambda _row: self._chosen("camera", self.camera))
        self.attempt.clicked.connect(self._try)
        self._end = QTimer(self, singleShot=True, interval=TRY_MS)
        self._end.timeout.connect(self._hear)
        self._player.ended.connect(lambda _lid: self.attempt.setEnabled(True))
        self._player.failed.connect(lambda _lid: self.attempt.setEnabled(True))
        self._devices = QMediaDevices(self)
        self._devices.audioInputsChanged.connect(self.fill)
        self._devices.videoInputsChanged.connect(self.fill)
        self.finished.connect(lambda _code: self._leave())
        self.fill()

    def fill(self) -> None:
        """What is plugged in now."""
        for kind, combo, found in (
            ("microphone", self.microphone, self._sources.microphones()),
            ("camera", self.camera, self._sources.cameras()),
        ):
            self._fill(combo, found, self._notebook.device(kind))
        self._open()

    def _fill(self, combo: ComboBox, found: list[Named], chosen: str) -> None:
        combo.blockSignals(True)
        combo.clear()
        combo.addItem(tr("As the system") if found else tr("None is plugged in"), "")
        for device in found:
            combo.addItem(one_line(device.name), device.key)
        combo.setCurrentIndex(max(0, combo.findData(chosen)))
        combo.setEnabled(bool(found))
        combo.blockSignals(False)

    def _chosen(self, kind: str, combo: ComboBox) -> None:
        self._notebook.keep_device(kind, str(combo.currentData()))
        if kind == "microphone":
            self._open()

    # --- the microphone

    def _open(self) -> None:
        self._close()
        source = self._sources.sound(self._notebook.device("microphone"))
        self.attempt.setEnabled(source is not None)
        self._say(problem_words("microphone_missing") if source is None else "")
        if source is not None:
            self._source = source
            source.setParent(self)
            source.block.connect(self._take)
            source.failed.connect(lambda code: self._say(problem_words(code)))
            source.start()

    def _close(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            source.blockSignals(True)
            source.stop()
            source.deleteLater()

    def _take(self, block: QAudioBuffer) -> None:
        samples = bytes(block.constData() or b"")
        level = loudest(samples)
        self.meter.show_level(level)
        if self._tape is not None:
            self._tape.add_sound(samples, level)

    def _try(self) -> None:
        """Three seconds, and then what was heard."""
        self.attempt.setEnabled(False)
        self._drop()
        try:
            self._tape = Tape(self._folder, ConvId(""), "voice", 0)
        except OSError:
            self._say(problem_words("store_failed"))
            return
        self._say(tr("Speak now…"))
        self._end.start()

    def _hear(self) -> None:
        tape, self._tape = self._tape, None
        if tape is None:
            return
        tape.close()
        self._say("")
        write_wav(tape.folder, Span(0, tape.duration_ms), tape.folder / LISTEN)
        self._player.play(TRIED, str(tape.folder / LISTEN), tape.duration_ms)

    @property
    def _folder(self) -> Path:
        return self._notebook.folder / "trying"

    def _leave(self) -> None:
        """The microphone is closed, and what was tried is gone."""
        self._end.stop()
        self._player.stop()
        self._close()
        tape, self._tape = self._tape, None
        if tape is not None:
            tape.close()
        self._drop()

    def _drop(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _say(self, words: str) -> None:
        self._said.setText(words)
        self._said.setVisible(bool(words))
        self._fit()
