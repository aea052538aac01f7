"""Files go up: looked at, made smaller, uploaded, and only then said (P-3, P-75, P-79)."""

from __future__ import annotations

import pytest

from client.core.effects import (
    DropCopy,
    ForgetUpload,
    InspectFile,
    KeepSent,
    MakeSmaller,
    SaveDropped,
    SaveState,
    SaveUpload,
    StopTransfer,
    Told,
    UploadFile,
)
from client.core.events import (
    Attach,
    Cancel,
    Compose,
    Dial,
    FileInspected,
    Made,
    MakingStopped,
    PassOn,
    Pause,
    Quit,
    Recaption,
    Resend,
    SessionDown,
    SessionUp,
    Tick,
    Uploaded,
    UploadStopped,
)
from client.core.model import Inspected, State, Upload
from client.core.transfers import Transfers, upload_number
from protocol.content import Attachment, File, Forward, Picture, Reply, Video, Voice, unpack
from protocol.lanes import digest
from protocol.packets import Welcome
from protocol.values import ConvId, Did, Digest, Lid, MediaId, Uid, replace

ALICE, CONV = Uid("alice"), ConvId("room")
UP = SessionUp(1, Welcome(v=1, sn=1, gen="1-a", ts=1, uid=ALICE, did=Did("7"), name="Alice"))
PHOTO = Inspected("picture", "image/jpeg", "sunset.jpg", 1000, "ab" * 32, "/pictures/sunset.jpg", 40, 30)
MEDIA = MediaId("m1")


def attach(lid: int = 1, caption: str = "") -> Attach:
    return Attach(Lid(lid), CONV, "/pictures/sunset.jpg", "sunset.jpg", "auto", caption, lid.to_bytes(8, "big"), 1234)


def machine(*, ready: bool = True) -> Transfers:
    made = Transfers(ALICE, ())
    if ready:
        made.handle(UP, 0.0)
    return made


def uploading(transfers: Transfers, lid: int = 1, now_s: float = 0.0) -> UploadFile:
    """Attach a file and let it be inspected."""
    transfers.handle(attach(lid), now_s)
    upload = transfers.handle(FileInspected(Lid(lid), PHOTO), now_s)[-1]
    assert isinstance(upload, UploadFile)
    return upload


def test_a_file_is_saved_inspected_uploaded_and_only_then_composed() -> None:
    transfers = machine()

    saved, inspect = transfers.handle(attach(caption="by the sea"), 0.0)
    assert isinstance(saved, SaveUpload)
    assert inspect == InspectFile(Lid(1), "/pictures/sunset.jpg", "sunset.jpg", "auto", "small")

    saved, upload = transfers.handle(FileInspected(Lid(1), PHOTO), 0.5)
    assert isinstance(saved, SaveUpload)
    assert saved.upload.inspected == PHOTO
    number = upload_number(attach().nonce, PHOTO.sha256)
    assert upload == UploadFile(Lid(1), CONV, number, PHOTO, MediaId(""))

    compose = transfers.handle(Uploaded(Lid(1), MEDIA), 1.0)[0]
    assert isinstance(compose, Compose)
    assert (compose.lid, compose.conv, compose.media, compose.at_ms) == (Lid(1), CONV, (MEDIA,), 1234)
    assert compose.dg == digest(CONV, compose.content)
    content = unpack(compose.content, author=ALICE, conv=CONV)
    assert content.nonce == attach().nonce
    assert isinstance(content.body, Picture)
    assert (content.body.caption, content.body.file.media, content.body.file.width) == (
        "by the sea",
        MEDIA,
        40,
    )


@pytest.mark.parametrize(("kind", "body"), [("picture", Picture), ("voice", Voice), ("video", Video), ("file", File)])
def test_the_message_is_of_the_kind_that_was_found(kind: str, body: type) -> None:
    transfers = machine()
    transfers.handle(attach(), 0.0)
    transfers.handle(FileInspected(Lid(1), replace(PHOTO, kind=kind)), 0.0)
    compose = transfers.handle(Uploaded(Lid(1), MEDIA), 0.0)[0]

    assert isinstance(compose, Compose)
    said = unpack(compose.content, author=ALICE, conv=CONV).body
    assert isinstance(said, body)
    assert isinstance(said.file, Attachment)  # type: ignore[union-attr]


