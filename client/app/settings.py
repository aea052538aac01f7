"""What a person has chosen for this profile: one value, kept in the profile's database."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from client.ports import Messages
from protocol.ladder import Ladder, Mode
from protocol.packets import Prefs
from protocol.values import NUMBER_MAX, Value

KEY = "settings"


class Settings(Value, frozen=True):
    """The choices and their defaults.

    `retry_mode` and `retry_literal` shape the ladder (P-54, P-55); `receipts` tells others what was read and
    shows what they have read (P-73), `presence` the same of who is here: these two are the person's on every device.
    `typing` tells others that one is writing. `cache_mib` is how much of files is kept on this disk (0: all of them),
    `downloads` the folder where files are saved (empty: the computer's own); `compress` makes pictures and large films
    smaller before they are sent. `language` "" and `theme` "system"
    follow the computer.
    """

    retry_mode: Mode = "ladder"
    retry_literal: bool = False
    language: Literal["", "en", "zh_CN"] = ""
    theme: Literal["system", "light", "dark"] = "system"
    send_on_enter: bool = True
    receipts: bool = True
    presence: bool = True
    typing: bool = True
    cache_mib: Annotated[int, msgspec.Meta(ge=0, le=NUMBER_MAX)] = 2048
    downloads: str = ""
    compress: bool = True

    @property
    def prefs(self) -> Prefs:
        """What the server is to know of this."""
        return Prefs(self.receipts, self.presence)

    @property
    def ladder(self) -> Ladder:
        """When to try again, and when to ask."""
        return Ladder(self.retry_mode, self.retry_literal)


async def load_settings(messages: Messages) -> Settings:
    """The settings of this profile; the defaults for what is missing, or was written by another version."""
    try:
        return msgspec.json.decode((await messages.setting(KEY)) or "{}", type=Settings)
    except msgspec.DecodeError:
        return Settings()


async def save_settings(messages: Messages, settings: Settings) -> None:
    """Keep them. Raises a Problem when the disk cannot."""
    await messages.set_setting(KEY, msgspec.json.encode(settings).decode())
