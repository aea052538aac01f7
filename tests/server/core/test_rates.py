"""How much one device may ask, and how it is told that it was too much (P-26, SEC-24)."""

from __future__ import annotations

import pytest

from protocol.limits import BUSY_RETRY_MS
from protocol.packets import (
    FromServer,
    GroupA,
    GroupR,
    MembersA,
    MembersR,
    Nack,
    OpenA,
    OpenR,
    PeopleR,
    Prefs,
    PrefsR,
    PresenceR,
)
from protocol.values import Did
from server.core import rates
from server.core.rates import (
    DAY_S,
    QUESTIONS,
    Allowance,
    Allowances,
    Bucket,
    Question,
    UploadAllowances,
    too_often,
)
from server.core.rules import Rules, UploadRules
from tests.helpers.wire import TALK

RULES = Rules(messages_per_s=2.0, messages_burst=3.0, questions_per_s=1.0, questions_burst=1.0)


def test_a_bucket_holds_a_burst_and_fills_with_time() -> None:
    bucket = Bucket(2.0, 3.0, 10.0)
    assert [bucket.take(10.0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(10.4)
    assert bucket.take(10.5)
    assert bucket.dry(10.5)
    assert [bucket.take(99.0) for _ in range(4)] == [True, True, True, False]


def test_a_clock_that_stands_still_fills_nothing() -> None:
    bucket = Bucket(2.0, 1.0, 10.0)
    assert bucket.take(10.0)
    assert not bucket.take(9.0)


def test_it_says_when_to_ask_again_and_never_at_once() -> None:
    quick, slow = Bucket(60.0, 1.0, 0.0), Bucket(0.25, 1.0, 0.0)
    assert quick.take(0.0)
    assert slow.take(0.0)
    assert quick.wait_ms() == BUSY_RETRY_MS
    assert slow.wait_ms() == 4_000
    assert slow.take(4.0)


def test_without_a_rate_it_never_runs_dry() -> None:
    bucket = Bucket(0.0, 1.0, 0.0)
    assert all(bucket.take(0.0) for _ in range(99))
    assert bucket.wait_ms() == 0


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (OpenR("x1", ()), OpenA("x1", code="rate")),
        (GroupR("x2", TALK, "leave"), GroupA("x2", TALK, "rate")),
        (MembersR(TALK), MembersA(TALK, code="rate")),
        (PeopleR(), Nack("rate", retry_ms=1_500)),
        (PresenceR(), Nack("rate", retry_ms=1_500)),
        (PrefsR(Prefs()), Nack("rate", retry_ms=1_500)),
    ],
)
def test_a_question_too_many_is_answered_by_its_name(question: Question, answer: FromServer) -> None:
    assert isinstance(question, QUESTIONS)
    assert too_often(question, 1_500) == answer


def test_messages_and_questions_are_counted_apart() -> None:
    allowance = Allowance(RULES, 0.0)
    assert allowance.full(0.0)
    assert [allowance.messages.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert [allowance.questions.take(0.0) for _ in range(2)] == [True, False]
    assert not allowance.full(1.0)
    assert allowance.full(1.5)


def test_calling_again_fills_nothing() -> None:
    allowances = Allowances(RULES)
    assert allowances.of(Did("1"), 0.0).questions.take(0.0)
    assert not allowances.of(Did("1"), 0.1).questions.take(0.1)
    assert allowances.of(Did("2"), 0.1).questions.take(0.1)


def test_the_full_ones_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "DEVICES_KEPT", 2)
    allowances = Allowances(RULES)
    assert allowances.of(Did("1"), 0.0).questions.take(0.0)
    allowances.of(Did("2"), 0.0)
    assert allowances.of(Did("3"), 0.0).questions.take(0.0)
    assert not allowances.of(Did("1"), 0.0).questions.take(0.0)
    allowances.of(Did("4"), 0.0)
    assert allowances.of(Did("3"), 0.0).questions.take(0.0)


def test_part_of_a_token_is_waited_for_only_as_long_as_the_rest_takes() -> None:
    bucket = Bucket(0.25, 1.5, 0.0)
    assert bucket.take(0.0)
    assert bucket.wait_ms() == 2_000


def test_more_than_there_is_may_be_spent_and_is_filled_up_first() -> None:
    """What was let in is not turned away in the middle."""
    bucket = Bucket(10.0, 100.0, 0.0)
    assert not bucket.dry(0.0, 100.0)
    assert bucket.dry(0.0, 101.0)
    bucket.spend(0.0, 150.0)
    assert bucket.dry(0.0)
    assert bucket.wait_ms(100.0) == 15_000
    assert not bucket.dry(5.2)
    assert bucket.dry(5.2, 3.0)


def test_without_a_rate_nothing_is_spent() -> None:
    bucket = Bucket(0.0, 0.0, 0.0)
    bucket.spend(0.0, 1e12)
    assert not bucket.dry(0.0, 1e12)
    assert bucket.full(0.0)


def test_files_and_their_bytes_are_counted_apart_for_each_device() -> None:
    """SEC-24."""
    allowances = UploadAllowances(UploadRules(day_bytes=1_000, per_s=0.5, burst=2.0))
    mine = allowances.of(Did("1"), 0.0)
    assert mine.full(0.0)
    assert [mine.files.take(0.0) for _ in range(3)] == [True, True, False]
    mine.day.spend(0.0, 900)
    assert mine.day.dry(0.0, 101)
    assert not allowances.of(Did("2"), 0.0).day.dry(0.0, 1_000)
    assert allowances.of(Did("1"), 4.0) is mine
    assert mine.files.full(4.0)
    assert not mine.full(4.0)
    assert mine.full(DAY_S)