def test_a_file_whose_words_are_too_many_is_refused_before_its_upload_and_harms_nothing_else() -> None:
    transfers = machine()
    transfers.handle(attach(caption="x" * 70_000), 0.0)

    saved, state, told = transfers.handle(FileInspected(Lid(1), PHOTO), 0.5)
    assert isinstance(saved, SaveUpload)
    assert saved.upload.paused
    assert state == SaveState(Lid(1), State.REFUSED, code="content_too_large")
    assert told == Told("content_too_large", Lid(1))
    assert transfers.next_wakeup_s() is None
    assert uploading(transfers, 2).lid == 2


def test_a_file_can_be_an_answer() -> None:
    transfers = machine()
    reply = Reply(Digest("d"), Uid("bob"), "show me", "text")
    transfers.handle(replace(attach(), reply=reply), 0.0)
    transfers.handle(FileInspected(Lid(1), PHOTO), 0.0)
    compose = transfers.handle(Uploaded(Lid(1), MEDIA), 0.0)[0]

    assert isinstance(compose, Compose)
    assert unpack(compose.content, author=ALICE, conv=CONV).reply == reply


# ----------------------------------------------------------------------------------------- passing on


def pass_on(lid: int = 1) -> PassOn:
    forward = Forward(Uid("bob"), "Bob")
    return PassOn(Lid(lid), CONV, PHOTO, MediaId("theirs"), "the sea", lid.to_bytes(8, "big"), 1234, forward)


def test_a_file_that_the_server_has_is_passed_on_without_being_looked_at() -> None:
    transfers = machine()
    saved, upload = transfers.handle(pass_on(), 0.0)
    assert isinstance(saved, SaveUpload)
    number = upload_number(pass_on().nonce, PHOTO.sha256)
    assert upload == UploadFile(Lid(1), CONV, number, PHOTO, MediaId(""), MediaId("theirs"))

    compose = transfers.handle(Uploaded(Lid(1), MEDIA), 1.0)[0]
    assert isinstance(compose, Compose)
    content = unpack(compose.content, author=ALICE, conv=CONV)
    assert (content.forward, compose.media) == (Forward(Uid("bob"), "Bob"), (MEDIA,))
    assert isinstance(content.body, Picture)
    assert (content.body.caption, content.body.file.media) == ("the sea", MEDIA)


def test_what_is_passed_on_and_refused_is_tried_again_as_it_is() -> None:
    transfers = machine()
    transfers.handle(pass_on(), 0.0)
    transfers.handle(UploadStopped(Lid(1), "not_member", False), 0.0)

    saved, state, upload = transfers.handle(Resend(Lid(1)), 5.0)
    assert isinstance(saved, SaveUpload)
    assert (saved.upload.inspected, saved.upload.paused) == (PHOTO, False)
    assert state == SaveState(Lid(1), State.UPLOADING)
    assert isinstance(upload, UploadFile)


def test_words_below_a_file_may_change_until_it_is_up() -> None:
    transfers = machine()
    uploading(transfers)
    [saved] = transfers.handle(Recaption(Lid(1), "better words"), 0.0)
    assert isinstance(saved, SaveUpload)
    assert transfers.handle(Recaption(Lid(1), "x" * 70_000), 0.0) == [Told("content_too_large", Lid(1))]

    compose = transfers.handle(Uploaded(Lid(1), MEDIA), 1.0)[0]
    assert isinstance(compose, Compose)
    said = unpack(compose.content, author=ALICE, conv=CONV).body
    assert isinstance(said, Picture)
    assert said.caption == "better words"
    assert transfers.handle(Recaption(Lid(1), "too late"), 2.0) == [Told("not_possible_now", Lid(1))]


def test_without_a_session_a_file_is_inspected_and_waits() -> None:
    transfers = machine(ready=False)
    transfers.handle(attach(), 0.0)

    assert len(transfers.handle(FileInspected(Lid(1), PHOTO), 0.0)) == 1
    assert transfers.next_wakeup_s() is None
    assert isinstance(transfers.handle(UP, 9.0)[0], UploadFile)


def test_two_uploads_at_once_in_the_order_they_were_attached() -> None:
    transfers = machine()
    first, second = uploading(transfers, 1), uploading(transfers, 2)
    assert (first.lid, second.lid) == (1, 2)
    transfers.handle(attach(3), 0.0)
    assert len(transfers.handle(FileInspected(Lid(3), PHOTO), 0.0)) == 1, "no slot yet"
    assert transfers.next_wakeup_s() is None

    composed, _, third = transfers.handle(Uploaded(Lid(2), MEDIA), 1.0)
    assert isinstance(composed, Compose)
    assert isinstance(third, UploadFile)
    assert third.lid == 3


