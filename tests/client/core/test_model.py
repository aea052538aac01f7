"""How a message looks to a person."""

from __future__ import annotations

from client.core.model import Bubble, Inspected, Presence, State, Upload, end_of
from protocol.content import Attachment, Body, File, Mention, Picture, Text, Video, Voice
from protocol.values import ConvId, Lid, MediaId, Uid, replace

FILE = Attachment(MediaId("m"), "note.m4a", "audio/mp4", 5, "ab")


def bubble(lid: int, pos: int = 0, body: Text | Voice | None = None) -> Bubble:
    return Bubble(Lid(lid), ConvId("c"), Uid("u"), True, State.QUEUED, 5, body, pos)


def test_states_have_a_word() -> None:
    assert State.NEEDS_YOU.word == "needs_you"


def test_only_the_ladder_climbs() -> None:
    assert [state.word for state in State if state.on_ladder] == [
        "uploading",
        "queued",
        "sending",
        "accepted",
        "stored",
        "delivered",
        "read",
    ]


def test_what_the_server_has_not_settled() -> None:
    assert {state.word for state in State if state.unsettled} == {"queued", "sending", "cancelling", "needs_you"}


def test_people_are_named_in_words() -> None:
    named = (Mention(Uid("bob"), 0, 3),)
    assert bubble(1, body=Text("Bob!", named)).mentions == named
    assert bubble(1, body=Voice(FILE)).mentions == ()


def test_only_media_have_a_file() -> None:
    assert bubble(1, body=Voice(FILE)).attachment == FILE
    assert bubble(1, body=Text("hello")).attachment is None
    assert bubble(1).attachment is None


def test_bubbles_stand_in_order_of_position_and_what_waits_stands_last() -> None:
    shown = sorted([bubble(9), bubble(8), bubble(3, pos=7), bubble(5, pos=2)], key=lambda one: one.order)

    assert [one.lid for one in shown] == [5, 3, 8, 9]


def test_the_end_of_a_position_lies_behind_it_and_before_the_next() -> None:
    assert bubble(9, 3).order < end_of(3) < bubble(1, 4).order


def test_a_file_on_its_way_up_shows_what_is_known_of_it() -> None:
    upload = Upload(Lid(1), ConvId("c"), 7, "/a.bin", "a.bin", "picture", "look", b"1", 5)
    assert upload.body(MediaId("")) == Picture(Attachment(MediaId(""), "a.bin", "", 0, ""), "look")
    assert replace(upload, kind="auto").body(MediaId("")) == File(Attachment(MediaId(""), "a.bin", "", 0, ""), "look")

    media = MediaId("m")
    file = Attachment(media, "a.bin", "x/y", 4, "ab", width=4, height=3)
    bodies: list[Body] = [Picture(file, "look"), Voice(file), Video(file, "look"), File(file, "look")]
    for kind, body in zip(("picture", "voice", "video", "file"), bodies, strict=True):
        found = Inspected(kind, "x/y", "b.bin", 4, "ab", "/b", width=4, height=3)  # type: ignore[arg-type]
        assert replace(upload, inspected=found).body(media) == body


def test_who_is_here_or_was_is_known() -> None:
    assert [Presence(Uid("u")).known, Presence(Uid("u"), online=True).known, Presence(Uid("u"), seen_ms=5).known] == [
        False,
        True,
        True,
    ]


def test_all_that_was_found_in_a_file_is_said() -> None:
    found = Inspected(
        "video", "video/mp4", "b.mp4", 4, "ab", "/b", 4, 3, duration_ms=9, preview=b"pc", preview_type="image/webp",
        waveform=b"wf",
    )  # fmt: skip
    upload = Upload(Lid(1), ConvId("c"), 7, "/a.bin", "", "auto", "look", b"1", 5, inspected=found)
    said = Attachment(
        MediaId("m"), "b.mp4", "video/mp4", 4, "ab", width=4, height=3, duration_ms=9, preview=b"pc",
        preview_type="image/webp", waveform=b"wf",
    )  # fmt: skip
    assert upload.body(MediaId("m")) == Video(said, "look")


PHOTO = Inspected("picture", "image/jpeg", "sea.jpeg", 1000, "ab" * 32, "/p/sea.jpeg", 40, 30)
UPLOAD = Upload(Lid(1), ConvId("c"), 0, "/p/sea.jpeg", "sea.jpeg", "auto", "by the sea", bytes(8), 1)


def test_an_upload_names_every_file_it_needs() -> None:
    assert UPLOAD.paths == ("/p/sea.jpeg",)
    sent = replace(UPLOAD, copy="/copies/x.mp4", inspected=replace(PHOTO, path="/copies/y.mp4"))
    assert sent.paths == ("/p/sea.jpeg", "/copies/x.mp4", "/copies/y.mp4")


def test_what_is_made_smaller_before_it_is_sent() -> None:
    film = replace(PHOTO, kind="video", type="video/quicktime", large=True)
    voice = replace(PHOTO, kind="voice", type="audio/mp4")
    small = replace(UPLOAD, quality="small")
    assert not small.to_make, "nobody has looked at it yet"
    assert [replace(small, inspected=found).to_make for found in (PHOTO, film, voice)] == [False, True, True]
    assert not replace(small, inspected=replace(voice, type="audio/ogg")).to_make
    assert not replace(small, inspected=film, made=True).to_make
    assert not replace(UPLOAD, inspected=film).to_make


def test_when_a_file_may_go_up() -> None:
    looked = replace(UPLOAD, inspected=PHOTO)
    assert (UPLOAD.ready, looked.ready, replace(looked, looked=False).ready) == (False, True, False)
    assert not replace(looked, quality="small", inspected=replace(PHOTO, large=True)).ready


def test_a_copy_of_another_format_has_its_ending() -> None:
    def named(name: str, copy: str) -> str:
        return replace(UPLOAD, name=name, inspected=replace(PHOTO, path=copy)).sent_name

    assert UPLOAD.sent_name == "sea.jpeg"
    assert named("sea.png", UPLOAD.path) == "sea.png", "the original is what it is"
    assert named("sea.jpeg", "/copies/x.jpg") == "sea.jpeg"
    assert named("SEA.JPG", "/copies/x.jpg") == "SEA.JPG"
    assert named("sea.MOV", "C:\\copies\\x.mp4") == "sea.mp4"
    assert named("sea", "/copies/x.mp4") == "sea.mp4"
    assert named(".hidden", "/copies/x.mp4") == ".hidden.mp4"
    assert named("sea.MOV", "/copies.d/x") == "sea.MOV"
    assert named("", "/copies/x.mp4") == "sea.mp4"


def test_an_upload_says_what_was_chosen_when_it_was_attached() -> None:
    album = "a" * 22
    wish = replace(UPLOAD, album=album, note=True, bins=b"heard", inspected=PHOTO)
    picture, video, voice = (
        wish.body(MediaId("m")),
        *(_as(wish, kind).body(MediaId("m")) for kind in ("video", "voice")),
    )
    assert isinstance(picture, Picture)
    assert (picture.album, picture.caption) == (album, "by the sea")
    assert isinstance(video, Video)
    assert (video.album, video.note) == (album, True)
    assert isinstance(voice, Voice)
    assert voice.file.waveform == b"heard"
    assert replace(wish, bins=b"").body(MediaId("m")) != wish.body(MediaId("m"))


def _as(wish: Upload, kind: str) -> Upload:
    return replace(wish, inspected=replace(PHOTO, kind=kind))
