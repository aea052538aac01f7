"""Settings: few, and every change applies at once."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QFormLayout, QWidget

from client.app.settings import Settings
from client.ui.dialogs.frame import Choice, Dialog
from client.ui.theme import SPACE, Themes
from client.ui.widgets.buttons import CheckBox, ComboBox, WordButton
from client.ui.widgets.labels import PlainLabel
from client.ui.words import tr
from protocol.values import replace

WIDTH = 460
SCALES = (0.85, 1.0, 1.15, 1.3, 1.5)


class SettingsDialog(Dialog):
    """`changed` carries the settings as they are now, `scaled` the text size."""

    changed = Signal(object)
    scaled = Signal(float)
    devices_wanted = Signal()
    data_wanted = Signal()
    sound_wanted = Signal()

    def __init__(self, parent: QWidget | None, themes: Themes, settings: Settings, scale: float) -> None:
        super().__init__(parent, tr("Settings"), width=WIDTH)
        self.setObjectName("settings_dialog")
        self._themes, self._settings = themes, settings
        form = QFormLayout()
        form.setSpacing(SPACE[3])
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.theme = self._combo(("system", "light", "dark"), settings.theme, "theme")
        self.language = self._combo(("", "en", "zh_CN"), settings.language, "language")
        self.retry = self._combo(("ladder", "ask"), settings.retry_mode, "retry_mode")
        self.text_size = self._sizes(scale)
        self._labels = [PlainLabel(role="meta") for _ in self._fields()]
        for label, field in zip(self._labels, self._fields(), strict=True):
            label.setFixedHeight(field.sizeHint().height())
            label.setAlignment(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
            form.addRow(label, field)
        self.enter = self._check("send_on_enter")
        self.receipts = self._check("receipts")
        self.presence = self._check("presence")
        self.typing = self._check("typing")
        self._both_ways = PlainLabel(role="hint", parent=self)
        self._both_ways.setWordWrap(True)
        self.devices = WordButton(lambda: tr("My devices…"), "link", self)
        self.devices.setObjectName("settings_devices")
        self.devices.clicked.connect(self._leave_for_devices)
        self.body.addLayout(form)
        self.body.addSpacing(SPACE[1])
        self.body.addWidget(self.enter)
        for part in (self.receipts, self.presence, self.typing, self._both_ways):
            self.body.addWidget(part)
        self.data = WordButton(lambda: tr("Data and storage…"), "link", self)
        self.data.setObjectName("settings_data")
        self.data.clicked.connect(self._leave_for_data)
        self.body.addWidget(self.devices, 0, Qt.AlignmentFlag.AlignLeft)
        self.sound = WordButton(lambda: tr("Microphone and camera…"), "link", self)
        self.sound.setObjectName("settings_sound")
        self.sound.clicked.connect(self._leave_for_sound)
        self.body.addWidget(self.data, 0, Qt.AlignmentFlag.AlignLeft)
        self.body.addWidget(self.sound, 0, Qt.AlignmentFlag.AlignLeft)
        self._retranslate()

    def _fields(self) -> tuple[ComboBox, ...]:
        return self.theme, self.language, self.text_size, self.retry

    def _retranslate(self) -> None:
        """All words, in the language of now: this dialog is where another one is chosen."""
        names = (tr("Theme"), tr("Language"), tr("Text size"), tr("When nobody answers"))
        for label, field, name in zip(self._labels, self._fields(), names, strict=True):
            label.setText(name)
            field.setAccessibleName(name)
        for combo, items in (
            (self.theme, (tr("As the system"), tr("Light"), tr("Dark"))),
            (self.language, (tr("As the system"), "English", "简体中文")),
            (self.retry, (tr("Three times by itself, then ask me"), tr("Ask me at once"))),
        ):
            for row, words in enumerate(items):
                combo.setItemText(row, words)
        self.enter.setText(tr("Enter sends, Shift+Enter begins a new line"))
        self.receipts.setText(tr("Tell others what I have read"))
        self.presence.setText(tr("Tell others when I am here"))
        self.typing.setText(tr("Tell others when I am writing"))
        self._both_ways.setText(
            tr("The first two work both ways: who does not tell them is not told them, on all devices of yours.")
        )
        self._both_ways.setFixedHeight(self._both_ways.heightForWidth(WIDTH - 2 * SPACE[5]))
        self.say(tr("Settings"))
        self.offer([Choice("", tr("Close"), "primary")])

    def changeEvent(self, event: QEvent) -> None:
        """Another language; the keyboard stays where it was."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            here = self.focusWidget()
            self._retranslate()
            if here in self._fields():
                here.setFocus()

    def _combo(self, values: tuple[str, ...], now: str, field: str) -> ComboBox:
        combo = ComboBox(self._themes, self)
        for value in values:
            combo.addItem("", value)
        combo.setCurrentIndex(max(0, combo.findData(now)))
        combo.currentIndexChanged.connect(lambda _row: self._change(**{field: combo.currentData()}))
        return combo

    def _sizes(self, scale: float) -> ComboBox:
        combo = ComboBox(self._themes, self)
        for value in SCALES:
            combo.addItem(f"{value:.0%}", value)
        nearest = min(range(len(SCALES)), key=lambda row: abs(SCALES[row] - scale))
        combo.setCurrentIndex(nearest)
        combo.currentIndexChanged.connect(lambda _row: self.scaled.emit(combo.currentData()))
        return combo

    def _check(self, field: str) -> CheckBox:
        box = CheckBox(self._themes, self)
        box.setChecked(getattr(self._settings, field))
        box.toggled.connect(lambda on: self._change(**{field: on}))
        return box

    def show_settings(self, settings: Settings) -> None:
        """What another device chose holds here as well."""
        self._settings = settings
        for field in ("receipts", "presence", "typing"):
            box: CheckBox = getattr(self, field)
            box.blockSignals(True)
            box.setChecked(getattr(settings, field))
            box.blockSignals(False)
            box.update()

    def _leave_for_devices(self) -> None:
        self.accept()
        self.devices_wanted.emit()

    def _leave_for_data(self) -> None:
        self.accept()
        self.data_wanted.emit()

    def _leave_for_sound(self) -> None:
        self.accept()
        self.sound_wanted.emit()

    def _change(self, **choice: object) -> None:
        self._settings = replace(self._settings, **choice)
        self.changed.emit(self._settings)
