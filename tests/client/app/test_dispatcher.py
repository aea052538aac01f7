"""A code that came through the core gets the facts that are known here."""

from __future__ import annotations

from client.app.dispatcher import complete
from client.core.model import Bubble, State
from protocol.content import Attachment, File
from protocol.problems import Problem
from protocol.values import ConvId, Lid, MediaId, Uid

CONV = ConvId("c7xyzabc")


def test_a_code_gets_the_facts_that_are_known() -> None:
    file = Attachment(MediaId("m"), "film.mp4", "video/mp4", 600 * 1024 * 1024, "ab")
    bubble = Bubble(Lid(1), CONV, Uid("u"), True, State.REFUSED, 1, File(file))

    def said(code: str, bubble: Bubble | None = None, **known: object) -> str:
        return complete(code, server="http://x:1", bubble=bubble, known=known).for_person()

    assert "600 MB; at most 512 MB" in said("media_too_large", bubble)
    assert "http://x:1" in said("server_unreachable")
    assert "10000 messages" in said("outbox_full")
    assert "“film.mp4”" in said("media_vanished", bubble)
    assert "“other”" in said("media_vanished", bubble, name="other")
    assert said("a code of a newer version") == Problem().for_person()
