"""Programs are started from the bundle's own files, or by this Python."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from client.programs import client_command, server_command, worker_command


@pytest.mark.parametrize(("safe_path", "careful"), [(False, []), (True, ["-P"])])
def test_a_checkout_starts_packages_as_carefully_as_itself(
    safe_path: bool, careful: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "flags", SimpleNamespace(safe_path=safe_path))
    python = [sys.executable, *careful, "-m"]
    assert client_command("send", "--to", "bob") == [*python, "client", "send", "--to", "bob"]
    assert worker_command() == [*python, "client.worker"]
    assert server_command() == [*python, "server"]


def test_the_bundle_starts_its_own_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/opt/hexagram/hexagram")
    assert client_command("demo") == ["/opt/hexagram/hexagram", "demo"]
    assert worker_command() == ["/opt/hexagram/hexagram", "--media-worker"]
    assert server_command()[0].startswith("/opt/hexagram/hexagram-server")
