"""Settings: few, and every change applies at once."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFormLayout, QWidget

from client.app.settings import Settings
from client.ui.dialogs.frame import Choice, Dialog
from client.ui.theme import SPACE, Themes
from client.ui.widgets.buttons import CheckBox, ComboBox
from client.ui.widgets.labels import PlainLabel
from client.ui.words import tr
from protocol.values import replace

SCALES = (0.85, 1.0, 1.15, 1.3, 1.5)


class SettingsDialog(Dialog):
    """`changed` carries the settings as they are now, `scaled` the text size."""

    changed = Signal(object)
    scaled = Signal(float)

    def __init__(self, parent: QWidget | None, themes: Themes, settings: Settings, scale: float) -> None:
        super().__init__(parent, tr("Settings"), width=460)
        self.setObjectName("settings_dialog")
        self._themes, self._settings = themes, settings
        form = QFormLayout()
        form.setSpacing(SPACE[3])
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        looks = (("system", tr("As the system")), ("light", tr("Light")), ("dark", tr("Dark")))
        self.theme = self._combo(tr("Theme"), looks, settings.theme, "theme")
        languages = (("", tr("As the system")), ("en", "English"), ("zh_CN", "简体中文"))
        self.language = self._combo(tr("Language"), languages, settings.language, "language")
        retries = (("ladder", tr("Three times by itself, then ask me")), ("ask", tr("Ask me at once")))
        self.retry = self._combo(tr("When nobody answers"), retries, settings.retry_mode, "retry_mode")
        self.text_size = self._sizes(scale)
        for words, field in (
            (tr("Theme"), self.theme), (tr("Language"), self.language),
            (tr("Text size"), self.text_size), (tr("When nobody answers"), self.retry),
        ):  # fmt: skip
            label = PlainLabel(words, role="meta")
            label.setFixedHeight(field.sizeHint().height())
            label.setAlignment(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
            form.addRow(label, field)
        self.enter = self._check(tr("Enter sends, Shift+Enter begins a new line"), "send_on_enter")
        self.receipts = self._check(tr("Tell others what I have read, and see what they have read"), "receipts")
        self.body.addLayout(form)
        self.body.addSpacing(SPACE[1])
        self.body.addWidget(self.enter)
        self.body.addWidget(self.receipts)
        self.offer([Choice("", tr("Close"), "primary")])

    def _combo(self, name: str, choices: tuple[tuple[str, str], ...], now: str, field: str) -> ComboBox:
        combo = ComboBox(self._themes, self)
        combo.setAccessibleName(name)
        for value, words in choices:
            combo.addItem(words, value)
        combo.setCurrentIndex(max(0, combo.findData(now)))
        combo.currentIndexChanged.connect(lambda _row: self._change(**{field: combo.currentData()}))
        return combo

    def _sizes(self, scale: float) -> ComboBox:
        combo = ComboBox(self._themes, self)
        combo.setAccessibleName(tr("Text size"))
        for value in SCALES:
            combo.addItem(f"{value:.0%}", value)
        nearest = min(range(len(SCALES)), key=lambda row: abs(SCALES[row] - scale))
        combo.setCurrentIndex(nearest)
        combo.currentIndexChanged.connect(lambda _row: self.scaled.emit(combo.currentData()))
        return combo

    def _check(self, words: str, field: str) -> CheckBox:
        box = CheckBox(self._themes, self)
        box.setText(words)
        box.setChecked(getattr(self._settings, field))
        box.toggled.connect(lambda on: self._change(**{field: on}))
        return box

    def _change(self, **choice: object) -> None:
        self._settings = replace(self._settings, **choice)
        self.changed.emit(self._settings)
