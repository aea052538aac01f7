"""What the window does about this person's devices: the list, codes, log-out, and going on after a device was ended."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from client.app.chat import Chat
from client.core.model import Bubble
from client.ui.bubbles.sentences import preview
from client.ui.dialogs.devices import DeviceCodeDialog, DevicesDialog
from client.ui.dialogs.frame import Choice, ask
from client.ui.dialogs.rejoin import LeftOverDialog, RejoinDialog, Unsent
from client.ui.errands import Errands
from client.ui.plain import isolate
from client.ui.theme import Themes
from client.ui.viewmodels.rows import shown_ms
from client.ui.viewmodels.standing import when_words
from client.ui.words import plural, problem_words, tr
from protocol.problems import Problem, SignInAgain
from protocol.values import ConvId, Did


class OwnDevices:
    """Each dialog at most once.

    Args:
        title_of: what a conversation is called.
        say: tells the person a sentence.
        renewed: called when this profile has joined as somebody else than before.
    """

    def __init__(
        self,
        chat: Chat,
        themes: Themes,
        errands: Errands,
        window: QWidget,
        *,
        title_of: Callable[[ConvId], str],
        say: Callable[[str], None],
        renewed: Callable[[], None],
    ) -> None:
        self._chat, self._themes, self._errands, self._window = chat, themes, errands, window
        self._title_of, self._say, self._renewed = title_of, say, renewed
        self._shown: DevicesDialog | None = None
        self._offered = False

    # --- the list

    async def show(self) -> None:
        """The list, until it is closed."""
        while True:
            dialog = self._shown = DevicesDialog(self._window, self._themes, self._chat.wall_ms())
            dialog.end_wanted.connect(lambda did, of=dialog: self._errands.start(self._end(of, Did(did))))
            self._errands.start(self._refresh(dialog))
            try:
                answer = await dialog.answered()
            finally:
                self._shown = None
            if answer != "add":
                return
            await self._add()

    async def _refresh(self, dialog: DevicesDialog) -> None:
        try:
            devices = await self._chat.devices()
        except Problem as why:
            if self._shown is dialog:
                dialog.tell(problem_words(why))
            return
        if self._shown is dialog:
            dialog.show_devices(devices)

    async def _add(self) -> None:
        assert self._chat.me is not None
        code = await self._chat.device_code()
        await DeviceCodeDialog(self._window, self._chat.me.server, code).answered()

    async def _end(self, dialog: DevicesDialog, did: Did) -> None:
        device = next((one for one in dialog.devices if one.did == did), None)
        if device is None:
            return
        if device.here:
            await self.log_out(dialog)
            return
        answer = await ask(
            dialog,
            tr("End this device?"),
            tr("{name} is signed out at once. What it had not sent stays there, unsent.", name=isolate(device.name)),
            [Choice("", tr("Cancel")), Choice("end", tr("End"), "danger")],
        )
        if answer == "end":
            await self._ended(dialog, did)

    async def _ended(self, dialog: DevicesDialog, did: Did) -> None:
        dialog.wait()
        try:
            await self._chat.end_device(did)
        except Problem as why:
            if self._shown is dialog:
                dialog.tell(problem_words(why))
            return
        await self._refresh(dialog)

    async def log_out(self, parent: QWidget | None = None) -> None:
        """End this device. It stays readable; to send again it needs a code."""
        answer = await ask(
            parent or self._window,
            tr("Log out on this device?"),
            tr(
                "Your messages stay readable here, and nothing more is sent or received. To sign in again you need a "
                "code from another of your devices; without one, ask for a new invite."
            ),
            [Choice("", tr("Stay")), Choice("end", tr("Log out"), "danger")],
        )
        if answer == "end" and self._chat.me is not None:
            await self._chat.end_device(self._chat.me.did)
            if self._shown is not None:
                self._shown.answer("")

    # --- after it was ended

    async def rejoin(self) -> None:
        """Say what was not sent, and join once more."""
        assert self._chat.me is not None
        before = self._chat.me.uid
        unsent = await self._unsent()

        async def join(server: str, code: str) -> None:
            await self._chat.join(server, "", code)

        dialog = RejoinDialog(self._window, self._themes, self._errands.start, join, self._chat.me.server, unsent)
        if await dialog.answered() != "joined":
            return
        self._offered = False
        if self._chat.me.uid != before:
            self._renewed()
        elif self._chat.line.state == "ready":
            await self.offer_left_over()

    async def offer_left_over(self) -> None:
        """Once, with a line: what the device before this one had not sent may go out now (P-64)."""
        if self._offered or self._chat.line.code == SignInAgain.code:
            return
        self._offered = True
        bubbles = await self._chat.left_over()
        if not bubbles:
            return
        if await LeftOverDialog(self._window, self._themes, self._named(bubbles)).answered() != "send":
            return
        try:
            taken = await self._chat.take_over([bubble.lid for bubble in bubbles])
        except Problem:
            self._offered = False  # they are here still: the next line asks again
            raise
        self._say(plural("{count} message goes out now", "{count} messages go out now", len(taken)))

    async def _unsent(self) -> list[Unsent]:
        return self._named(await self._chat.left_over())

    def _named(self, bubbles: list[Bubble]) -> list[Unsent]:
        now_ms = self._chat.wall_ms()
        found = []
        for bubble in bubbles:
            icon, words = preview(bubble)
            found.append(Unsent(self._title_of(bubble.conv), icon, words, when_words(shown_ms(bubble), now_ms)))
        return found
