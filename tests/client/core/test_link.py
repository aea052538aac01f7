"""The line: greeting, keep-alive, calling again, and when not to (P-12…P-18)."""

from __future__ import annotations

import pytest

from client.core.effects import Connect, HangUp, LineChanged, PaceLearned, Send
from client.core.events import (
    Dial,
    Heard,
    OnNetwork,
    Quit,
    Received,
    Said,
    SessionDown,
    SessionUp,
    Tick,
    Unanswered,
    WireDown,
    WireUp,
    Woken,
)
from client.core.link import Link
from client.core.model import Line, Me
from protocol.keepalive import Pace
from protocol.packets import Close, Hello, MsgA, Ping, Pong, Welcome
from protocol.values import ConvId, Did, Digest, Uid, replace

ME = Me(Uid("alice"), Did("71"), "Alice", "token-a", "http://127.0.0.1:1", "1-aa")
WELCOME = Welcome(v=1, sn=4, gen="1-aa", ts=5, uid=ME.uid, did=ME.did, name=ME.name)
ANSWER = MsgA(ConvId("c"), 1, 1, Digest("d"), 5, 1, Digest("d"))


class Desk:
    """A link with its surroundings: dice that always roll a half, and a knob for unanswered messages."""

    def __init__(self) -> None:
        self.link = Link(ME, lambda: 0.5, lambda: "sum-of-all")

    def ready(self, now_s: float = 0.0) -> Desk:
        self.link.handle(Dial(), now_s)
        self.link.handle(WireUp(1), now_s)
        self.link.handle(Received(1, (WELCOME,)), now_s)
        assert self.link.ready
        return self

    def tick_at(self, now_s: float) -> list[object]:
        return list(self.link.handle(Tick(), now_s))


def test_dialing_connects_once() -> None:
    desk = Desk()

    assert desk.link.handle(Dial(), 0.0) == [Connect(1), LineChanged(Line("dialing"))]
    assert desk.link.handle(Dial(), 0.1) == []
    assert desk.link.next_wakeup_s() is None


def test_hello_is_the_first_packet_and_says_what_this_device_has() -> None:
    desk = Desk()
    desk.link.handle(Dial(), 0.0)

    hello = Hello(v=(1, 1), token="token-a", gen="1-aa", sum="sum-of-all", every_s=30)
    assert desk.link.handle(WireUp(1), 0.0) == [Send(1, (hello,)), LineChanged(Line("greeting"))]


def test_packets_before_welcome_are_ignored() -> None:
    """Also those that share a frame with it (P-12)."""
    desk = Desk()
    desk.link.handle(Dial(), 0.0)
    desk.link.handle(WireUp(1), 0.0)

    assert desk.link.handle(Received(1, (Ping("x"), ANSWER)), 0.1) == []
    assert not desk.link.ready
    assert desk.link.handle(Received(1, (ANSWER, Ping("x"), WELCOME, ANSWER)), 0.2) == [
        LineChanged(Line("ready")),
        SessionUp(1, WELCOME),
        Said((ANSWER,)),
    ]
    assert desk.link.handle(Received(1, (WELCOME,)), 0.3) == [], "a second welcome says nothing"


def test_a_server_that_never_welcomes_is_left_after_ten_seconds() -> None:
    desk = Desk()
    desk.link.handle(Dial(), 0.0)
    desk.link.handle(WireUp(1), 0.0)

    assert desk.link.next_wakeup_s() == 10.0
    assert desk.tick_at(9.9) == []
    assert desk.tick_at(10.0) == [
        HangUp(1, Close.AGAIN),
        LineChanged(Line("offline", 10.5, "server_unreachable")),
    ]


def test_what_an_older_connection_says_is_void() -> None:
    desk = Desk().ready()
    desk.link.handle(WireDown(1), 5.0)
    desk.tick_at(5.5)

    assert desk.link.wire == 2
    assert desk.link.handle(Received(1, (WELCOME,)), 5.6) == []
    assert desk.link.handle(WireDown(1), 5.7) == []
    assert desk.link.handle(WireUp(1), 5.8) == []


