"""What the text field is for: a new message, an answer, or other words for an own one; for each conversation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Literal

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QPixmap

from client.app.chat import Chat
from client.core.model import Bubble, ChatEntry
from client.ui.bubbles.sentences import preview
from client.ui.errands import Errands
from client.ui.plain import one_line
from client.ui.viewmodels.conversation import ConversationModel
from client.ui.viewmodels.rights import Right, rights, words_of
from client.ui.widgets.composer_bar import ComposerBar
from client.ui.widgets.composer_strip import ComposerStrip
from client.ui.widgets.mention_list import MentionList
from client.ui.widgets.message_list import MessageList
from client.ui.words import problem_words, tr
from protocol.content import Mention, Picture, Video
from protocol.problems import Problem
from protocol.values import ConvId, Lid


@dataclass(frozen=True, slots=True)
class Aim:
    """An answer to a message, or other words for it.

    While words are edited, `aside` is the draft that was in the field before, and `text` what the field said when
    another conversation was opened meanwhile.
    """

    kind: Literal["", "reply", "edit"] = ""
    bubble: Bubble | None = None
    aside: str = ""
    text: str = ""

    @property
    def lid(self) -> Lid:
        """The message it is about; 0 for a new one."""
        return self.bubble.lid if self.bubble is not None else Lid(0)


NEW = Aim()


@dataclass(frozen=True, slots=True)
class Wish:
    """One press of Return: what was to be sent, where, and as what."""

    conv: ConvId
    text: str
    aim: Aim = NEW
    mentions: tuple[Mention, ...] = field(default=())


class Writing(QObject):
    """Keeps the strip over the field true.

    Args:
        entry: the open conversation.
        drafts: what stands in the fields of conversations; what is edited is no draft.
        say: tells the person a sentence.
        busy: whether something that was sent is being saved still.
    """

    changed = Signal()

    def __init__(
        self,
        chat: Chat,
        model: ConversationModel,
        view: MessageList,
        composer: ComposerBar,
        strip: ComposerStrip,
        names: MentionList,
        errands: Errands,
        *,
        entry: Callable[[], ChatEntry | None],
        drafts: MutableMapping[ConvId, str],
        say: Callable[[str], None],
        busy: Callable[[], bool],
    ) -> None:
        super().__init__(composer)
        self._chat, self._model, self._view, self._composer = chat, model, view, composer
        self._strip, self._names, self._errands = strip, names, errands
        self._entry, self._drafts, self._say, self._busy = entry, drafts, say, busy
        self._aims: dict[ConvId, Aim] = {}
        self._saving = False
        strip.closed.connect(self.end)
        strip.clicked.connect(self._go)
        composer.field.edit_last_wanted.connect(self.edit_last)

    # --- asking

    @property
    def _conv(self) -> ConvId:
        entry = self._entry()
        return entry.conv if entry is not None else ConvId("")

    @property
    def aim(self) -> Aim:
        """What the field of the open conversation is for."""
        return self._aims.get(self._conv, NEW)

    @property
    def editing(self) -> bool:
        """Whether the field holds the words of a message that is there already."""
        return self.aim.kind == "edit"

    @property
    def draft(self) -> str:
        """What is to be kept of the field: while words are edited, what stood there before."""
        return self.aim.aside if self.editing else self._composer.text

    def mentions(self, text: str) -> tuple[Mention, ...]:
        """Who is named in it."""
        return tuple(self._names.mentions(text))

    # --- beginning and ending

    def answers(self, conv: ConvId) -> Lid:
        """Which message the field of a conversation answers; 0 if none."""
        aim = self._aims.get(conv, NEW)
        return aim.lid if aim.kind == "reply" else Lid(0)

    def answer_again(self, bubble: Bubble) -> None:
        """What was being answered when the program ended, unless something else is begun by now."""
        self.give_back(bubble.conv, Aim("reply", bubble))

    def reply(self, bubble: Bubble) -> None:
        """The next message answers this one."""
        if self.editing:
            self.end()
        self._set(Aim("reply", bubble))
        self._composer.setFocus()

    def edit(self, bubble: Bubble) -> None:
        """The words of this message, to be changed in the field."""
        if self._busy():
            return
        if self.editing:
            self.end()
        self._set(Aim("edit", bubble, aside=self._composer.text))
        self._composer.put(words_of(bubble))
        self._composer.setFocus()

    def end(self) -> bool:
        """A new message again: Escape, the cross, or it is done. False if it was one already."""
        aim = self.aim
        if not aim.kind:
            return False
        self._set(NEW)
        if aim.kind == "edit":
            self._composer.put(aim.aside)
            self._drafts[self._conv] = aim.aside
        self._composer.setFocus()
        return True

    def _set(self, aim: Aim) -> None:
        self._aims[self._conv] = aim
        self.show()

    def show(self) -> None:
        """Draw the strip as it is now, in the language of now."""
        aim = self.aim
        self._composer.editing(aim.kind == "edit")
        if aim.bubble is None:
            self._strip.hide()
        elif aim.kind == "edit":
            self._strip.show_edit(preview(aim.bubble)[1])
        else:
            self._strip.show_reply(self._author(aim.bubble), preview(aim.bubble)[1], aim.bubble.uid, self._thumb(aim))
        self.changed.emit()

    def _author(self, bubble: Bubble) -> str:
        if bubble.mine:
            return tr("yourself")
        entry = self._entry()
        names = {member.uid: member.name for member in entry.members} if entry is not None else {}
        return one_line(names.get(bubble.uid, "") or self._model.name(bubble.uid)) or tr("Somebody")

    def _thumb(self, aim: Aim) -> QPixmap | None:
        body = aim.bubble.body if aim.bubble is not None else None
        return self._view.pictures.preview(body.file.preview) if isinstance(body, Picture | Video) else None

    def _go(self) -> None:
        if self.aim.lid:
            self._errands.start(self._show_aim(self.aim.lid))

    async def _show_aim(self, lid: Lid) -> None:
        if await self._model.around(lid):
            self._view.show_message(lid)

    # --- by key

    def edit_last(self) -> None:
        """Up in an empty field: the newest own message that can have other words."""
        bubble = next(self._those_with("edit", mine=True), None)
        if bubble is not None:
            self.edit(bubble)
            self._view.scroll_to(bubble.lid)

    def step(self, step: int) -> None:
        """Ctrl+Up and Ctrl+Down: answer the message before or after; after the newest one, none."""
        if self.editing:
            return
        bubbles = list(self._those_with("reply"))
        here = next((place for place, bubble in enumerate(bubbles) if bubble.lid == self.aim.lid), -1)
        place = here - step
        if place < 0:
            self.end()
        elif place < len(bubbles):
            self.reply(bubbles[place])
            self._view.show_message(bubbles[place].lid)

    def _those_with(self, right: Right, *, mine: bool = False) -> Iterator[Bubble]:
        """Messages that may be answered or edited, the newest first."""
        entry, me = self._entry(), self._model.me
        for row in range(self._model.rowCount() - 1, -1, -1):
            bubble = self._model.bubble_at(row)
            if (bubble.mine or not mine) and right in rights(bubble, entry, me):
                yield bubble

    # --- sending

    def take(self) -> Aim:
        """The answer that is sent now: the strip goes, and comes back if it cannot be sent."""
        aim = self.aim
        if aim.kind == "reply":
            self._set(NEW)
        return aim

    def give_back(self, conv: ConvId, aim: Aim) -> None:
        """It was not sent: the field is for the same answer again."""
        if aim.kind == "reply" and not self._aims.get(conv, NEW).kind:
            self._aims[conv] = aim
            if conv == self._conv:
                self.show()

    def save(self) -> None:
        """Return while words are edited."""
        if self.editing and not self._saving:
            self._errands.start(self._save(self._conv, self.aim, self._composer.text))

    async def _save(self, conv: ConvId, aim: Aim, text: str) -> None:
        self._saving = True
        try:
            if aim.bubble is not None and text != words_of(aim.bubble):
                await self._chat.edit(aim.lid, text, self.mentions(text))
        except Problem as why:
            self._say(problem_words(why))
        else:
            self._saved(conv, aim)
        finally:
            self._saving = False

    def _saved(self, conv: ConvId, aim: Aim) -> None:
        if conv == self._conv:
            self.end()
        elif self._aims.get(conv, NEW).lid == aim.lid:
            self._aims[conv] = NEW
            self._drafts[conv] = aim.aside

    # --- other conversations, other states

    def leave(self) -> None:
        """Another conversation is opened: what is being edited waits here."""
        if self.editing:
            self._aims[self._conv] = replace(self.aim, text=self._composer.text)

    def enter(self, draft: str) -> None:
        """This conversation is opened: its draft, or what was being edited in it."""
        aim = self.aim
        if aim.kind == "edit":
            self._aims[self._conv] = replace(aim, text="")
        self.show()
        self._composer.put(aim.text if aim.kind == "edit" else draft)

    def bubble_changed(self, bubble: Bubble) -> None:
        """What was recalled or is over cannot be answered or edited any more."""
        aim = self._aims.get(bubble.conv, NEW)
        if aim.lid != bubble.lid or not aim.kind:
            return
        entry = self._entry() if bubble.conv == self._conv else None
        gone = bubble.recalled or (entry is not None and aim.kind not in rights(bubble, entry, self._model.me))
        if gone:
            self.dropped(bubble.lid)

    def dropped(self, lid: Lid) -> None:
        """A message is gone."""
        for conv, aim in list(self._aims.items()):
            if aim.lid != lid or not aim.kind:
                continue
            if conv == self._conv:
                self._keep_words(aim)
            else:
                self._aims[conv] = NEW
                self._drafts[conv] = aim.aside

    def _keep_words(self, aim: Aim) -> None:
        """Nothing typed is lost: edited words stay in the field as a draft."""
        text = self._composer.text
        self.end()
        if aim.kind == "edit" and aim.bubble is not None and text != words_of(aim.bubble):
            self._composer.put(f"{text}\n{aim.aside}" if aim.aside else text)
