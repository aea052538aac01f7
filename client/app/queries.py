"""What a front end may look up: pages, chats and people from the disk; from the server what only it knows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Literal, TypeVar

from client.app.account import Account
from client.app.publisher import Publisher
from client.app.questions import Questions
from client.core.events import Ask, AskMembers, AskOlder, AskPeople, AskSynced, ChangeGroup, Event, Open
from client.core.model import NOWHERE, Bubble, ChatEntry, Finding, MediaKind, Receipt, Span, State
from client.core.spending import Spending, Spent
from client.ports import Parts
from protocol.codec import to_text
from protocol.limits import ANSWER_WAIT_S, PAGE_EVENTS, STATUS_WAIT_S
from protocol.packets import Person, Seat
from protocol.problems import Problem, ServerUnreachable, UnknownPerson
from protocol.values import ConvId, Lid, Uid, replace

T = TypeVar("T")

SMALL_MEMBERS = 32  # more than so many others are counted by the server (P-52)
OLDER_ASKS_MAX = 8  # for one page
ANSWER_SLACK_S = 2.0  # the core gives up a question first, and says why
STATUS_SLACK_S = 1.0
QUESTION_BYTES = 16
DAY_MS = 24 * 60 * 60 * 1000


class Queries:
    """Looks things up, and changes nothing; bubbles are dressed as the publisher shows them."""

    def __init__(
        self,
        parts: Parts,
        account: Account,
        publisher: Publisher,
        questions: Questions,
        wish: Callable[[Event], Awaitable[None]],
    ) -> None:
        self._messages, self._dice, self._account = parts.messages, parts.dice, account
        self._clock, self._ledger = parts.clock, parts.ledger
        self._publisher, self._questions, self._wish = publisher, questions, wish

    # -------------------------------------------------------------------------------------- on the disk

    async def page(
        self, conv: ConvId, before: tuple[int, int] | None, after: tuple[int, int] | None, limit: int
    ) -> list[Bubble]:
        """Bubbles in the order shown, next to the given `Bubble.order`, or the newest ones."""
        page = await self._messages.page(conv, before=before, after=after, limit=limit)
        for _ in range(OLDER_ASKS_MAX):
            wanted = missing_at(page, before, after, limit, await self._messages.older(conv))
            if wanted is None or not await self._bring_older(conv, wanted, limit):
                break
            page = await self._messages.page(conv, before=before, after=after, limit=limit)
        return [self._publisher.dress(bubble) for bubble in page]

    async def media(
        self,
        conv: ConvId,
        kinds: Sequence[MediaKind],
        before: tuple[int, int] | None,
        after: tuple[int, int] | None,
        limit: int,
    ) -> list[Bubble]:
        """Like `page`, of messages with a file of these kinds; the server is not asked for older ones."""
        page = await self._messages.media(conv, kinds, before=before, after=after, limit=limit)
        return [self._publisher.dress(bubble) for bubble in page]

    async def bubble(self, lid: Lid) -> Bubble:
        """One bubble. Raises UnknownMessage."""
        return self._publisher.dress(await self._messages.bubble(lid))

    async def chats(self) -> list[ChatEntry]:
        """The chat list, newest first."""
        return [
            entry if entry.last is None else replace(entry, last=self._publisher.dress(entry.last))
            for entry in await self._messages.chats()
        ]

    async def members(self, conv: ConvId) -> list[Seat]:
        """The member table, fresh from the server if it answers; else as known here."""
        with suppress(Problem, TimeoutError):
            await self._questions.ask(("members", conv), self._wish(AskMembers(conv)), ANSWER_WAIT_S + ANSWER_SLACK_S)
        return await self._messages.members(conv)

    async def receipts(self, lid: Lid) -> list[Receipt]:
        """How each other member stands to an own message. Raises UnknownMessage for any other.

        In a large conversation only the server knows each (P-52).
        """
        bubble = await self._messages.bubble(lid)
        if bubble.of > SMALL_MEMBERS:
            await self.members(bubble.conv)
        return await self._messages.receipts(lid)

    async def spending(self, days: int) -> list[Spending]:
        """What each of the last days cost in each conversation."""
        await self._ledger.flush()
        return await self._messages.spending(self._clock.wall_ms() - days * DAY_MS)

    async def spent(self, conv: ConvId, limit: int) -> list[Spent]:
        """Requests, newest first."""
        await self._ledger.flush()
        return await self._messages.spent(0, conv, limit)

    # ---------------------------------------------------------------------------------- from the server

    async def direct(self, uid: Uid) -> ConvId:
        """The conversation with this person; the first time the server opens it."""
        for entry in await self._messages.chats():
            others = {member.uid for member in entry.members} - {self._account.joined().uid}
            if entry.form == "direct" and others == {uid}:
                return entry.conv
        return await self._open((uid,), "direct")

    async def direct_by_name(self, name: str) -> ConvId:
        """The conversation with the person of this name, in any case of letters. Raises UnknownPerson."""
        return await self.direct((await self.person(name)).uid)

    async def person(self, name: str) -> Person:
        """The person of this name, in any case of letters. Raises UnknownPerson."""
        person = _named(name, await self._messages.people())
        if person is None:
            everybody: list[Person] = await self._answer("people", AskPeople())
            person = _named(name, everybody)
        if person is None:
            raise UnknownPerson(name=name)
        return person

    async def group(self, title: str, uids: Sequence[Uid]) -> ConvId:
        """A new group."""
        return await self._open(tuple(uids), "group", title)

    async def change_group(
        self,
        conv: ConvId,
        do: Literal["add", "remove", "leave", "rename", "role"],
        uids: Sequence[Uid] = (),
        title: str = "",
        role: int = 0,
    ) -> None:
        """Return when the server has done it; the change itself comes with the log."""
        x = to_text(self._dice.bytes(QUESTION_BYTES))
        await self._answer(("open", x), ChangeGroup(x, conv, do, tuple(uids), title, role))

    async def catch_up(self, convs: Sequence[ConvId]) -> None:
        """Bring everything that the device before this one may have sent here and not heard of (P-64).

        Raises ServerUnreachable when that cannot be known now.
        """
        code: str = await self._answer("synced", AskSynced())
        for conv in convs:
            while not code and (span := await self._left_out(conv)) is not None:
                code = "" if await self._bring_older(conv, span.last, PAGE_EVENTS) else "server_unreachable"
        if code:
            raise ServerUnreachable(address=self._account.joined().server)

    async def _left_out(self, conv: ConvId) -> Span | None:
        """The highest part of the log that is not here although something below it is, or nothing is."""
        lowest = await self._messages.page(conv, after=(0, 0), limit=1)
        spans = await self._messages.older(conv)
        above = [span for span in spans if not lowest or not lowest[0].pos or span.first > lowest[0].pos]
        return above[-1] if above else None

    async def _bring_older(self, conv: ConvId, pos: int, limit: int) -> bool:
        """Whether something came."""
        before = await self._messages.older(conv)
        try:
            wait_s = ANSWER_WAIT_S + ANSWER_SLACK_S
            code: str = await self._questions.ask(("older", conv), self._wish(AskOlder(conv, pos, limit)), wait_s)
        except (Problem, TimeoutError):
            return False
        return not code and before != await self._messages.older(conv)

    async def finding(self, lid: Lid) -> Finding:
        """What became of a message. What the server has said for good already is not asked again (P-57)."""
        known = _last_word(await self._messages.bubble(lid))
        if known is not None:
            return known
        try:
            return await self._questions.ask(("ask", lid), self._wish(Ask(lid)), STATUS_WAIT_S + STATUS_SLACK_S)
        except TimeoutError:
            return Finding(lid, "no_answer")

    async def _open(self, uids: tuple[Uid, ...], form: Literal["direct", "group"], title: str = "") -> ConvId:
        x = to_text(self._dice.bytes(QUESTION_BYTES))
        return await self._answer(("open", x), Open(x, uids, form, title))

    async def _answer(self, key: object, question: Event) -> T:
        """Raises ServerUnreachable when the server does not answer."""
        me = self._account.joined()
        try:
            return await self._questions.ask(key, self._wish(question), ANSWER_WAIT_S + ANSWER_SLACK_S)
        except TimeoutError:
            raise ServerUnreachable(address=me.server) from None


def missing_at(
    page: Sequence[Bubble],
    before: tuple[int, int] | None,
    after: tuple[int, int] | None,
    limit: int,
    spans: Sequence[Span],
) -> int | None:
    """Up to which position history is to be brought so that this page is whole; None if it is.

    A page that is not full reaches to the end of the conversation.
    """
    full = len(page) >= limit
    if after is not None:
        low, high = after[0] // 2 + 1, page[-1].order[0] // 2 if full else NOWHERE
    else:
        low, high = page[0].order[0] // 2 if full else 1, (before[0] - 1) // 2 if before else NOWHERE
    here = [span for span in spans if span.first <= high and span.last >= low]
    if not here:
        return None
    return min(here[-1].last, high) if after is None else max(here[0].first, low) + limit - 1


def _last_word(bubble: Bubble) -> Finding | None:
    """What the server has said of this message, if it was the last word."""
    match bubble.state:
        case State.DELIVERED | State.READ:
            return Finding(bubble.lid, "delivered", ts=bubble.ts)
        case State.REFUSED:
            return Finding(bubble.lid, "refused", bubble.code)
        case State.CANCELLED:
            return Finding(bubble.lid, "cancelled")
        case State.LONG_AGO:
            return Finding(bubble.lid, "long_ago", bubble.code)
        case _:
            return None


def _named(name: str, people: Sequence[Person]) -> Person | None:
    wanted = name.strip().casefold()
    return next((person for person in people if person.name.casefold() == wanted), None)
