"""What a front end may look up: pages, chats and people from the disk; from the server what only it knows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, TypeVar

from client.app.account import Account
from client.app.publisher import Publisher
from client.app.questions import Questions
from client.core.events import Ask, AskPeople, Event, Open
from client.core.model import Bubble, ChatEntry, Finding, State
from client.ports import Dice, Messages
from protocol.codec import to_text
from protocol.limits import ANSWER_WAIT_S, STATUS_WAIT_S
from protocol.packets import Person
from protocol.problems import ServerUnreachable, UnknownPerson
from protocol.values import ConvId, Lid, Uid, replace

T = TypeVar("T")

ANSWER_SLACK_S = 2.0  # the core gives up a question first, and says why
STATUS_SLACK_S = 1.0
QUESTION_BYTES = 16


class Queries:
    """Looks things up, and changes nothing; bubbles are dressed as the publisher shows them."""

    def __init__(
        self,
        messages: Messages,
        dice: Dice,
        account: Account,
        publisher: Publisher,
        questions: Questions,
        wish: Callable[[Event], Awaitable[None]],
    ) -> None:
        self._messages, self._dice, self._account = messages, dice, account
        self._publisher, self._questions, self._wish = publisher, questions, wish

    # -------------------------------------------------------------------------------------- on the disk

    async def page(
        self, conv: ConvId, before: tuple[int, int] | None, after: tuple[int, int] | None, limit: int
    ) -> list[Bubble]:
        """Bubbles in the order shown, next to the given `Bubble.order`, or the newest ones."""
        page = await self._messages.page(conv, before=before, after=after, limit=limit)
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
        person = _named(name, await self._messages.people())
        if person is None:
            everybody: list[Person] = await self._answer("people", AskPeople())
            person = _named(name, everybody)
        if person is None:
            raise UnknownPerson(name=name)
        return await self.direct(person.uid)

    async def group(self, title: str, uids: Sequence[Uid]) -> ConvId:
        """A new group."""
        return await self._open(tuple(uids), "group", title)

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
