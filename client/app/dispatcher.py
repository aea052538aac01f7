"""Hands each result of a turn to its place: the performer, the publisher, the trace, or who asked for it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import cast, get_args

from client.app.account import Account
from client.app.changes import (
    BubbleDropped,
    LineChanged,
    MembersChanged,
    NewMessages,
    PeopleChanged,
    PrefsChanged,
    PresenceChanged,
    ProblemSeen,
    Progressed,
    TypingChanged,
)
from client.app.networks import Networks
from client.app.performer import Asked, Performer
from client.app.publisher import Publisher
from client.app.questions import Questions
from client.app.tasks import Tasks
from client.app.trace import Tracer
from client.core import effects as do
from client.core.effects import Effect, Save, Told
from client.core.events import Event
from client.core.model import Bubble, Line, Memory, Presence, TransferProgress
from client.ports import Parts
from protocol.content import Edit, Reaction, Recall
from protocol.limits import (
    CONTENT_MAX_BYTES,
    FILE_MAX_BYTES,
    KIB,
    MEMBERS_MAX,
    MIB,
    NAME_MAX_CHARS,
    OUTBOX_MAX_ROWS,
)
from protocol.packets import Doing, Prefs
from protocol.problems import BY_CODE, Problem, problem
from protocol.values import ConvId, Lid, Uid

log = logging.getLogger(__name__)

ASKED = frozenset(get_args(Asked))
LIMITS = {
    "outbox_full": OUTBOX_MAX_ROWS,
    "members_too_many": MEMBERS_MAX,
    "name_invalid": NAME_MAX_CHARS,
}


class Dispatcher:
    """Where the runner's results go. It knows the line, the next `lid`, and which uploads are under way."""

    def __init__(
        self,
        parts: Parts,
        account: Account,
        tasks: Tasks,
        publisher: Publisher,
        post: Callable[[Event], None],
        keep_prefs: Callable[[Prefs], Awaitable[None]],
    ) -> None:
        self.line = Line("offline")
        self.questions = Questions()
        self.tracer = Tracer(parts.messages, parts.clock, tasks, publisher)
        self.performer = Performer(parts, tasks, post, self._progressed)
        self.networks = Networks(parts.messages, parts.dice, lambda: parts.network(self._server()), post)
        self._messages, self._account = parts.messages, account
        self._tasks, self._publisher = tasks, publisher
        self.presence: dict[Uid, Presence] = {}
        self.acting: dict[ConvId, dict[Uid, Doing]] = {}
        self._prefs: Prefs | None = None
        self._keep_prefs = keep_prefs
        self._next_lid = Lid(1)
        self._disk_failed = False

    def new_lid(self) -> Lid:
        """The local number of a bubble that is made now."""
        lid = self._next_lid
        self._next_lid = Lid(lid + 1)
        return lid

    # --------------------------------------------------------------------------------- for the runner

    def loaded(self, memory: Memory) -> None:
        """A core begins from this."""
        self._account.me = memory.me
        self._next_lid = max(self._next_lid, memory.next_lid)
        if memory.me is not None:
            self.performer.aim(memory.me.server)

    def saved(self, saves: Sequence[Save], bubbles: Sequence[Bubble]) -> None:
        """This is durable now: draw it."""
        self._disk_failed = False
        self._publisher.show(bubbles)
        for save in saves:
            match save:
                case do.SaveDropped(lid, conv):
                    self._publisher.tell(BubbleDropped(lid, conv))
                    self._publisher.touch(conv)
                case do.SaveRead(conv) | do.SaveMarks(conv) | do.SaveOlder(conv):
                    self._publisher.touch(conv)
                case do.SaveArrived(conv):
                    self._publisher.touch(conv)
                    if save.members is not None or save.away is not None:
                        self._publisher.tell(MembersChanged(conv))
                case do.SaveRoster(conv):
                    self._publisher.touch(conv)
                    self._publisher.tell(MembersChanged(conv))
                case do.SaveGeneration(_, cursors):
                    for conv, _ in cursors:
                        self._publisher.touch(conv)

    def perform(self, effect: Effect) -> None:
        """Do everything that is not a save."""
        if type(effect) in ASKED:
            self.performer.do(cast(Asked, effect))
            return
        match effect:
            case do.LineChanged(line):
                self._line_is(line)
            case do.PaceLearned(pace):
                self._tasks.start(self.networks.learned(pace), "remember a network")
            case do.Tried(lid, tries, due_s):
                if not self._publisher.tried(lid, tries, due_s) and tries:
                    self._tasks.start(self._look_up(lid), f"look up bubble {lid}")
            case do.Traced() | do.TracedAt():
                self.tracer.saw(effect)
            case do.Told():
                self._told(effect)
            case do.PrefsKnown(prefs):
                self._tasks.start(self._prefs_are(prefs), "keep what is told to others")
            case do.Acting(conv, uid, doing):
                self._acts(conv, uid, doing)
            case do.PresenceKnown(people):
                self.presence |= {person.uid: person for person in people}
                self._publisher.tell(PresenceChanged(people))
            case do.Arrived(conv, uids):
                self._publisher.tell(NewMessages(conv, uids))
            case _:
                self._answer(effect)

    def _answer(self, effect: Effect) -> None:
        """What somebody may have asked for."""
        match effect:
            case do.Found(finding):
                self.questions.give(("ask", finding.lid), finding)
            case do.OpenedAs(x, conv):
                self.questions.give(("open", x), conv)
            case do.GroupChanged(x):
                self.questions.give(("open", x), None)
            case do.MembersKnown(conv, code):
                self.questions.give(("members", conv), code)
            case do.OlderCame(conv, code):
                self.questions.give(("older", conv), code)
            case do.Synced(code):
                self.questions.give("synced", code)
            case do.PeopleKnown(people):
                self.questions.give("people", list(people))
                self._publisher.tell(PeopleChanged(people))

    def broken(self, why: Problem, retry_s: float) -> None:
        """The core was thrown away: say so once, until a save succeeds again (P-81)."""
        self._publisher.forget_tries()
        self.questions.fail_all(why)
        self._line_is(Line("offline", retry_s, why.code))
        if not self._disk_failed:
            self._disk_failed = True
            self._publisher.tell(ProblemSeen(why.code, why.facts))

    def refusal(self, told: Told) -> Problem:
        """The Problem of a code that came through the core, with the facts that are known here."""
        return complete(
            told.code,
            server=self._server(),
            bubble=self._publisher.kept(told.lid),
            known=self.performer.facts_of(told.lid),
        )

    def drop(self) -> None:
        """Nothing the old core asked for is wanted any more."""
        self.performer.drop()
        self._publisher.forget_tries()
        for conv, uid in [(conv, uid) for conv, others in self.acting.items() for uid in others]:
            self._acts(conv, uid, "")
        if self.presence:
            self._publisher.tell(PresenceChanged(tuple(Presence(uid) for uid in self.presence)))
            self.presence.clear()

    # --------------------------------------------------------------------------------------- details

    def _server(self) -> str:
        return "" if self._account.me is None else self._account.me.server

    def _line_is(self, line: Line) -> None:
        if line != self.line:
            log.info("= line %s %s", line.state, line.code)
            self.line = line
            self._publisher.tell(LineChanged(line))

    async def _prefs_are(self, prefs: Prefs) -> None:
        """Written down first, then told. What cannot be written the server says again in the next session."""
        if prefs == self._prefs:
            return
        self._prefs = prefs
        try:
            await self._keep_prefs(prefs)
        except Problem as problem:
            self._prefs = None
            log.warning("! what is told to others was not kept: %s", problem.code)
        else:
            self._publisher.tell(PrefsChanged(prefs))

    def _acts(self, conv: ConvId, uid: Uid, doing: Doing) -> None:
        others = self.acting.setdefault(conv, {})
        others.pop(uid, None)
        if doing:
            others[uid] = doing
        self._publisher.tell(TypingChanged(conv, uid, doing))

    def _told(self, told: Told) -> None:
        why = self.refusal(told)
        if told.x and self.questions.fail(("open", told.x), why):
            return
        log.warning("! %s", why.code)
        self._publisher.tell(ProblemSeen(why.code, why.facts, told.lid))

    def _progressed(self, progress: TransferProgress) -> None:
        if progress.way != "make":
            self._publisher.moved(progress.lid, progress.done_bytes)
        self._publisher.tell(Progressed(progress))

    async def _look_up(self, lid: Lid) -> None:
        """A try of a message that was written before this start: draw it as what it is."""
        try:
            bubble = await self._messages.bubble(lid)
            if isinstance(bubble.body, Edit | Recall | Reaction):
                bubble = await self._messages.bubble(bubble.reply_lid)
            self._publisher.show([bubble])
        except Problem as problem:
            log.warning("! a try of an unknown bubble: %s", problem.code)


def complete(code: str, *, server: str, bubble: Bubble | None, known: dict[str, object]) -> Problem:
    """The Problem of this code with every fact that can be known here; `known` comes from where it arose."""
    file = None if bubble is None else bubble.attachment
    facts: dict[str, object] = {
        "address": server,
        "limit": LIMITS.get(code),
        "limit_kb": CONTENT_MAX_BYTES // KIB,
        "limit_mb": FILE_MAX_BYTES // MIB,
        "name": None if file is None else file.name,
        "size_mb": None if file is None else -(-file.size_bytes // MIB),
    } | known
    said = BY_CODE.get(code, Problem).said
    wanted = {key: value for key, value in facts.items() if value is not None and f"{{{key}}}" in said}
    return problem(code, **wanted)