def test_a_lost_line_is_called_again_with_growing_waits() -> None:
    """Half of 1, 2, 4 … 60 s with these dice (P-16)."""
    desk = Desk()
    desk.link.handle(Dial(), 0.0)
    waits, now_s = [], 0.0
    for wire in range(1, 9):
        desk.link.handle(WireDown(wire), now_s)
        due_s = desk.link.next_wakeup_s()
        assert due_s is not None
        waits.append(due_s - now_s)
        assert desk.tick_at(due_s - 0.001) == []
        assert desk.tick_at(due_s)[0] == Connect(wire + 1)
        now_s = due_s

    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_a_minute_of_calm_starts_the_waits_again() -> None:
    desk = Desk().ready()
    desk.link.handle(WireDown(1), 1.0)
    desk.tick_at(1.5)
    desk.link.handle(WireUp(2), 1.5)
    desk.link.handle(Received(2, (WELCOME,)), 1.5)
    desk.link.handle(Received(2, (Ping("a"),)), 61.4)

    assert desk.link.handle(WireDown(2), 61.6) == [SessionDown(2), LineChanged(Line("offline", 62.1))]


def test_the_servers_wish_for_a_wait_is_obeyed() -> None:
    desk = Desk().ready()

    assert desk.link.handle(WireDown(1, Close.BUSY, 7000), 1.0)[-1] == LineChanged(Line("offline", 8.0, "busy"))


@pytest.mark.parametrize(
    ("close", "why", "code"),
    [
        (Close.BUSY, "disk_full", "server_full"),
        (Close.AGAIN, "disk_full", "server_full"),
        (Close.BUSY, "busy", "busy"),
        (Close.BUSY, "", "busy"),
        (Close.BUSY, "of a newer server", "busy"),
        (Close.AGAIN, "store_failed", "server_unreachable"),
    ],
)
def test_a_server_that_says_what_keeps_it_is_not_called_silent(close: int, why: str, code: str) -> None:
    """It answered (P-37, P-80)."""
    desk = Desk()
    desk.link.handle(Dial(), 0.0)
    desk.link.handle(WireUp(1), 0.0)

    assert desk.link.handle(WireDown(1, close, 0, why), 1.0)[-1] == LineChanged(Line("offline", 1.5, code))


def test_a_click_a_wake_up_or_another_network_calls_at_once() -> None:
    for event in (Dial(), Woken()):
        desk = Desk().ready()
        desk.link.handle(WireDown(1, Close.BUSY, 50_000), 1.0)
        assert desk.link.handle(event, 2.0)[0] == Connect(2)


@pytest.mark.parametrize(
    ("close", "code"),
    [
        (Close.VERSION, "version_unknown"),
        (Close.MISUSE, "line_refused"),
        (Close.TOKEN, "sign_in_again"),
        (Close.NOT_THIS_DEVICE, "profile_copied"),
        (Close.REPLACED, "replaced_elsewhere"),
    ],
)
def test_some_ends_stop_and_say_why(close: int, code: str) -> None:
    """Calling again by itself would make things worse, or be in vain (P-14, P-18)."""
    desk = Desk().ready()

    assert desk.link.handle(WireDown(1, close), 1.0) == [
        SessionDown(1),
        LineChanged(Line("stopped", 0.0, code)),
    ]
    assert desk.link.next_wakeup_s() is None
    assert desk.link.handle(Woken(), 2.0) == []
    assert desk.link.handle(Dial(), 3.0)[0] == Connect(2)


@pytest.mark.parametrize("close", [0, 1006, Close.AGAIN, Close.BUSY, Close.TOO_SLOW])
def test_other_ends_call_again(close: int) -> None:
    desk = Desk().ready()
    desk.link.handle(WireDown(1, close), 1.0)

    assert desk.link.next_wakeup_s() == 1.5


def test_a_quiet_line_is_pinged_and_a_dead_one_left() -> None:
    """T = 30 s, then 10 s for the answer (P-15)."""
    desk = Desk().ready()

    assert desk.link.next_wakeup_s() == 30.0
    [ping] = desk.tick_at(30.0)
    assert ping == Send(1, (Ping("AAAAAAAAAAE"),))
    assert desk.link.next_wakeup_s() == 40.0
    assert desk.tick_at(40.0) == [
        PaceLearned(Pace(30.0, 30.0, 30.0)),
        HangUp(1, Close.AGAIN),
        SessionDown(1),
        LineChanged(Line("offline", 40.5)),
    ]
    assert desk.link.handle(WireDown(1), 900.0) == [], "the socket noticed a quarter of an hour later"


