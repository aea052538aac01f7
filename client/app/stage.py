"""Where the runner's results go: the screen, the trace, the hands, and who waits for an answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import cast, get_args

from client.app.answers import Answers
from client.app.changes import (
    BubbleDropped,
    LineChanged,
    NewMessages,
    PeopleChanged,
    ProblemSeen,
    Progressed,
)
from client.app.facts import complete
from client.app.hands import Asked, Hands
from client.app.parts import Parts
from client.app.screen import Screen
from client.app.tasks import Tasks
from client.app.trace import Tracer
from client.core import effects as do
from client.core.effects import Effect, Save, Told
from client.core.events import Event
from client.core.model import Bubble, Line, Me, Memory, TransferProgress
from protocol.problems import Problem
from protocol.values import ConvId, Lid

log = logging.getLogger(__name__)

ASKED = frozenset(get_args(Asked))


class Stage:
    """What the shell knows beside the core: the account, the line, and who wants to hear what."""

    def __init__(self, parts: Parts, tasks: Tasks, screen: Screen, post: Callable[[Event], None]) -> None:
        self.me: Me | None = None
        self.line = Line("offline")
        self.next_lid = Lid(1)
        self.answers = Answers()
        self.tracer = Tracer(parts.messages, parts.clock, tasks, screen)
        self.hands = Hands(parts, tasks, post, self._progressed)
        self._messages, self._tasks, self._screen = parts.messages, tasks, screen
        self._uploads: dict[Lid, ConvId] = {}
        self._disk_failed = False

    # --------------------------------------------------------------------------------- for the runner

    def loaded(self, memory: Memory) -> None:
        """A core begins from this."""
        self.me = memory.me
        self.next_lid = max(self.next_lid, memory.next_lid)
        self._uploads = {upload.lid: upload.conv for upload in memory.uploads}
        if memory.me is not None:
            self.hands.aim(memory.me.server)

    def saved(self, saves: Sequence[Save], bubbles: Sequence[Bubble]) -> None:
        """This is durable now: draw it."""
        self._disk_failed = False
        self._screen.show(bubbles)
        for save in saves:
            match save:
                case do.SaveUpload(upload):
                    self._uploads[upload.lid] = upload.conv
                case do.SaveDropped(lid):
                    self._screen.tell(BubbleDropped(lid, self._uploads.pop(lid, ConvId(""))))
                case do.SaveRead(conv) | do.SaveArrived(conv) | do.SaveMarks(conv):
                    self._screen.touch(conv)
                case do.SaveGeneration(_, cursors):
                    for conv, _ in cursors:
                        self._screen.touch(conv)

    def perform(self, effect: Effect) -> None:
        """Do everything that is not a save."""
        if type(effect) in ASKED:
            self.hands.do(cast(Asked, effect))
            return
        match effect:
            case do.LineChanged(line):
                self._line_is(line)
            case do.Tried(lid, tries, due_s):
                if not self._screen.tried(lid, tries, due_s) and tries:
                    self._tasks.start(self._look_up(lid), f"look up bubble {lid}")
            case do.Traced() | do.TracedAt():
                self.tracer.saw(effect)
            case do.Told():
                self._told(effect)
            case do.Found(finding):
                self.answers.give(("ask", finding.lid), finding)
            case do.OpenedAs(x, conv):
                self.answers.give(("open", x), conv)
            case do.PeopleKnown(people):
                self.answers.give("people", list(people))
                self._screen.tell(PeopleChanged(people))
            case do.Arrived(conv, uids):
                self._screen.tell(NewMessages(conv, uids))

    def broken(self, why: Problem, retry_s: float) -> None:
        """The core was thrown away: say so once, until a save succeeds again (P-81)."""
        self._screen.forget_tries()
        self.answers.fail_all(why)
        self._line_is(Line("offline", retry_s, why.code))
        if not self._disk_failed:
            self._disk_failed = True
            self._screen.tell(ProblemSeen(why.code, why.facts))

    def refusal(self, told: Told) -> Problem:
        """The Problem of a code that came through the core, with the facts that are known here."""
        return complete(
            told.code,
            server="" if self.me is None else self.me.server,
            bubble=self._screen.kept(told.lid),
            known=self.hands.facts_of(told.lid),
        )

    def drop(self) -> None:
        """Nothing the old core asked for is wanted any more."""
        self.hands.drop()
        self._screen.forget_tries()

    # --------------------------------------------------------------------------------------- details

    def _line_is(self, line: Line) -> None:
        if line != self.line:
            log.info("= line %s %s", line.state, line.code)
            self.line = line
            self._screen.tell(LineChanged(line))

    def _told(self, told: Told) -> None:
        why = self.refusal(told)
        if told.x and self.answers.fail(("open", told.x), why):
            return
        self._screen.tell(ProblemSeen(why.code, why.facts, told.lid))

    def _progressed(self, progress: TransferProgress) -> None:
        self._screen.tell(Progressed(progress))

    async def _look_up(self, lid: Lid) -> None:
        """A try of a message that was written before this start: draw it as what it is."""
        try:
            self._screen.show([await self._messages.bubble(lid)])
        except Problem as problem:
            log.warning("! a try of an unknown bubble: %s", problem.code)