def test_looking_at_files_takes_no_slot() -> None:
    transfers = machine()
    for lid in (1, 2, 3):
        transfers.handle(attach(lid), 0.0)

    assert isinstance(transfers.handle(FileInspected(Lid(3), PHOTO), 0.0)[-1], UploadFile)


def test_an_interrupted_upload_goes_on_after_1_2_4_seconds_with_the_media_id_it_got() -> None:
    transfers = machine()
    uploading(transfers)

    [saved] = transfers.handle(UploadStopped(Lid(1), "transfer_interrupted", True, MEDIA), 10.0)
    assert isinstance(saved, SaveUpload)
    assert saved.upload.media == MEDIA
    waits, now_s = [], 10.0
    for _ in range(8):
        due_s = transfers.next_wakeup_s()
        assert due_s is not None
        waits.append(due_s - now_s)
        assert transfers.handle(Tick(), due_s - 0.001) == []
        [again] = transfers.handle(Tick(), due_s)
        assert isinstance(again, UploadFile)
        assert again.media == MEDIA
        now_s = due_s
        assert transfers.handle(UploadStopped(Lid(1), "transfer_interrupted", True), now_s) == []

    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_new_session_tries_at_once() -> None:
    transfers = machine()
    uploading(transfers)
    transfers.handle(SessionDown(1), 1.0)
    transfers.handle(UploadStopped(Lid(1), "transfer_interrupted", True), 1.0)

    assert transfers.next_wakeup_s() is None
    assert transfers.handle(Tick(), 100.0) == []
    assert len(transfers.handle(UP, 1.5)) == 1


def test_a_file_that_cannot_be_sent_is_refused_and_can_be_tried_again() -> None:
    """It is looked at again, for it may be another file now."""
    transfers = machine()
    before = uploading(transfers)

    saved, refused, told = transfers.handle(UploadStopped(Lid(1), "media_vanished", False), 1.0)
    assert isinstance(saved, SaveUpload)
    assert saved.upload.paused
    assert refused == SaveState(Lid(1), State.REFUSED, code="media_vanished")
    assert told == Told("media_vanished", Lid(1))
    assert transfers.next_wakeup_s() is None

    _, state, inspect = transfers.handle(Resend(Lid(1)), 2.0)
    assert state == SaveState(Lid(1), State.UPLOADING)
    assert isinstance(inspect, InspectFile)
    assert transfers.handle(Resend(Lid(1)), 2.1) == [], "a second click changes nothing"
    after = transfers.handle(FileInspected(Lid(1), replace(PHOTO, sha256="ef" * 32)), 3.0)[-1]
    assert isinstance(after, UploadFile)
    assert after.number != before.number, "another file is another upload"


def test_cancelling_an_upload_leaves_nothing() -> None:
    transfers = machine()
    uploading(transfers)

    number = upload_number(attach().nonce, PHOTO.sha256)
    assert transfers.handle(Cancel(Lid(1)), 1.0) == [
        StopTransfer(Lid(1)),
        SaveDropped(Lid(1), CONV),
        ForgetUpload(Lid(1), MediaId(""), number),
        DropCopy(PHOTO.path),
    ]
    assert transfers.handle(Uploaded(Lid(1), MEDIA), 1.1) == [], "what ended meanwhile is too late"


def test_cancelling_a_refused_upload_needs_no_stop() -> None:
    transfers = machine()
    uploading(transfers)
    transfers.handle(UploadStopped(Lid(1), "media_vanished", False), 1.0)

    assert transfers.handle(Cancel(Lid(1)), 1.0)[0] == SaveDropped(Lid(1), CONV)


def test_after_a_restart_uploads_go_on_and_unseen_files_are_looked_at() -> None:
    stopped = attach()
    bare = Upload(Lid(4), CONV, 0, stopped.path, stopped.name, "auto", "", stopped.nonce, 1)
    known = replace(bare, lid=Lid(5), inspected=PHOTO, number=77, media=MEDIA)
    paused = replace(bare, lid=Lid(6), paused=True)
    transfers = Transfers(ALICE, (bare, known, paused))

    assert [effect.lid for effect in transfers.handle(Dial(), 0.0) if isinstance(effect, InspectFile)] == [4]
    assert transfers.handle(Dial(), 0.1) == [], "a second click on connect"
    assert transfers.handle(UP, 1.0) == [UploadFile(Lid(5), CONV, 77, PHOTO, MEDIA)]


