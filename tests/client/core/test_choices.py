"""What this person tells others is the same on all devices; a wish of this one is said until it is confirmed."""

from __future__ import annotations

from client.core.choices import Choices
from client.core.effects import PrefsKnown, SavePrefs, Send
from client.core.events import SessionDown, SessionUp, SetPrefs
from protocol.limits import ANSWER_WAIT_S
from protocol.packets import OpenA, Prefs, PrefsA, PrefsR
from protocol.values import replace
from tests.helpers.machines import C, Desk, memory, welcome

SILENT, ALL, HIDDEN = Prefs(reads=False), Prefs(), Prefs(presence=False)


def desk(wish: Prefs | None = None) -> Desk:
    return Desk(Choices(memory(prefs_wish=wish)))


def test_the_server_says_what_was_chosen_elsewhere() -> None:
    choices = desk()
    assert choices.does(SessionUp(1, replace(welcome(), prefs=SILENT))) == [PrefsKnown(SILENT)]
    assert choices.hears(PrefsA(HIDDEN), OpenA("x", C)) == [PrefsKnown(HIDDEN)]
    assert choices.machine.next_wakeup_s() is None


def test_a_wish_is_kept_said_and_confirmed() -> None:
    choices = desk()
    choices.online()
    assert choices.does(SetPrefs(SILENT)) == [SavePrefs(SILENT), Send(1, (PrefsR(prefs=SILENT),))]
    assert choices.hears(PrefsA(SILENT)) == [SavePrefs(None), PrefsKnown(SILENT)]
    assert choices.machine.next_wakeup_s() is None


def test_a_wish_is_said_again_without_an_answer_and_in_the_next_session() -> None:
    choices = desk(SILENT)
    assert choices.machine.next_wakeup_s() is None
    assert choices.does(SessionUp(1, welcome())) == [Send(1, (PrefsR(prefs=SILENT),))]
    assert choices.machine.next_wakeup_s() == ANSWER_WAIT_S
    choices.run_until(choices.now_s + ANSWER_WAIT_S)
    choices.does(SessionDown(1))
    choices.run_until(choices.now_s + ANSWER_WAIT_S)
    choices.online()
    assert [packet for _, packet in choices.sent] == [PrefsR(prefs=SILENT)] * 3


def test_what_another_device_chose_before_is_not_the_last_word() -> None:
    choices = desk(SILENT)
    choices.online()
    assert choices.hears(PrefsA(HIDDEN)) == []
    assert choices.hears(PrefsA(SILENT)) == [SavePrefs(None), PrefsKnown(SILENT)]
    assert choices.hears(PrefsA(ALL)) == [PrefsKnown(ALL)]
