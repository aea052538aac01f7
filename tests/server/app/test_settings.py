"""Where a server may listen, and where it keeps things."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocol.problems import AddressInvalid, AddressNotLoopback
from server.app.settings import Address, address, settings_for


@pytest.mark.parametrize(
    ("text", "read", "url"),
    [
        ("127.0.0.1:8787", Address("127.0.0.1", 8787), "http://127.0.0.1:8787"),
        (" localhost:0 ", Address("127.0.0.1", 0), "http://127.0.0.1:0"),
        ("127.1.2.3:1", Address("127.1.2.3", 1), "http://127.1.2.3:1"),
        ("[::1]:65535", Address("::1", 65_535), "http://[::1]:65535"),
    ],
)
def test_addresses_of_this_computer(text: str, read: Address, url: str) -> None:
    assert address(text) == read
    assert read.url == url


@pytest.mark.parametrize("text", ["0.0.0.0:1", "10.0.0.1:1", "[::]:1", "[fe80::1]:1", "[::ffff:8.8.8.8]:1"])
def test_addresses_that_others_can_reach(text: str) -> None:
    """SEC-11: encryption comes first."""
    with pytest.raises(AddressNotLoopback):
        address(text)


@pytest.mark.parametrize("text", ["", ":", ":1", "127.0.0.1", "127.0.0.1:", "127.0.0.1:-1", "127.0.0.1:70000", "::1:1", "x:1", "127.0.0.1:１"])  # fmt: skip # noqa: E501
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(AddressInvalid):
        address(text)


def test_one_folder_holds_everything(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "a b", "127.0.0.1:0")
    assert settings.store_url == f"sqlite:{tmp_path.as_posix()}/a b/hexagram.sqlite"
    assert settings.blobs_url == f"{tmp_path.as_uri()}/a%20b/media"
    assert settings.admin_file == tmp_path / "a b" / "admin.json"


def test_a_relative_folder_is_found_from_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings_for(Path("data")).data_dir == tmp_path / "data"
