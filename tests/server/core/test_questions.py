"""A question becomes a wish to the store, up to the very edge of what it may hold; beyond that it is refused."""

from __future__ import annotations

import pytest

from protocol.limits import MEMBERS_MAX, STATUS_KEYS_MAX, WATCHED_MAX
from protocol.packets import (
    GroupA,
    GroupR,
    MembersR,
    Nack,
    OpenR,
    PeopleR,
    Prefs,
    PrefsR,
    PresenceR,
    StatusKey,
    StatusR,
)
from protocol.values import ConvId, Digest, Uid
from server.core import effects as do
from server.core.questions import Question, Refusal, asked
from server.core.values import ID_MAX_CHARS
from tests.helpers.wire import ALICE, BOB, TALK

KEY = StatusKey(TALK, 1, Digest("a"))
NAME, LONG = "x" * ID_MAX_CHARS, "x" * (ID_MAX_CHARS + 1)
CROWD = tuple(Uid(f"u{number}") for number in range(max(MEMBERS_MAX, WATCHED_MAX) + 1))


@pytest.mark.parametrize(
    ("question", "wish"),
    [
        (StatusR((KEY,) * STATUS_KEYS_MAX), do.ReadStates((KEY,) * STATUS_KEYS_MAX)),
        (PeopleR(), do.ReadPeople()),
        (MembersR(TALK), do.ReadMembers(TALK)),
        (PrefsR(Prefs()), do.Choose(Prefs())),
        (PresenceR(), do.Watch(())),
        (PresenceR((BOB.uid, ALICE.uid, BOB.uid)), do.Watch((BOB.uid, ALICE.uid))),
        (PresenceR((Uid(NAME), *CROWD[: WATCHED_MAX - 1])), do.Watch((Uid(NAME), *CROWD[: WATCHED_MAX - 1]))),
    ],
)
def test_what_is_asked_is_looked_up(question: Question, wish: do.Effect) -> None:
    assert asked(question) == wish


@pytest.mark.parametrize("wish", [OpenR(NAME, (Uid(NAME),)), OpenR("x", ())])
def test_a_conversation_is_opened(wish: OpenR) -> None:
    assert asked(wish) == do.Open(wish)


@pytest.mark.parametrize(
    "wish", [GroupR(NAME, ConvId(NAME), "add", (Uid(NAME),)), GroupR("x", TALK, "add", CROWD[:MEMBERS_MAX])]
)
def test_a_group_is_changed(wish: GroupR) -> None:
    assert asked(wish) == do.Change(wish)


@pytest.mark.parametrize(
    ("question", "refusal"),
    [
        (StatusR(()), Nack("packet")),
        (StatusR((KEY,) * (STATUS_KEYS_MAX + 1)), Nack("packet")),
        (OpenR(LONG, ()), Nack("packet")),
        (OpenR("x", (Uid(LONG),)), Nack("packet")),
        (GroupR(LONG, TALK, "leave"), Nack("packet")),
        (GroupR("x", ConvId(LONG), "leave"), Nack("packet")),
        (GroupR("x", TALK, "add", (Uid(LONG),)), Nack("packet")),
        (GroupR("x", TALK, "add", (BOB.uid,) * (MEMBERS_MAX + 1)), GroupA("x", TALK, "members_too_many")),
        (PresenceR(CROWD[: WATCHED_MAX + 1]), Nack("packet")),
        (PresenceR((Uid(LONG),)), Nack("packet")),
    ],
)
def test_what_cannot_be_is_refused(question: Question, refusal: Refusal) -> None:
    assert asked(question) == refusal
