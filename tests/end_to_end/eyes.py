"""Reads windows from outside, as a screen reader does: what is there, what it says, where it stands (AT-SPI).

Runs in the system's own Python, whose package python3-pyatspi speaks to the accessibility bus. One question per line on
standard input, one answer per line on standard output, both JSON. It only looks: clicks and keys come from xdotool.
"""

import json
import sys

import gi  # type: ignore[import-not-found]  # the system's Python has it

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # type: ignore[import-not-found]  # noqa: E402

DEEPEST = 24
CHILDREN_MAX = 400


def application(pid):
    """The program with this process number."""
    desktop = Atspi.get_desktop(0)
    for place in range(desktop.get_child_count()):
        child = desktop.get_child_at_index(place)
        if child is not None and child.get_process_id() == pid:
            return child
    return None


def showing(thing):
    """Whether it can be seen."""
    return thing.get_state_set().contains(Atspi.StateType.SHOWING)


def walk(thing, depth=0):
    """Everything that can be seen, from the outside in."""
    for place in range(min(CHILDREN_MAX, thing.get_child_count())):
        child = thing.get_child_at_index(place)
        if child is None:
            continue
        # Rows of a list say SHOWING only while they are in view; windows may not say it at all.
        if depth == 0 or showing(child):
            yield child
            if depth < DEEPEST:
                yield from walk(child, depth + 1)


def text_of(thing):
    """What a text field holds."""
    try:
        count = Atspi.Text.get_character_count(thing) if "Text" in thing.get_interfaces() else 0
        return Atspi.Text.get_text(thing, 0, count) if count else ""
    except GLib.Error:
        return ""


def told(thing):
    """One thing as a value."""
    box = thing.get_extents(Atspi.CoordType.SCREEN)
    return {
        "name": thing.get_name(), "role": thing.get_role_name(), "text": text_of(thing),
        "x": box.x, "y": box.y, "width": box.width, "height": box.height,
        "focused": thing.get_state_set().contains(Atspi.StateType.FOCUSED),
    }  # fmt: skip


def answer(question):
    """All things of a program whose role and name are wanted; `within` is part of a name, `name` the whole."""
    program = application(question["pid"])
    if program is None:
        return []
    found = []
    for thing in walk(program):
        try:
            if question.get("role") and thing.get_role_name() != question["role"]:
                continue
            name = thing.get_name()
            if "name" in question and name != question["name"]:
                continue
            if "within" in question and question["within"] not in name:
                continue
            found.append(told(thing))
        except GLib.Error:
            continue
    return found


for line in sys.stdin:
    try:
        said = answer(json.loads(line))
    except GLib.Error as error:
        said = []
        sys.stderr.write(f"{error}\n")
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
