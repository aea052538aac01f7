"""The table behind “7 of 9”: who is first, what is said of each, and what the counts are."""

from __future__ import annotations

from client.core.model import Presence, Receipt, State
from client.ui.viewmodels.standing import count_lines, counts, member_rows, receipt_rows, when_words
from protocol.packets import Seat
from protocol.values import Uid
from tests.stages.people import Diary
from tests.stages.stage import DAY_MS, MINUTE_MS, NOW_MS

LATER = NOW_MS - 5 * MINUTE_MS
TABLE = [
    Receipt(Uid("d"), "Dora"),
    Receipt(Uid("c"), "Carl", True, False, LATER),
    Receipt(Uid("b"), "Ben", True, True, LATER, LATER),
    Receipt(Uid("a"), "Ada", True, True),
]


def test_who_opened_it_comes_first() -> None:
    rows = receipt_rows(TABLE, NOW_MS)
    assert [row.name for row in rows] == ["Ada", "Ben", "Carl", "Dora"]
    assert [row.beside for row in rows] == ["Opened", "Opened 14:00", "On their device 14:00", "The server keeps it"]
    assert rows[1].sentence == "Ben, On their device 14:00, Opened 14:00"


def test_an_older_time_has_its_day() -> None:
    assert when_words(NOW_MS - DAY_MS, NOW_MS) == "Wed 14:05"
    assert when_words(0, NOW_MS) == ""


def test_counts_come_from_the_table_if_it_is_here() -> None:
    bubble = Diary().say("x", State.STORED, of=40, delivered_to=30, read_by=10).bubbles[0]
    assert counts(bubble, None) == (30, 10, 40)
    assert counts(bubble, TABLE) == (3, 2, 4)
    assert counts(Diary().say("x", State.READ).bubbles[0], []) == (1, 1, 1)


def test_reads_are_not_counted_for_who_does_not_tell_them() -> None:
    bubble = Diary().say("x", State.STORED, of=40, delivered_to=30, read_by=10).bubbles[0]
    assert [line[2] for line in count_lines(bubble, None, reads=True)] == [
        "On the server 13:25", "Delivered to 30 of 40", "Opened by 10 of 40",
    ]  # fmt: skip
    assert [line[2] for line in count_lines(bubble, None, reads=False)][1:] == ["Delivered to 30 of 40"]


def test_who_administers_comes_first_then_oneself() -> None:
    seats = [Seat(Uid("z"), "Zoe"), Seat(Uid("me"), "Nora"), Seat(Uid("b"), "Ben", 1), Seat(Uid("a"), "Ada")]
    rows = member_rows(seats, Uid("me"), {Uid("z"): Presence(Uid("z"), True)}, {Uid("z"): "online"})
    assert [row.name for row in rows] == ["Ben", "Nora (you)", "Ada", "Zoe"]
    assert rows[0].beside == "administrator"
    assert rows[3].online
    assert rows[3].below == "online"
    assert not rows[1].below