def test_any_bytes_keep_the_line_alive() -> None:
    desk = Desk().ready()
    desk.tick_at(30.0)

    assert desk.link.handle(Received(1, (ANSWER,)), 31.0) == [Said((ANSWER,))]
    assert desk.link.next_wakeup_s() == 61.0


def test_a_ping_is_answered() -> None:
    desk = Desk().ready()

    assert desk.link.handle(Received(1, (Ping("abc"),)), 1.0) == [Send(1, (Pong("abc"),))]


def test_the_interval_grows_after_three_good_rounds_and_is_announced() -> None:
    desk = Desk().ready()
    said: list[object] = []
    for now_s in (30.0, 60.0, 90.0):
        [sent] = desk.tick_at(now_s)
        assert isinstance(sent, Send)
        [ping] = sent.packets
        assert isinstance(ping, Ping)
        said += desk.link.handle(Received(1, (Pong(ping.x),)), now_s)
    assert said == [PaceLearned(Pace(60.0))], "worth remembering, once"
    assert desk.link.next_wakeup_s() == 150.0

    desk.link.handle(WireDown(1), 100.0)
    desk.link.handle(Dial(), 100.0)
    [sent, _] = desk.link.handle(WireUp(2), 100.0)
    assert isinstance(sent, Send)
    assert isinstance(sent.packets[0], Hello)
    assert sent.packets[0].every_s == 60


def test_within_a_connection_a_ping_announces_what_was_learned() -> None:
    desk = Desk().ready()
    for now_s in (30.0, 60.0, 90.0):
        [sent] = desk.tick_at(now_s)
        desk.link.handle(Received(1, (Pong(sent.packets[0].x),)), now_s)  # type: ignore[attr-defined]

    assert desk.tick_at(150.0) == [Send(1, (Ping("AAAAAAAAAAQ", 60),))]


def test_what_a_network_bears_is_obeyed_from_the_next_hello_on() -> None:
    """Within an open session no more than twice what its hello said, until the server knows better."""
    desk = Desk()
    assert desk.link.handle(OnNetwork(Pace(120.0, 120.0)), 0.0) == []
    desk.link.handle(Dial(), 0.0)
    [sent, _] = desk.link.handle(WireUp(1), 0.0)
    assert sent.packets[0].every_s == 120  # type: ignore[union-attr]

    desk = Desk().ready()
    desk.link.handle(OnNetwork(Pace(120.0, 120.0)), 1.0)
    assert desk.link.next_wakeup_s() == 60.0
    assert desk.tick_at(60.0) == [Send(1, (Ping("AAAAAAAAAAE", 60),))]


def test_bytes_of_a_frame_that_takes_its_time_keep_the_line_alive() -> None:
    desk = Desk().ready()
    desk.link.handle(Unanswered(0.0), 0.0)
    desk.tick_at(5.0)

    assert desk.link.handle(Heard(1), 9.0) == []
    assert desk.link.next_wakeup_s() == 14.0
    assert desk.link.handle(Heard(7), 13.0) == [], "another connection's"
    assert desk.link.next_wakeup_s() == 14.0


def test_a_long_welcome_may_take_its_time() -> None:
    """A thousand conversations at 1 kB/s."""
    desk = Desk()
    desk.link.handle(Dial(), 0.0)
    assert desk.link.handle(Heard(1), 0.0) == []
    desk.link.handle(WireUp(1), 0.0)
    for now_s in (8.0, 16.0, 24.0):
        assert desk.link.handle(Heard(1), now_s) == []
        assert desk.link.next_wakeup_s() == now_s + 10.0

    assert desk.tick_at(34.0)[0] == HangUp(1, Close.AGAIN)