# ------------------------------------------------------------------------------------- to the very edge


def test_what_is_attached_is_written_down_as_it_is() -> None:
    reply = Reply(Digest("d"), Uid("bob"), "show me", "text")
    wish = replace(attach(caption="by the sea"), reply=reply, bins=b"bins", note=True, album="a" * 22)
    [saved, _] = machine().handle(wish, 0.0)
    assert saved == SaveUpload(
        Upload(
            Lid(1),
            CONV,
            0,
            wish.path,
            wish.name,
            "auto",
            wish.caption,
            wish.nonce,
            1234,
            reply=wish.reply,
            quality="small",
            bins=b"bins",
            note=True,
            album="a" * 22,
        )
    )


def test_what_is_passed_on_is_written_down_as_it_is() -> None:
    wish = pass_on()
    number = upload_number(wish.nonce, PHOTO.sha256)
    assert machine().handle(wish, 0.0)[0] == SaveUpload(
        Upload(
            Lid(1),
            CONV,
            number,
            PHOTO.path,
            PHOTO.name,
            PHOTO.kind,
            wish.caption,
            wish.nonce,
            1234,
            inspected=PHOTO,
            forward=wish.forward,
            source=MediaId("theirs"),
        )  # fmt: skip
    )


def test_new_words_below_a_file_are_written_down_and_hurry_nothing() -> None:
    transfers = machine()
    uploading(transfers)
    transfers.handle(UploadStopped(Lid(1), "transfer_interrupted", True), 10.0)
    [saved] = transfers.handle(Recaption(Lid(1), "better"), 10.5)
    assert isinstance(saved, SaveUpload)
    assert (saved.upload.caption, saved.upload.inspected) == ("better", PHOTO)


def test_words_that_fit_below_a_file_fit_whatever_its_id_will_be() -> None:
    """Both where they are written and where they are changed: after the last byte it is too late to refuse."""
    for change in (False, True):
        low, high = 0, 70_000
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _fits(middle, change=change) is not None else (low, middle)
        fits = _fits(low, change=change)
        assert fits is not None
        assert isinstance(fits.handle(Uploaded(Lid(1), MediaId("x" * 64)), 1.0)[0], Compose)


def _fits(chars: int, *, change: bool) -> Transfers | None:
    transfers = machine()
    transfers.handle(attach(caption="" if change else "x" * chars), 0.0)
    out = transfers.handle(FileInspected(Lid(1), PHOTO), 0.0)
    out += transfers.handle(Recaption(Lid(1), "x" * chars), 0.0) if change else []
    return None if any(isinstance(each, Told) for each in out) else transfers


def test_a_file_with_too_many_words_has_no_place_at_the_server() -> None:
    transfers = machine()
    transfers.handle(attach(caption="x" * 70_000), 0.0)
    saved = transfers.handle(FileInspected(Lid(1), PHOTO), 0.5)[0]
    assert isinstance(saved, SaveUpload)
    assert saved.upload.media == ""


def test_a_file_that_is_looked_at_again_is_a_new_upload() -> None:
    transfers = machine()
    uploading(transfers)
    transfers.handle(UploadStopped(Lid(1), "transfer_interrupted", True, MEDIA), 1.0)
    transfers.handle(Tick(), 2.0)
    transfers.handle(UploadStopped(Lid(1), "media_vanished", False), 3.0)

    saved = transfers.handle(Resend(Lid(1)), 4.0)[0]
    assert isinstance(saved, SaveUpload)
    assert (saved.upload.paused, saved.upload.inspected) == (False, None)
    upload = transfers.handle(FileInspected(Lid(1), PHOTO), 5.0)[-1]
    assert isinstance(upload, UploadFile)
    assert upload.media == ""


def test_one_free_slot_is_enough_to_be_woken_for() -> None:
    transfers = machine()
    uploading(transfers, 1)
    uploading(transfers, 2)
    transfers.handle(UploadStopped(Lid(2), "transfer_interrupted", True), 10.0)
    assert transfers.next_wakeup_s() == 11.0


