"""What the window does with groups: opens them, shows who is in them, changes them, and says how far a message got."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from PySide6.QtWidgets import QWidget

from client.app.chat import Chat
from client.core.model import Bubble, ChatEntry
from client.ui.dialogs.delivery import DeliveryDialog
from client.ui.dialogs.frame import Choice, ask
from client.ui.dialogs.group import GroupDialog
from client.ui.dialogs.pick_people import PickPeopleDialog
from client.ui.errands import Errands
from client.ui.plain import isolate
from client.ui.theme import Themes
from client.ui.viewmodels.contacts import title_of
from client.ui.words import problem_words, tr
from protocol.limits import MEMBERS_MAX
from protocol.packets import Person
from protocol.problems import Problem
from protocol.values import ConvId, Lid, Uid


class Groups:
    """Its dialogs follow what changes as long as they are open.

    Args:
        window: the parent of the dialogs.
        entry_of: the conversation as the chat list has it now.
        write_to: opens the direct conversation with a person.
        invite: shows a line for somebody who is not here yet.
    """

    def __init__(
        self,
        chat: Chat,
        themes: Themes,
        errands: Errands,
        window: QWidget,
        *,
        entry_of: Callable[[ConvId], ChatEntry | None],
        write_to: Callable[[Uid], Coroutine[Any, Any, None]],
        invite: Callable[[], None],
    ) -> None:
        self._chat, self._themes, self._errands, self._window = chat, themes, errands, window
        self._entry_of, self._write_to, self._invite = entry_of, write_to, invite
        self._people: list[Person] = []
        self._shown: GroupDialog | None = None
        self._picking: PickPeopleDialog | None = None
        self._delivery: DeliveryDialog | None = None

    @property
    def _me(self) -> Uid:
        assert self._chat.me is not None
        return self._chat.me.uid

    @property
    def shown_uids(self) -> tuple[Uid, ...]:
        """Whose presence the open group shows."""
        return self._shown.uids if self._shown is not None else ()

    # --- a new group

    async def new(self) -> ConvId:
        """Ask for a name and people; the new conversation, empty if the person thought better of it."""
        await self._learn()
        others = [person for person in self._people if person.uid != self._me]
        picked = PickPeopleDialog(self._window, self._themes, others, naming=True)
        if await self._pick(picked) != "ok":
            return ConvId("")
        return await self._chat.open_group(picked.title, picked.chosen)

    async def _learn(self) -> None:
        self._people = await self._chat.people()

    async def _pick(self, dialog: PickPeopleDialog) -> str:
        self._picking = dialog
        try:
            answer = await dialog.answered()
        finally:
            self._picking = None
        if answer == "invite":
            self._invite()
        return answer

    # --- one group

    async def show(self, entry: ChatEntry) -> None:
        """The page of a group, until it is closed."""
        if self._shown is not None:
            return
        dialog = self._shown = GroupDialog(
            self._window, self._themes, entry, self._me, self._chat.presence, self._chat.wall_ms
        )
        conv = entry.conv
        dialog.add_wanted.connect(lambda: self._errands.start(self._add(dialog, conv)))
        dialog.leave_wanted.connect(lambda: self._errands.start(self._leave(dialog, conv)))
        dialog.renamed.connect(lambda name: self._errands.start(self._do(dialog, self._chat.rename_group(conv, name))))
        dialog.remove_wanted.connect(lambda uid: self._errands.start(self._remove(dialog, conv, Uid(uid))))
        dialog.rank_wanted.connect(
            lambda uid, role: self._errands.start(self._do(dialog, self._chat.set_role(conv, Uid(uid), role)))
        )
        dialog.write_wanted.connect(lambda uid: self._write(dialog, Uid(uid)))
        self._errands.start(self._refresh(dialog, conv))
        try:
            await dialog.answered()
        finally:
            self._shown = None

    async def _refresh(self, dialog: GroupDialog, conv: ConvId) -> None:
        seats = await self._chat.members(conv)
        if self._shown is dialog and seats:
            dialog.show_members(seats)

    def _write(self, dialog: GroupDialog, uid: Uid) -> None:
        dialog.answer("")
        self._errands.start(self._write_to(uid))

    async def _do(self, dialog: GroupDialog, change: Coroutine[Any, Any, None]) -> bool:
        """One change; why it did not happen is said in the dialog."""
        try:
            with self._asking(dialog):
                await change
        except Problem as why:
            if self._shown is dialog:
                dialog.tell(problem_words(why))
            return False
        await self._refresh(dialog, dialog.entry.conv)
        return True

    @contextmanager
    def _asking(self, dialog: GroupDialog) -> Iterator[None]:
        dialog.busy(busy=True)
        try:
            yield
        finally:
            if self._shown is dialog:
                dialog.busy(busy=False)

    async def _add(self, dialog: GroupDialog, conv: ConvId) -> None:
        await self._learn()
        inside = set(dialog.uids)
        others = [person for person in self._people if person.uid not in inside]
        picked = PickPeopleDialog(dialog, self._themes, others, naming=False, room=max(0, MEMBERS_MAX - len(inside)))
        if await self._pick(picked) == "ok":
            await self._do(dialog, self._chat.add_members(conv, picked.chosen))

    async def _remove(self, dialog: GroupDialog, conv: ConvId, uid: Uid) -> None:
        name = next((seat.name for seat in dialog.seats if seat.uid == uid), "")
        answer = await ask(
            dialog,
            tr("Remove this person?"),
            tr("{name} keeps what was said so far, and gets nothing more.", name=isolate(name)),
            [Choice("", tr("Cancel")), Choice("remove", tr("Remove"), "danger")],
        )
        if answer == "remove":
            await self._do(dialog, self._chat.remove_member(conv, uid))

    async def _leave(self, dialog: GroupDialog, conv: ConvId) -> None:
        answer = await ask(
            dialog,
            tr("Leave this group?"),
            tr("You can still read what was said here. To come back, somebody has to add you again."),
            [Choice("", tr("Stay")), Choice("leave", tr("Leave"), "danger")],
        )
        if answer == "leave" and await self._do(dialog, self._chat.leave(conv)) and self._shown is dialog:
            dialog.answer("")

    # --- what changes meanwhile

    def members_changed(self, conv: ConvId) -> None:
        """Somebody came, went, or has another role."""
        if self._shown is not None and self._shown.entry.conv == conv:
            self._errands.start(self._refresh(self._shown, conv))

    def entry_changed(self, entry: ChatEntry) -> None:
        """The group may be called otherwise."""
        if self._shown is not None and self._shown.entry.conv == entry.conv and self._shown.entry != entry:
            self._shown.show_entry(entry)

    def presence_changed(self) -> None:
        """Somebody came or went."""
        if self._shown is not None:
            self._shown.show_presence()

    def people_changed(self, people: tuple[Person, ...]) -> None:
        """The people list is another."""
        self._people = list(people)
        if self._picking is not None:
            inside = {self._me, *(self._shown.uids if self._shown is not None else ())}
            self._picking.show_people([person for person in people if person.uid not in inside])

    # --- how far a message got

    async def delivery(self, bubble: Bubble) -> str:
        """Who has a message and who has opened it; the answer is `trace` or nothing."""
        if self._delivery is not None:
            return ""
        dialog = self._delivery = DeliveryDialog(
            self._window, self._themes, bubble, self._chat.wall_ms(), reads=self._chat.settings.receipts
        )
        dialog.table_wanted.connect(lambda: self._errands.start(self._table(bubble.lid)))
        if not dialog.large:
            self._errands.start(self._table(bubble.lid))
        try:
            return await dialog.answered()
        finally:
            self._delivery = None

    async def _table(self, lid: Lid) -> None:
        receipts = await self._chat.receipts(lid)
        if self._delivery is not None and self._delivery.bubble.lid == lid:
            self._delivery.show_receipts(receipts)

    def bubbles_changed(self, bubbles: tuple[Bubble, ...]) -> None:
        """A message that is looked at got further."""
        for bubble in bubbles:
            if self._delivery is not None and self._delivery.bubble.lid == bubble.lid:
                self._delivery.show_bubble(bubble)
                if not self._delivery.large:
                    self._errands.start(self._table(bubble.lid))

    def title(self, conv: ConvId) -> str:
        """What a conversation is called now."""
        entry = self._entry_of(conv)
        return title_of(entry, self._me) if entry is not None else tr("Unnamed")