@pytest.mark.parametrize("up", [False, True])
def test_another_network_calls_anew_who_was_being_called(up: bool) -> None:
    """The old one will not answer (P-16)."""
    desk = Desk()
    desk.link.handle(Dial(), 0.0)
    if up:
        desk.link.handle(WireUp(1), 0.5)

    assert desk.link.handle(Woken(), 1.0) == [HangUp(1, Close.AGAIN), Connect(2), LineChanged(Line("dialing"))]
    assert desk.link.handle(WireDown(1), 1.1) == []


def test_a_foreign_pong_teaches_nothing() -> None:
    desk = Desk().ready()
    desk.tick_at(30.0)
    desk.link.handle(Received(1, (Pong("other"),)), 30.0)

    assert desk.link.next_wakeup_s() == 60.0


def test_an_idle_death_shortens_the_next_interval() -> None:
    desk = Desk().ready()
    for now_s in (30.0, 60.0, 90.0):
        [sent] = desk.tick_at(now_s)
        desk.link.handle(Received(1, (Pong(sent.packets[0].x),)), now_s)  # type: ignore[attr-defined]
    desk.tick_at(150.0)
    desk.tick_at(160.0)
    desk.link.handle(Dial(), 161.0)
    [sent, _] = desk.link.handle(WireUp(2), 161.0)

    assert sent.packets[0].every_s == 30  # type: ignore[union-attr]


def test_something_unanswered_for_five_seconds_asks_early() -> None:
    """And gives the answer only five seconds (P-15)."""
    desk = Desk().ready()
    desk.link.handle(Unanswered(2.0), 2.0)

    assert desk.link.next_wakeup_s() == 7.0
    assert len(desk.tick_at(7.0)) == 1
    assert desk.link.next_wakeup_s() == 12.0
    assert desk.tick_at(12.0)[0] == HangUp(1, Close.AGAIN)


def test_after_sleep_the_line_has_three_seconds_to_prove_itself() -> None:
    desk = Desk().ready()

    assert len(desk.link.handle(Woken(), 4.0)) == 1
    assert desk.link.next_wakeup_s() == 7.0


def test_quitting_hangs_up_and_stays_down() -> None:
    desk = Desk().ready()

    assert desk.link.handle(Quit(), 1.0) == [HangUp(1), SessionDown(1), LineChanged(Line("stopped"))]
    assert desk.link.handle(Woken(), 1.05) == []
    assert desk.link.handle(WireDown(1), 1.1) == []
    assert desk.link.handle(Quit(), 1.2) == [LineChanged(Line("stopped"))]
    assert desk.link.handle(Received(1, (ANSWER,)), 1.3) == []


def test_a_short_session_late_in_the_day_is_no_calm() -> None:
    """Whoever is thrown out again and again waits longer each time (P-16)."""
    desk = Desk().ready()
    waits: list[float] = []
    now_s = 100.0
    for wire in (1, 2, 3):
        desk.link.handle(WireDown(wire), now_s)
        due_s = desk.link.next_wakeup_s()
        assert due_s is not None
        waits.append(due_s - now_s)
        desk.tick_at(due_s)
        desk.link.handle(WireUp(wire + 1), due_s)
        desk.link.handle(Received(wire + 1, (WELCOME,)), due_s)
        now_s = due_s + 59.0
    assert waits == [0.5, 1.0, 2.0]


def test_exactly_a_minute_is_calm() -> None:
    desk = Desk()
    desk.link.handle(Dial(), 0.0)
    desk.link.handle(WireDown(1), 0.0)
    desk.tick_at(0.5)
    desk.link.handle(WireUp(2), 1.0)
    desk.link.handle(Received(2, (WELCOME,)), 1.0)
    desk.link.handle(WireDown(2), 61.0)
    assert desk.link.next_wakeup_s() == 61.5


def test_the_next_hello_names_the_generation_that_was_agreed_upon() -> None:
    desk = Desk()
    desk.link.handle(Dial(), 0.0)
    desk.link.handle(WireUp(1), 0.0)
    desk.link.handle(Received(1, (replace(WELCOME, gen="2-bb"),)), 0.0)
    desk.link.handle(WireDown(1), 5.0)
    desk.tick_at(5.5)
    (greeted, _) = desk.link.handle(WireUp(2), 5.5)
    assert isinstance(greeted, Send)
    (hello,) = greeted.packets
    assert isinstance(hello, Hello)
    assert hello.gen == "2-bb"