def test_what_is_over_takes_no_slot() -> None:
    transfers = machine()
    for lid in (1, 2, 3):
        uploading(transfers, lid)
        transfers.handle(Uploaded(Lid(lid), MEDIA), 0.0)
    uploading(transfers, 8, 1.0)
    transfers.handle(UploadStopped(Lid(8), "transfer_interrupted", True), 1.0)
    assert transfers.next_wakeup_s() == 2.0


def test_the_number_of_an_upload_is_the_same_in_every_version() -> None:
    """An upload that began before an update goes on after it (P-75)."""
    assert upload_number(bytes(16), "ab" * 32) == 3329769983101637
    assert all(upload_number(bytes([n]), "ab" * 32) < 2**52 for n in range(100))


def test_what_waits_is_not_hurried_by_what_ends() -> None:
    transfers = machine()
    for lid in (1, 2):
        uploading(transfers, lid)
    transfers.handle(UploadStopped(Lid(1), "transfer_interrupted", True), 10.0)
    cancelled = transfers.handle(Cancel(Lid(2)), 10.5)
    assert not any(isinstance(effect, UploadFile) for effect in cancelled)
    assert len(transfers.handle(Tick(), 11.0)) == 1


def test_into_a_lost_line_nothing_is_uploaded() -> None:
    transfers = machine()
    transfers.handle(SessionDown(1), 1.0)
    transfers.handle(attach(), 2.0)
    assert len(transfers.handle(FileInspected(Lid(1), PHOTO), 3.0)) == 1


# ---------------------------------------------------------------------------------- held by the person


def test_the_person_holds_an_upload_and_it_goes_on_with_what_is_known_of_it() -> None:
    transfers = machine()
    uploading(transfers)
    saved, stop = transfers.handle(Pause(Lid(1), 400), 1.0)
    assert isinstance(saved, SaveUpload)
    assert (saved.upload.held, saved.upload.held_bytes, saved.upload.inspected) == (True, 400, PHOTO)
    assert stop == StopTransfer(Lid(1))
    assert transfers.handle(Pause(Lid(1), 500), 1.1) == [], "a second click"
    assert transfers.next_wakeup_s() is None
    assert transfers.handle(Tick(), 99.0) == []
    assert transfers.handle(UP, 100.0) == [], "not even a new session makes it go on"

    saved, state, again = transfers.handle(Resend(Lid(1)), 200.0)
    assert isinstance(saved, SaveUpload)
    assert (saved.upload.held, saved.upload.held_bytes) == (False, 0)
    assert state == SaveState(Lid(1), State.UPLOADING)
    assert isinstance(again, UploadFile), "nothing is looked at again"


def test_what_is_held_leaves_its_slot_to_others() -> None:
    transfers = machine()
    uploading(transfers, 1)
    uploading(transfers, 2)
    transfers.handle(attach(3), 0.0)
    transfers.handle(FileInspected(Lid(3), PHOTO), 0.0)
    _, stop, third = transfers.handle(Pause(Lid(1)), 1.0)
    assert stop == StopTransfer(Lid(1))
    assert isinstance(third, UploadFile)
    assert third.lid == 3


def test_what_waits_for_its_next_try_is_held_without_a_stop_and_what_is_refused_is_not_held() -> None:
    transfers = machine()
    uploading(transfers)
    transfers.handle(UploadStopped(Lid(1), "transfer_interrupted", True), 1.0)
    assert len(transfers.handle(Pause(Lid(1)), 1.5)) == 1
    transfers.handle(Resend(Lid(1)), 2.0)
    transfers.handle(UploadStopped(Lid(1), "media_vanished", False), 3.0)
    assert transfers.handle(Pause(Lid(1)), 4.0) == []


def test_a_file_that_is_looked_at_is_held_and_looked_at_again() -> None:
    transfers = machine()
    transfers.handle(attach(), 0.0)
    saved, stop = transfers.handle(Pause(Lid(1)), 0.1)
    assert isinstance(saved, SaveUpload)
    assert stop == StopTransfer(Lid(1))
    assert transfers.handle(Dial(), 0.2) == []
    assert isinstance(transfers.handle(Resend(Lid(1)), 1.0)[-1], InspectFile)


def test_an_answer_that_was_on_its_way_when_it_was_held_is_kept_and_nothing_begins() -> None:
    transfers = machine()
    transfers.handle(attach(), 0.0)
    transfers.handle(Pause(Lid(1)), 0.1)
    [saved] = transfers.handle(FileInspected(Lid(1), LARGE), 0.2)
    assert isinstance(saved, SaveUpload)
    assert saved.upload.held
    assert isinstance(transfers.handle(Resend(Lid(1)), 1.0)[-1], MakeSmaller)


