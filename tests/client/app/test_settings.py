"""A person's choices are kept with the profile."""

from __future__ import annotations

from pathlib import Path

from client.adapters.sqlite_messages import SqliteMessages
from client.app.settings import KEY, Settings, load_settings, save_settings
from protocol.ladder import Ladder


async def test_settings_are_kept_and_a_strange_value_is_no_obstacle(tmp_path: Path) -> None:
    messages = SqliteMessages(tmp_path)
    await messages.open()
    assert await load_settings(messages) == Settings()
    chosen = Settings(retry_mode="ask", retry_literal=True, language="zh_CN", theme="dark", receipts=False)
    await save_settings(messages, chosen)
    assert await load_settings(messages) == chosen
    await messages.set_setting(KEY, '{"theme":"plaid"}')
    assert await load_settings(messages) == Settings()
    await messages.set_setting(KEY, '{"theme":"dark","from a newer version":1}')
    assert await load_settings(messages) == Settings(theme="dark")
    await messages.close()


def test_the_ladder_follows_the_settings() -> None:
    assert Settings().ladder == Ladder()
    assert Settings(retry_mode="ask", retry_literal=True).ladder == Ladder("ask", True)
