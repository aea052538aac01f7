"""Colours can be read, the look follows the person, and the stylesheet is made of tokens only."""

from __future__ import annotations

import re

import pytest
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from client.ui.theme import FONTS, Look, Themes, contrast, families, stylesheet, tokens

THEMES = ("light", "dark")
PANES = ("bg_window", "bg_sidebar", "bg_hover", "bg_selected", "bg_canvas", "bg_composer", "bg_input")
BUBBLES = ("bubble_in", "bubble_out", "bubble_failed", "bubble_sel")
READ_ON = {
    "text_1": (*PANES, *BUBBLES, "bubble_sys", "search_hit"), "text_2": (*PANES, *BUBBLES, "bubble_sys"),
    "text_3": PANES, "placeholder": PANES, "text_link": (*PANES, *BUBBLES), "danger": (*PANES, "danger_bg"),
    "tick_wait": (*PANES, *BUBBLES), "tick_sent": (*PANES, *BUBBLES), "tick_stored": (*PANES, *BUBBLES),
    "tick_deliv": (*PANES, *BUBBLES), "tick_opened": (*PANES, *BUBBLES),
    "tick_failed": (*PANES, "bubble_in", "bubble_out", "bubble_failed"),
    "warn": ("warn_bg", "bg_window"), "ok": ("ok_bg", "bg_window"), "on_accent": ("accent", "accent_hover"),
    "on_danger": ("danger",), "on_badge": ("badge", "badge_muted"),
}  # fmt: skip
SEEN_ON = {
    "accent": (*PANES, *BUBBLES), "focus": (*PANES, *BUBBLES), "badge": PANES, "badge_muted": PANES,
    "wave_idle": ("bubble_in", "bubble_out"), "wave_play": BUBBLES, "rec_dot": PANES, "online": PANES,
    "border_ctl": ("bg_input", "bg_window", "bg_composer"), "unread_line": ("bg_canvas",),
}  # fmt: skip
PAIRS = [
    (theme, front, back, least)
    for theme in THEMES
    for table, least in ((READ_ON, 4.5), (SEEN_ON, 3.0))
    for front, backs in table.items()
    for back in backs
]


@pytest.mark.parametrize(("theme", "front", "back", "least"), PAIRS)
def test_colours_can_be_told_apart(theme: str, front: str, back: str, least: float) -> None:
    look = Look(theme)  # type: ignore[arg-type]
    assert contrast(look.color(front), look.color(back)) >= least


@pytest.mark.parametrize("theme", THEMES)
def test_names_and_initials_can_be_read(theme: str) -> None:
    look = Look(theme)  # type: ignore[arg-type]
    for name in tokens()[theme]["names"]:  # type: ignore[attr-defined]
        assert contrast(QColor(name), look.color("bubble_in")) >= 4.5
        assert contrast(QColor(name), look.on_name_color()) >= 4.5


def test_white_on_a_pill_can_be_read_over_a_white_picture() -> None:
    behind = QColor.fromRgbF(*[1 - 166 / 255] * 3)
    assert contrast(QColor("white"), behind) >= 6.9


def test_both_themes_have_the_same_tokens() -> None:
    light, dark = (tokens()[theme] for theme in THEMES)
    assert light["colors"].keys() == dark["colors"].keys()  # type: ignore[attr-defined]
    assert len(light["names"]) == len(dark["names"]) == 8  # type: ignore[arg-type]


@pytest.mark.parametrize("theme", THEMES)
def test_every_place_of_the_stylesheet_is_filled(theme: str) -> None:
    sheet = stylesheet(Look(theme))  # type: ignore[arg-type]
    assert re.findall(r"@\w+|=\d+px", sheet) == []


def test_sizes_follow_the_scale(qapp: QApplication) -> None:
    assert Look("light", 1.5).px(20) == 30
    assert "font-size: 21px" in stylesheet(Look("light", 1.5))
    assert Look("light", 1.5).font("body").pixelSize() == 21


def test_every_font_of_the_table_can_be_made(qapp: QApplication) -> None:
    assert all(Look("dark").font(kind).pixelSize() > 0 for kind in FONTS)


def test_a_person_keeps_their_colour() -> None:
    look = Look("light")
    assert look.name_color("anna") == look.name_color("anna")
    assert len({look.name_color(str(seed)).name() for seed in range(100)}) == 8


def test_chinese_comes_before_emoji_and_after_the_system() -> None:
    known = ["Noto Color Emoji", "Noto Sans CJK SC", "Verdana"]
    assert families("Verdana", known) == ("Verdana", "Noto Sans CJK SC", "Noto Color Emoji")


def test_a_font_that_nobody_chose_gives_way_to_a_better_one() -> None:
    assert families("DejaVu Sans", ["Noto Sans", "DejaVu Sans"])[0] == "Noto Sans"
    assert families("DejaVu Sans", ["DejaVu Sans"]) == ("DejaVu Sans",)


def test_choosing_a_theme_dresses_the_app_and_tells(qapp: QApplication, themes: Themes) -> None:
    seen: list[Look] = []
    themes.changed.connect(seen.append)
    themes.choose("dark")
    assert [look.name for look in seen] == ["dark"]
    assert qapp.palette().color(QPalette.ColorRole.Window) == themes.look.color("bg_window")
    themes.choose("dark")
    assert len(seen) == 1


def test_text_size_stays_within_its_limits(themes: Themes) -> None:
    themes.zoom(9)
    assert themes.look.scale == 1.5
    themes.zoom(0.1)
    assert themes.look.scale == 0.85


def test_system_is_light_or_dark(qapp: QApplication, themes: Themes) -> None:
    themes.choose("system")
    assert themes.look.name in THEMES
    assert themes.choice == "system"
