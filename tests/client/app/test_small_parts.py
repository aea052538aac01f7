"""Answers, alarm, tasks, addresses, settings, facts, the log's words, and losing packets on purpose."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from client.adapters.sqlite_messages import SqliteMessages
from client.app.alarm import Alarm
from client.app.answers import Answers
from client.app.diary import packets_line, saves_line
from client.app.facts import complete
from client.app.faults import Faults, LossyWire
from client.app.server_url import server_url
from client.app.settings import KEY, Settings, load_settings, save_settings
from client.app.sleep import SleepWatch
from client.app.tasks import Tasks
from client.core.effects import SaveSettled
from client.core.model import Bubble, State
from protocol.codec import Garbled
from protocol.content import Attachment, File
from protocol.ladder import Ladder
from protocol.packets import AckN, AckR, MsgR, Packet, Ping
from protocol.problems import Problem, ServerUnreachable
from protocol.values import ConvId, Digest, Lid, MediaId, Uid
from tests.helpers.app import QueueWire

CONV = ConvId("c7xyzabc")

# ----------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("127.0.0.1:8787", "http://127.0.0.1:8787"),
        (" http://127.0.0.1:8787/ ", "http://127.0.0.1:8787"),
        ("ws://localhost:1", "http://localhost:1"),
        ("https://chat.example", "https://chat.example"),
        ("[::1]:8787", "http://[::1]:8787"),
    ],
)
def test_an_address_as_people_write_it(typed: str, address: str) -> None:
    assert server_url(typed) == address


@pytest.mark.parametrize(
    "typed", ["", "http://", "ftp://x", "127.0.0.1:99999", "127.0.0.1:0", "host/path", "http://[::1"]
)
def test_what_is_no_address_is_said(typed: str) -> None:
    with pytest.raises(Problem) as refusal:
        server_url(typed)
    assert refusal.value.code == "address_invalid"


# ------------------------------------------------------------------------------------------ settings


async def test_settings_are_kept_and_a_strange_value_is_no_obstacle(tmp_path: Path) -> None:
    messages = SqliteMessages(tmp_path)
    await messages.open()
    assert await load_settings(messages) == Settings()
    chosen = Settings(retry_mode="ask", retry_literal=True, language="zh_CN", theme="dark", receipts=False)
    await save_settings(messages, chosen)
    assert await load_settings(messages) == chosen
    await messages.set_setting(KEY, '{"theme":"plaid"}')
    assert await load_settings(messages) == Settings()
    await messages.set_setting(KEY, '{"theme":"dark","from a newer version":1}')
    assert await load_settings(messages) == Settings(theme="dark")
    await messages.close()


def test_the_ladder_follows_the_settings() -> None:
    assert Settings().ladder == Ladder()
    assert Settings(retry_mode="ask", retry_literal=True).ladder == Ladder("ask", True)


# ---------------------------------------------------------------------------------- answers and tasks


async def test_an_answer_reaches_everybody_who_waits_and_nobody_else() -> None:
    answers = Answers()
    first, second, other = answers.expect("a"), answers.expect("a"), answers.expect("b")
    second.cancel()
    await asyncio.sleep(0)
    answers.give("a", 1)
    assert await first == 1
    assert not other.done()
    assert answers.fail("b", ServerUnreachable(address="x"))
    with pytest.raises(ServerUnreachable):
        await other
    assert not answers.fail("b", Problem())
    last = answers.expect("c")
    answers.fail_all(Problem())
    with pytest.raises(Problem):
        await last
    answers.give("nobody", 1)


async def test_a_task_that_fails_is_in_the_log_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    tasks = Tasks()
    done: list[int] = []

    async def fails() -> None:
        raise ValueError("ours")

    async def works() -> None:
        done.append(1)

    async def lasts() -> None:
        await asyncio.Event().wait()

    first = tasks.start(fails(), "the first")
    tasks.start(works(), "the second")
    await first
    tasks.start(lasts(), "the third")
    await tasks.close()
    assert done == [1]
    assert "the first ended with an error of ours" in caplog.text


async def test_an_alarm_rings_for_the_earliest_moment() -> None:
    now_s, rang = 100.0, asyncio.Event()
    alarm = Alarm(rang.set, lambda: now_s)
    alarm.set(None)
    alarm.set(200.0)
    alarm.set(100.0)
    alarm.set(150.0)
    async with asyncio.timeout(5.0):
        await rang.wait()
    rang.clear()
    alarm.set(300.0)
    alarm.stop()
    assert not rang.is_set()


class TwoClocks:
    mono_s, wall_s = 100.0, 5000.0

    def now_s(self) -> float:
        return self.mono_s

    def wall_ms(self) -> int:
        return int(self.wall_s * 1000)


@pytest.mark.parametrize(
    ("mono_s", "wall_s", "slept"), [(5, 5, 0), (6, 6, 0), (5, 3600, 1), (3600, 3600, 1), (5, -60, 0)]
)
def test_sleep_shows_on_one_of_two_clocks(mono_s: float, wall_s: float, slept: int) -> None:
    clock, woken = TwoClocks(), []
    watch = SleepWatch(clock, lambda: woken.append(1))
    clock.mono_s, clock.wall_s = clock.mono_s + mono_s, clock.wall_s + wall_s
    watch.look()
    watch.look()
    assert len(woken) == slept


# -------------------------------------------------------------------------------------- words, facts


def test_the_log_never_has_the_text_of_a_message() -> None:
    packets: list[Packet | Garbled] = [
        MsgR(conv=CONV, n=42, pd=Digest(""), dg=Digest("dg"), content="SECRET"),
        AckR(conv=CONV, upto=910),
        AckN(conv=CONV, n=42, pos=910, stored="offline"),
        Ping("x"),
        Garbled("packet", "msg:N", "SECRET"),
    ]
    line = str(packets_line(packets))
    assert line == (
        "msg:R c7xyza/42, ack:R c7xyza upto 910, ack:N c7xyza/42 pos 910 stored offline, ping, garbled packet msg:N"
    )
    saved = SaveSettled(Lid(5), CONV, State.ACCEPTED, pos=9, ts=1, seen_last=1)
    assert str(saves_line([saved])) == "settled lid 5 conv c7xyza accepted"


def test_a_code_gets_the_facts_that_are_known() -> None:
    file = Attachment(MediaId("m"), "film.mp4", "video/mp4", 600 * 1024 * 1024, "ab")
    bubble = Bubble(Lid(1), CONV, Uid("u"), True, State.REFUSED, 1, File(file))

    def said(code: str, bubble: Bubble | None = None, **known: object) -> str:
        return complete(code, server="http://x:1", bubble=bubble, known=known).for_person()

    assert "600 MB; at most 512 MB" in said("media_too_large", bubble)
    assert "http://x:1" in said("server_unreachable")
    assert "10000 messages" in said("outbox_full")
    assert "“film.mp4”" in said("media_vanished", bubble)
    assert "“other”" in said("media_vanished", bubble, name="other")
    assert said("a code of a newer version") == Problem().for_person()


# --------------------------------------------------------------------------------------------- faults


class Ears:
    def __init__(self) -> None:
        self.heard: list[object] = []

    def up(self, wire: int) -> None:
        self.heard.append(("up", wire))

    def received(self, wire: int, packets: list[object]) -> None:
        self.heard.append(("received", wire, packets))

    def down(self, wire: int, close: int, retry_ms: int) -> None:
        self.heard.append(("down", wire, close, retry_ms))


async def test_chosen_packets_are_lost_both_ways_and_nothing_else() -> None:
    ears, wires = Ears(), []

    def open_wire(listener: object) -> QueueWire:
        wires.append(QueueWire(listener))  # type: ignore[arg-type]
        return wires[0]

    lossy = LossyWire(Faults(["ack:N:2", "ack:R:1"]), ears, open_wire)  # type: ignore[arg-type]
    lossy.connect(1, "url")
    await asyncio.sleep(0)
    first, second, third = (AckN(conv=CONV, to=number) for number in (1, 2, 3))
    wires[0].answer(first)
    wires[0].answer(second)
    wires[0].answer(Garbled("packet", "", ""), third)  # type: ignore[arg-type]
    lossy.send(1, [AckR(conv=CONV, upto=1)])
    lossy.send(1, [AckR(conv=CONV, upto=2), Ping("x")])
    lossy.hang_up(1, 1000)
    await asyncio.sleep(0)
    assert ears.heard == [
        ("up", 1),
        ("received", 1, [first]),
        ("received", 1, [Garbled("packet", "", ""), third]),
        ("down", 1, 1000, 0),
    ]
    assert wires[0].said == [AckR(conv=CONV, upto=2), Ping("x")]


@pytest.mark.parametrize("text", ["ack:N", "", ":1", "ack:N:0", "ack:N:x"])
def test_a_fault_that_is_none_is_said(text: str) -> None:
    with pytest.raises(Problem) as refusal:
        Faults([text])
    assert refusal.value.code == "wish_invalid"