def test_who_is_asked_to_wait_waits() -> None:
    transfers = machine()
    uploading(transfers)
    transfers.handle(UploadStopped(Lid(1), "uploads_today", True, MediaId(""), 90.0), 10.0)
    assert transfers.next_wakeup_s() == 100.0


def test_wishes_about_what_is_not_here_are_nobodys() -> None:
    transfers = machine()
    for wish in (Pause(Lid(9)), Resend(Lid(9)), Made(Lid(9), "/x"), UploadStopped(Lid(9), "x", True), Quit()):
        assert transfers.handle(wish, 0.0) == []


# ------------------------------------------------------------------------------------------- made smaller


FILM = Attach(Lid(1), CONV, "/films/sea.MOV", "sea.MOV", "auto", "", bytes(8), 1234)
LARGE = Inspected("video", "video/quicktime", "sea.MOV", 90_000, "ab" * 32, "/films/sea.MOV", 40, 30, large=True)
SMALL = Inspected("video", "video/mp4", "x.mp4", 9_000, "ef" * 32, "/copies/x.mp4", 20, 15)


def test_a_large_film_is_made_smaller_looked_at_again_and_sent_under_its_name() -> None:
    transfers = machine()
    transfers.handle(FILM, 0.0)
    saved, make = transfers.handle(FileInspected(Lid(1), LARGE), 0.0)
    assert isinstance(saved, SaveUpload)
    assert make == MakeSmaller(Lid(1), "/films/sea.MOV", "video")

    saved, look = transfers.handle(Made(Lid(1), "/copies/x.mp4"), 5.0)
    assert isinstance(saved, SaveUpload)
    assert (saved.upload.copy, saved.upload.made) == ("/copies/x.mp4", True)
    assert saved.upload.inspected == LARGE, "its poster is shown all the while"
    assert look == InspectFile(Lid(1), "/copies/x.mp4", "sea.MOV", "auto")

    upload = transfers.handle(FileInspected(Lid(1), SMALL), 6.0)[-1]
    assert isinstance(upload, UploadFile)
    assert upload.found == SMALL
    compose, keep = transfers.handle(Uploaded(Lid(1), MEDIA), 7.0)
    assert isinstance(compose, Compose)
    said = unpack(compose.content, author=ALICE, conv=CONV).body
    assert isinstance(said, Video)
    assert (said.file.name, said.file.type) == ("sea.mp4", "video/mp4")
    copies = ("/copies/x.mp4",)
    assert keep == KeepSent(Lid(1), "/films/sea.MOV", "/copies/x.mp4", SMALL.sha256, "sea.mp4", copies)


@pytest.mark.parametrize("answer", [Made(Lid(1), ""), MakingStopped(Lid(1), "ffmpeg_missing")])
def test_what_cannot_be_made_smaller_goes_as_it_is(answer: Made | MakingStopped) -> None:
    transfers = machine()
    transfers.handle(FILM, 0.0)
    transfers.handle(FileInspected(Lid(1), LARGE), 0.0)
    saved, upload = transfers.handle(answer, 5.0)
    assert isinstance(saved, SaveUpload)
    assert isinstance(upload, UploadFile)
    assert upload.found == LARGE


def test_in_its_original_quality_nothing_is_made_of_a_film() -> None:
    transfers = machine()
    transfers.handle(replace(FILM, quality="original"), 0.0)
    assert isinstance(transfers.handle(FileInspected(Lid(1), LARGE), 0.0)[-1], UploadFile)


def test_a_voice_is_made_opus_with_the_waveform_that_was_heard() -> None:
    transfers = machine()
    voice = Inspected("voice", "audio/mp4", "v.m4a", 900, "ab" * 32, "/recordings/v.m4a", duration_ms=900)
    transfers.handle(replace(FILM, path=voice.path, name="v.m4a", kind="voice", bins=b"heard"), 0.0)
    assert transfers.handle(FileInspected(Lid(1), voice), 0.0)[-1] == MakeSmaller(Lid(1), voice.path, "voice")
    transfers.handle(Made(Lid(1), "/copies/v.ogg"), 1.0)
    opus = replace(voice, type="audio/ogg", path="/copies/v.ogg", waveform=b"read")
    transfers.handle(FileInspected(Lid(1), opus), 1.0)
    compose = transfers.handle(Uploaded(Lid(1), MEDIA), 2.0)[0]
    assert isinstance(compose, Compose)
    said = unpack(compose.content, author=ALICE, conv=CONV).body
    assert isinstance(said, Voice)
    assert (said.file.waveform, said.file.name) == (b"heard", "v.ogg")


