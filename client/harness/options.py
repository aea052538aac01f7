"""The options that say whose client this is, and joining with them."""

from __future__ import annotations

import argparse
from pathlib import Path

from client.app.chat import Chat
from client.bootstrap import Profile
from client.core.model import Me
from client.words import language_of
from protocol.problems import NotJoined


def add_profile(arguments: argparse.ArgumentParser) -> None:
    """The options of every command that opens a profile."""
    arguments.add_argument("--data-dir", type=Path, required=True, help="the profile's folder")
    arguments.add_argument("--server", default="", help="its address, like 127.0.0.1:8787")
    arguments.add_argument("--name", default="", help="to join with; none with a device code")
    arguments.add_argument("--invite", default="", help="to join with")
    arguments.add_argument("--log", type=Path, default=None, help="write a log of packets to this file")
    arguments.add_argument("--language", type=language_of, default="en", help="of the sentences: en or zh")


def profile_of(options: argparse.Namespace) -> Profile:
    """The profile they name."""
    return Profile(options.data_dir, options.server, tuple(getattr(options, "drop", ())), options.log)


async def join(chat: Chat, options: argparse.Namespace) -> Me:
    """The profile's account; joins if it has none yet. Raises the Problem why that cannot be."""
    if chat.me is not None:
        return chat.me
    if not options.invite:
        raise NotJoined()
    return await chat.join(options.server, options.name, options.invite)
