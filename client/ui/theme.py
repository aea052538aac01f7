"""How everything looks: colours of `resources/tokens.json`, fonts, spacing, and the stylesheet made from them."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

Choice = Literal["light", "dark", "system"]

SPACE = (2, 4, 8, 12, 16, 24, 32)
RADIUS_SMALL, RADIUS_FIELD, RADIUS_MEDIA, RADIUS_BUBBLE = 4, 8, 12, 16
FADE_MS, SLIDE_MS = 120, 180
SCALE_MIN, SCALE_MAX = 0.85, 1.5

FALLBACKS = (
    "Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei UI", "PingFang SC", "WenQuanYi Micro Hei",
    "Noto Color Emoji", "Segoe UI Emoji", "Apple Color Emoji",
)  # fmt: skip
"""Behind the system's own font: Chinese first, so that its shapes are the Chinese ones, then emoji."""
PLAIN_SYSTEM_FONTS = ("DejaVu Sans", "Sans Serif", "Bitstream Vera Sans")
"""What fontconfig answers when nobody chose a font: any of the better ones below is taken instead."""
BETTER = ("Inter", "Noto Sans", "Cantarell", "Ubuntu", "Source Sans 3", "Open Sans", "Noto Sans CJK SC")

FONTS: dict[str, tuple[float, QFont.Weight]] = {
    "body": (14, QFont.Weight.Normal),
    "name": (14, QFont.Weight.DemiBold),
    "name_unread": (14, QFont.Weight.Bold),
    "title": (15, QFont.Weight.DemiBold),
    "heading": (20, QFont.Weight.DemiBold),
    "subtitle": (12.5, QFont.Weight.Normal),
    "meta": (12, QFont.Weight.Normal),
    "sender": (13, QFont.Weight.DemiBold),
    "badge": (12, QFont.Weight.Bold),
    "tile": (12, QFont.Weight.Bold),
    "mono": (13, QFont.Weight.Normal),
    "big": (32, QFont.Weight.Normal),
}
"""Size in logical pixels, and weight."""


@lru_cache(maxsize=1)
def tokens() -> dict[str, dict[str, object]]:
    """Both colour tables, as written in `resources/tokens.json`."""
    return json.loads(resources.files("resources").joinpath("tokens.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Look:
    """One theme at one text size: what painters and widgets ask for colours and fonts."""

    name: Literal["light", "dark"]
    scale: float = 1.0
    families: tuple[str, ...] = FALLBACKS
    _colors: dict[str, QColor] = field(default_factory=dict, compare=False, repr=False)
    _fonts: dict[str, QFont] = field(default_factory=dict, compare=False, repr=False)

    @property
    def dark(self) -> bool:
        """Whether this is the dark theme."""
        return self.name == "dark"

    def color(self, token: str) -> QColor:
        """The colour of a token."""
        if token not in self._colors:
            self._colors[token] = QColor(tokens()[self.name]["colors"][token])  # type: ignore[index]
        return self._colors[token]

    def name_color(self, seed: str) -> QColor:
        """The colour of a person: always the same one of eight for the same `seed`."""
        names: list[str] = tokens()[self.name]["names"]  # type: ignore[assignment]
        return QColor(names[zlib.crc32(seed.encode()) % len(names)])

    def on_name_color(self) -> QColor:
        """The colour of initials on a person's colour."""
        return QColor(str(tokens()[self.name]["on_name"]))

    def font(self, kind: str) -> QFont:
        """A font of the table FONTS at this text size."""
        if kind not in self._fonts:
            size_px, weight = FONTS[kind]
            font = QFont()
            mono = [QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()]
            font.setFamilies([*(mono if kind == "mono" else []), *self.families])
            font.setPixelSize(max(1, round(size_px * self.scale)))
            font.setWeight(weight)
            self._fonts[kind] = font
        return self._fonts[kind]

    def px(self, size: float) -> int:
        """A size of the design in logical pixels at this text size."""
        return round(size * self.scale)


def families(system: str, known: list[str]) -> tuple[str, ...]:
    """The fonts to look for a letter in: the system's, then Chinese, then emoji; only those that are there."""
    first = system
    if system in PLAIN_SYSTEM_FONTS:
        first = next((name for name in BETTER if name in known), system)
    return tuple(dict.fromkeys([first, *(name for name in FALLBACKS if name in known)]))


class Themes(QObject):
    """Keeps the look of the app: follows the person's choice or the system's, and tells who draws."""

    changed = Signal(object)

    def __init__(self, app: QApplication, choice: Choice = "system", scale: float = 1.0) -> None:
        super().__init__(app)
        self._app, self._choice, self._scale = app, choice, scale
        self._families = families(app.font().family(), QFontDatabase.families())
        self.look = self._wanted()
        self._dress()
        app.styleHints().colorSchemeChanged.connect(lambda _: self._refresh())

    @property
    def choice(self) -> Choice:
        """What the person chose."""
        return self._choice

    def choose(self, choice: Choice) -> None:
        """Light, dark, or as the system has it."""
        self._choice = choice
        self._refresh()

    def zoom(self, scale: float) -> None:
        """Text size: 0.85 to 1.5."""
        self._scale = min(SCALE_MAX, max(SCALE_MIN, scale))
        self._refresh()

    def _wanted(self) -> Look:
        name = self._choice
        if name == "system":
            dark = self._app.styleHints().colorScheme() == Qt.ColorScheme.Dark
            name = "dark" if dark else "light"
        return Look(name, self._scale, self._families)

    def _refresh(self) -> None:
        wanted = self._wanted()
        if wanted != self.look:
            self.look = wanted
            self._dress()
            self.changed.emit(wanted)

    def _dress(self) -> None:
        self._app.setFont(self.look.font("body"))
        self._app.setPalette(palette(self.look))
        self._app.setStyleSheet(stylesheet(self.look))


def palette(look: Look) -> QPalette:
    """What Qt's own widgets take their colours from."""
    made = QPalette()
    role = QPalette.ColorRole
    for place, token in {
        role.Window: "bg_window", role.WindowText: "text_1", role.Base: "bg_input", role.Text: "text_1",
        role.AlternateBase: "bg_hover", role.Button: "bg_input", role.ButtonText: "text_1",
        role.PlaceholderText: "placeholder", role.Highlight: "accent", role.HighlightedText: "on_accent",
        role.Link: "text_link", role.LinkVisited: "text_link", role.ToolTipBase: "bg_window",
        role.ToolTipText: "text_1", role.BrightText: "danger", role.Accent: "accent", role.Mid: "border",
    }.items():  # fmt: skip
        made.setColor(place, look.color(token))
    for place in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, place, look.color("border_ctl"))
    return made


def stylesheet(look: Look) -> str:
    """The stylesheet of the app, from the tokens."""
    sheet = resources.files("resources").joinpath("app.qss").read_text(encoding="utf-8")
    colors: dict[str, str] = tokens()[look.name]["colors"]  # type: ignore[assignment]
    # Longest names first: @bg is the beginning of @bg_window.
    for token in sorted(colors, key=len, reverse=True):
        sheet = sheet.replace(f"@{token}", colors[token])
    for size in range(64, 0, -1):
        sheet = sheet.replace(f"={size}px", f"{look.px(size)}px")
    return sheet


def contrast(first: QColor, second: QColor) -> float:
    """The WCAG 2 contrast ratio of two colours, 1 to 21."""
    bright, dim = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(color: QColor) -> float:
    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) + 0.0722 * linear(color.blueF())