def test_making_that_a_restart_interrupted_begins_again() -> None:
    upload = Upload(Lid(1), CONV, 1, FILM.path, FILM.name, "auto", "", bytes(8), 1, inspected=LARGE, quality="small")
    copied = replace(upload, lid=Lid(2), made=True, copy="/copies/x.mp4", looked=False)
    transfers = Transfers(ALICE, (upload, copied))
    assert transfers.handle(Dial(), 0.0) == [
        MakeSmaller(Lid(1), FILM.path, "video"),
        InspectFile(Lid(2), "/copies/x.mp4", FILM.name, "auto"),
    ]


def test_making_is_held_and_cancelled_like_everything() -> None:
    transfers = machine()
    transfers.handle(FILM, 0.0)
    transfers.handle(FileInspected(Lid(1), LARGE), 0.0)
    assert transfers.handle(Pause(Lid(1)), 1.0)[-1] == StopTransfer(Lid(1))
    assert transfers.handle(Resend(Lid(1)), 2.0)[-1] == MakeSmaller(Lid(1), FILM.path, "video")
    assert transfers.handle(Cancel(Lid(1)), 3.0)[:2] == [StopTransfer(Lid(1)), SaveDropped(Lid(1), CONV)]


def test_a_refused_copy_is_dropped_and_the_original_looked_at_again() -> None:
    transfers = machine()
    transfers.handle(FILM, 0.0)
    transfers.handle(FileInspected(Lid(1), LARGE), 0.0)
    transfers.handle(Made(Lid(1), "/copies/x.mp4"), 1.0)
    transfers.handle(UploadStopped(Lid(1), "media_vanished", False), 2.0)
    saved, _, drop, look = transfers.handle(Resend(Lid(1)), 3.0)
    assert isinstance(saved, SaveUpload)
    assert (saved.upload.copy, saved.upload.made, saved.upload.looked) == ("", False, True)
    assert drop == DropCopy("/copies/x.mp4")
    assert look == InspectFile(Lid(1), FILM.path, FILM.name, "auto", "small")


# ---------------------------------------------------------------------------------------- what is left


def test_a_cancelled_upload_is_over_at_the_server_too() -> None:
    transfers = machine()
    uploading(transfers)
    transfers.handle(UploadStopped(Lid(1), "transfer_interrupted", True, MEDIA), 1.0)
    number = upload_number(attach().nonce, PHOTO.sha256)
    assert ForgetUpload(Lid(1), MEDIA, number) in transfers.handle(Cancel(Lid(1)), 1.5)


def test_of_what_nobody_has_looked_at_the_server_knows_nothing() -> None:
    transfers = machine()
    transfers.handle(attach(), 0.0)
    assert transfers.handle(Cancel(Lid(1)), 0.5) == [
        StopTransfer(Lid(1)), SaveDropped(Lid(1), CONV), DropCopy(PHOTO.path),
    ]  # fmt: skip


def test_an_upload_of_a_file_that_has_changed_is_over() -> None:
    transfers = machine()
    uploading(transfers)
    transfers.handle(UploadStopped(Lid(1), "media_changed", False, MEDIA), 1.0)
    transfers.handle(Resend(Lid(1)), 2.0)
    number = upload_number(attach().nonce, PHOTO.sha256)
    gone, saved, upload = transfers.handle(FileInspected(Lid(1), replace(PHOTO, sha256="ef" * 32)), 3.0)
    assert gone == ForgetUpload(Lid(1), MEDIA, number)
    assert isinstance(saved, SaveUpload)
    assert isinstance(upload, UploadFile)


def test_the_file_of_another_bubble_is_left_alone() -> None:
    """What is passed on shares the local file of the message that it comes from."""
    transfers = machine()
    transfers.handle(pass_on(), 0.0)
    cancelled = transfers.handle(Cancel(Lid(1)), 1.0)
    assert not any(isinstance(effect, DropCopy) for effect in cancelled)
    transfers.handle(pass_on(2), 2.0)
    assert len(transfers.handle(Uploaded(Lid(2), MEDIA), 3.0)) == 1
