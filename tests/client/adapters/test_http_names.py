"""Names that others chose are fit for any disk, and look like what they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.adapters.http_names import NAME_MAX_BYTES, NAME_MAX_CHARS, safe_extension, safe_name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("cat.jpg", "cat.jpg"),
        ("既济 🐈.png", "既济 🐈.png"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\temp\\x.txt", "C__temp_x.txt"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("a\x00b\nc\u200bd.txt", "abcd.txt"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("com1.tar.gz", "_com1.tar.gz"),
        ("  .hidden. ", "hidden"),
        ("", "file"),
        ("...", "file"),
        ("x" * 300 + ".webm", "x" * 115 + ".webm"),
        ("what?.pdf", "what_.pdf"),
        ("x" * 119 + "." + "y" * 20, "x" * 119),
        ("山" * 300 + ".jpg", "山" * 65 + ".jpg"),
        ("a\u200b\u0301", "á"),
        ("a:b.txt:Zone.Identifier", "a_b.txt_Zone.Identifier"),
    ],
)
def test_safe_names(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.text())
def test_any_name_becomes_one_plain_name(name: str) -> None:
    safe = safe_name(name)

    assert 0 < len(safe) <= NAME_MAX_CHARS
    assert len(safe.encode()) <= NAME_MAX_BYTES
    assert not set(safe) & set('/\\:*?"<>|\0\n\u202e')
    assert not safe.startswith((".", " "))
    assert not safe.endswith((".", " "))
    assert safe_name(safe) == safe


@pytest.mark.parametrize(
    ("name", "extension"), [("a.JPG", ".jpg"), ("a", ""), ("a.t~t", ""), ("a.tar.gz", ".gz"), ("既济.文档", "")]
)
def test_extensions(name: str, extension: str) -> None:
    assert safe_extension(name) == extension
