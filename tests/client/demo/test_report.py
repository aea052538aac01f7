"""The demo's report: a hexagram for each message, readable in a plain terminal."""

from __future__ import annotations

import json

from client.core.journey import PACKETS
from client.demo.report import (
    BROKEN,
    WHOLE,
    MessageReport,
    PacketLine,
    Report,
    as_json,
    as_text,
    ordered,
    pad,
    width,
)


def journey(*left_out: str) -> list[PacketLine]:
    lines = [
        PacketLine(packet, "alice", "out" if packet in ("msg:R", "ack:R") else "in", 1000 + 10 * place)
        for place, packet in enumerate(PACKETS)
    ]
    return [line for line in lines if line.packet not in left_out]


def report(*messages: MessageReport) -> Report:
    return Report("alice", "bob", list(messages), seconds=1.5)


def message(*left_out: str, number: int = 1) -> MessageReport:
    problems = [f"{packet} was not seen" for packet in left_out]
    return MessageReport(number, "text", "你好", 1, ["sending", "delivered"], journey(*left_out), 1, problems=problems)


def figure(text: str) -> list[str]:
    return [line[4:11] for line in text.splitlines() if line[4:11] in (WHOLE, BROKEN)]


def test_six_packets_make_the_first_hexagram() -> None:
    good = report(message())
    text = as_text(good, colour=False)
    assert figure(text) == [WHOLE] * 6
    assert good.good
    assert "乾" in text
    assert "1 of 1 messages arrived exactly once" in text
    assert "\x1b" not in text


def test_a_packet_that_was_not_seen_is_a_broken_line_and_a_failure() -> None:
    bad = report(message("ack:A"))
    text = as_text(bad, colour=False)
    assert list(reversed(figure(text))) == [WHOLE, WHOLE, WHOLE, WHOLE, BROKEN, WHOLE]
    assert not bad.good
    assert "乾" not in text
    assert "ack:A was not seen" in text


def test_times_count_from_the_first_packet() -> None:
    lines = as_text(report(message()), colour=False).splitlines()
    assert [line.split("server")[1].split()[0] for line in lines if " server" in line] == [
        "50",
        "40",
        "30",
        "20",
        "10",
        "0",
    ]


def test_what_came_late_or_twice_or_by_another_name_is_said() -> None:
    away = message("msg:N", "ack:R")
    away.problems.clear()
    away.packets += [
        PacketLine("offline:A", "bob", "in", 1500),
        PacketLine("offlineack:R", "bob", "out", 1600),
        PacketLine("ack:N", "alice", "in", 1001, note="offline"),
        PacketLine("msg:R", "alice", "out", 2000, tries=2),
        PacketLine("msg:R", "alice", "out", 3000, tries=3, note="probe"),
        PacketLine("ack:A", "bob", "in", 2500, note="again after a start"),
    ]
    away.packets = ordered(away.packets)
    text = as_text(report(away), colour=False)
    assert "as offline:A" in text
    assert "as offlineack:R" in text
    assert "after 1 ms: kept for who is away" in text
    assert "after 1000 ms: again" in text
    assert "after 2000 ms: asked what became of it" in text
    assert "after 1500 ms: again after a start" in text
    assert BROKEN not in text


def test_chinese_takes_two_columns() -> None:
    assert (width("既济"), width("ab"), width("e\u0301")) == (4, 2, 1)
    assert pad("你好", 6) == "你好  "
    wide, narrow = message(), message(number=2)
    narrow.what = "abcd"
    rows = [line for line in as_text(report(wide, narrow), colour=False).splitlines() if "✓" in line and "text" in line]
    assert len({width(row) for row in rows}) == 1


def test_colour_changes_nothing_but_colour() -> None:
    both = report(message(), message("msg:A", number=2))
    painted = as_text(both, colour=True)
    for code in ("\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[0m"):
        painted = painted.replace(code, "")
    assert painted == as_text(both, colour=False)


def test_a_plain_terminal_needs_no_more_than_ascii_but_for_names() -> None:
    one = message()
    one.what = "hello"
    text = as_text(report(one), colour=False, plain=True)
    assert text.isascii()
    assert not any(line.endswith(" ") for line in text.splitlines() if line.strip())


def test_the_same_as_json() -> None:
    document = json.loads(json.dumps(as_json(report(message()))))
    assert document["good"]
    assert [line["packet"] for line in document["messages"][0]["packets"]] == list(PACKETS)


def test_nothing_at_all_is_not_good() -> None:
    empty = report()
    assert not empty.good
    empty.problems.append("the demo stopped: it took too long")
    assert "it took too long" in as_text(empty, colour=False)
