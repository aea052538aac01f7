"""This person's devices: which there are, ending one, and the code that adds another."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from client.core.model import Device
from client.ui import icons
from client.ui.dialogs.code import CodeDialog, CodeWords
from client.ui.dialogs.frame import Choice, Dialog
from client.ui.plain import one_line
from client.ui.theme import SPACE, Look, Themes
from client.ui.viewmodels.standing import when_words
from client.ui.widgets.labels import PlainLabel
from client.ui.words import tr
from protocol.limits import DEVICE_CODE_KEEP_S, DEVICES_MAX

WIDTH, LIST_MAX = 460, 320


class DevicesDialog(Dialog):
    """Answers `add` or ""; `end_wanted` names the device that the person wants to end."""

    end_wanted = Signal(str)

    def __init__(self, parent: QWidget | None, themes: Themes, now_ms: int) -> None:
        super().__init__(
            parent,
            tr("My devices"),
            tr("Every one of them shows the same conversations. One that you end gets nothing more."),
            width=WIDTH,
        )
        self.setObjectName("devices_dialog")
        self._themes, self._now_ms = themes, now_ms
        self.devices: list[Device] = []
        self._busy, self._problem = QProgressBar(self), PlainLabel(role="danger", parent=self)
        self._busy.setRange(0, 0)
        self._problem.setWordWrap(True)
        self._rows, self._scroll = QVBoxLayout(), QScrollArea(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(SPACE[2])
        inside = QWidget()
        inside.setLayout(self._rows)
        self._scroll.setWidget(inside)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for part in (self._busy, self._scroll, self._problem):
            self.body.addWidget(part)
        self.offer([Choice("add", tr("Add a device…")), Choice("", tr("Close"), "primary")])
        self.wait()

    def wait(self) -> None:
        """The server is being asked."""
        self._busy.show()
        self._scroll.setVisible(bool(self.devices))
        self.tell("")

    def tell(self, words: str) -> None:
        """Why something did not happen."""
        if words:
            self._busy.hide()
        self._problem.setText(words)
        self._problem.setVisible(bool(words))
        self._problem.setFixedHeight(self._problem.heightForWidth(WIDTH - 2 * SPACE[5]) if words else 0)
        self._fit()

    def show_devices(self, devices: Sequence[Device]) -> None:
        """The list: this one first, then by last use."""
        self.devices = sorted(devices, key=lambda device: (not device.here, -device.seen_ms))
        self._busy.hide()
        while (item := self._rows.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for device in self.devices:
            self._rows.addWidget(self._card(device))
        self._rows.addStretch(1)
        self._scroll.show()
        high = sum(72 + SPACE[2] for _ in self.devices)
        self._scroll.setFixedHeight(min(LIST_MAX, self._themes.look.px(high)))
        add = self.findChild(QPushButton, "answer_add")
        if isinstance(add, QPushButton):
            add.setEnabled(len(devices) < DEVICES_MAX)
            add.setToolTip("" if add.isEnabled() else tr("You have {limit} devices already.", limit=DEVICES_MAX))
        self._fit()

    def _card(self, device: Device) -> QWidget:
        card = QFrame()
        card.setProperty("role", "card")
        card.setFixedHeight(self._themes.look.px(72))
        row = QHBoxLayout(card)
        row.setContentsMargins(SPACE[4], SPACE[2], SPACE[3], SPACE[2])
        row.setSpacing(SPACE[3])
        picture = PlainLabel(parent=card)
        picture.setPixmap(_picture(self._themes.look, device.here, self.devicePixelRatioF()))
        row.addWidget(picture)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addStretch(1)
        name = PlainLabel(one_line(device.name) or tr("Unnamed"), role="name", elide=True)
        name.setToolTip(name.text())
        words.addWidget(name)
        words.addWidget(PlainLabel(self._second(device), role="meta", elide=True))
        words.addStretch(1)
        row.addLayout(words, 1)
        end = QPushButton(tr("Log out") if device.here else tr("End"), card)
        end.setProperty("kind", "danger")
        end.setAutoDefault(False)
        end.setObjectName(f"end_{device.did}")
        end.setAccessibleName(tr("End {name}", name=name.text()))
        end.clicked.connect(lambda: self.end_wanted.emit(device.did))
        row.addWidget(end)
        card.setAccessibleName(f"{name.text()}, {self._second(device)}")
        return card

    def _second(self, device: Device) -> str:
        if device.here:
            return tr("this device")
        if not device.seen_ms:
            return tr("never used")
        return tr("last used {time}", time=when_words(device.seen_ms, self._now_ms))


def _picture(look: Look, here: bool, dpr: float) -> QPixmap:
    return icons.pixmap("device", look.color("accent" if here else "text_2"), 20, dpr)


class DeviceCodeDialog(CodeDialog):
    """The code for another device: one line to copy, and its parts to type."""

    def __init__(self, parent: QWidget | None, server: str, code: str) -> None:
        words = CodeWords(
            tr("Add a device"),
            tr(
                "Start Hexagram on the other device, choose “Add this device to my account” and paste this line. "
                "It works once, for {minutes} minutes. Show it to nobody: whoever has it becomes you.",
                minutes=round(DEVICE_CODE_KEEP_S / 60),
            ),
            line=tr("Code for another device"),
            code=tr("Device code"),
            copy=tr("Copy"),
        )
        super().__init__(parent, server, code, words, width=WIDTH)
        self.setObjectName("device_code_dialog")
