"""The client's command line: the window, the harness, one message, the demo. Each is imported only when asked for.

`--media-worker` as first argument starts the media worker instead, before anything else is loaded: the bundle has one
program for both.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

USAGE = """usage: python -m client COMMAND [OPTIONS]

commands:
  app        the window
  headless   the whole client as JSON lines on standard input and output
  send       send one message and wait for a state
  demo       a server and two people, six packets for every message

`python -m client COMMAND --help` tells the options of a command."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code, 64 for a command that does not exist."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["--media-worker"]:
        from client.worker.__main__ import main as worker

        return worker()
    command = COMMANDS.get(arguments[0]) if arguments else None
    if command is None:
        asked = arguments[:1] in (["--help"], ["-h"])
        print(USAGE, file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 64
    return command(arguments[1:])


def _app(argv: Sequence[str]) -> int:
    from client import bootstrap
    from client.ui.app import main as app
    from client.ui.doors import Doors

    return app(argv, Doors(bootstrap.home(), bootstrap.open_chat, bootstrap.open_server))


def _headless(argv: Sequence[str]) -> int:
    from client.harness.headless import main as headless

    return headless(argv)


def _send(argv: Sequence[str]) -> int:
    from client.harness.send import main as send

    return send(argv)


def _demo(argv: Sequence[str]) -> int:
    from client.demo.play import main as demo

    return demo(argv)


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "app": _app,
    "headless": _headless,
    "send": _send,
    "demo": _demo,
}

if __name__ == "__main__":
    sys.exit(main())
