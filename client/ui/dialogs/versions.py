"""What a message said before it was edited: every version with its time, the newest last."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from client.core.model import Version
from client.ui.dialogs.frame import Choice, Dialog
from client.ui.plain import visible
from client.ui.theme import SPACE
from client.ui.widgets.labels import PlainLabel
from client.ui.words import clock, day, tr

HEIGHT_MAX = 360
TIP_SIGNS, TIP_VERSIONS = 120, 4


def when(version: Version, now_ms: int) -> str:
    """Since when it said this."""
    if not version.ts:
        return tr("not sent yet")
    return f"{day(version.ts, now_ms)}, {clock(version.ts)}"


def tip_words(versions: Sequence[Version], now_ms: int) -> str:
    """The versions before the last one, for a tool tip."""
    said = [f"{when(each, now_ms)}: {visible(each.text)[:TIP_SIGNS]}" for each in versions[:-1][-TIP_VERSIONS:]]
    return "\n".join(said)


class VersionsDialog(Dialog):
    """One card for each version."""

    def __init__(self, parent: QWidget | None, versions: Sequence[Version], now_ms: int) -> None:
        super().__init__(parent, tr("What it said before"))
        self.setObjectName("versions_dialog")
        inner = QWidget(self)
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, SPACE[2], 0)
        column.setSpacing(SPACE[2])
        for place, version in enumerate(versions):
            column.addWidget(_card(version, now_ms, last=place == len(versions) - 1))
        column.addStretch(1)
        area = QScrollArea(self)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        area.setAccessibleName(tr("Versions"))
        self.body.addWidget(area)
        inner.setFixedWidth(self.width() - 2 * SPACE[5])
        inner.adjustSize()
        area.setFixedHeight(min(HEIGHT_MAX, inner.heightForWidth(inner.width()) or inner.sizeHint().height()))
        self.offer([Choice("close", tr("Close"), "primary")])


def _card(version: Version, now_ms: int, *, last: bool) -> QWidget:
    card = QFrame()
    card.setProperty("role", "card")
    column = QVBoxLayout(card)
    column.setContentsMargins(SPACE[3], SPACE[2], SPACE[3], SPACE[2])
    column.setSpacing(SPACE[0])
    time = tr("{time}, now", time=when(version, now_ms)) if last else when(version, now_ms)
    column.addWidget(PlainLabel(time, role="meta"))
    words = PlainLabel(visible(version.text))
    words.setWordWrap(True)
    words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    column.addWidget(words)
    card.setAccessibleName(f"{time}: {visible(version.text)}")
    return card
