"""Files: first the upload, then the message; a download only on a click (P-75, P-76, P-79)."""

from __future__ import annotations

import pytest

from client.core.effects import (
    DownloadFile,
    InspectFile,
    SaveDropped,
    SaveFetched,
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
    Fetch,
    Fetched,
    FetchStopped,
    FileInspected,
    PassOn,
    Recaption,
    Resend,
    SessionDown,
    SessionUp,
    StopFetch,
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


def fetch(lid: int) -> Fetch:
    return Fetch(Lid(lid), MediaId(f"m{lid}"), 1000, "cd" * 32, "sunset.jpg")


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
    assert inspect == InspectFile(Lid(1), "/pictures/sunset.jpg", "sunset.jpg", "auto")

    saved, upload = transfers.handle(FileInspected(Lid(1), PHOTO), 0.5)
    assert isinstance(saved, SaveUpload)
    assert saved.upload.inspected == PHOTO
    number = upload_number(attach().nonce, PHOTO.sha256)
    assert upload == UploadFile(Lid(1), CONV, number, PHOTO, MediaId(""))

    [compose] = transfers.handle(Uploaded(Lid(1), MEDIA), 1.0)
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
    [compose] = transfers.handle(Uploaded(Lid(1), MEDIA), 0.0)

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
    [compose] = transfers.handle(Uploaded(Lid(1), MEDIA), 0.0)

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

    [compose] = transfers.handle(Uploaded(Lid(1), MEDIA), 1.0)
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

    [compose] = transfers.handle(Uploaded(Lid(1), MEDIA), 1.0)
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

    composed, third = transfers.handle(Uploaded(Lid(2), MEDIA), 1.0)
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

    assert transfers.handle(Cancel(Lid(1)), 1.0) == [StopTransfer(Lid(1)), SaveDropped(Lid(1), CONV)]
    assert transfers.handle(Uploaded(Lid(1), MEDIA), 1.1) == [], "what ended meanwhile is too late"


def test_cancelling_a_refused_upload_needs_no_stop() -> None:
    transfers = machine()
    uploading(transfers)
    transfers.handle(UploadStopped(Lid(1), "media_vanished", False), 1.0)

    assert transfers.handle(Cancel(Lid(1)), 1.0) == [SaveDropped(Lid(1), CONV)]


def test_after_a_restart_uploads_go_on_and_unseen_files_are_looked_at() -> None:
    stopped = attach()
    bare = Upload(Lid(4), CONV, 0, stopped.path, stopped.name, "auto", "", stopped.nonce, 1)
    known = replace(bare, lid=Lid(5), inspected=PHOTO, number=77, media=MEDIA)
    paused = replace(bare, lid=Lid(6), paused=True)
    transfers = Transfers(ALICE, (bare, known, paused))

    assert [effect.lid for effect in transfers.handle(Dial(), 0.0) if isinstance(effect, InspectFile)] == [4]
    assert transfers.handle(Dial(), 0.1) == [], "a second click on connect"
    assert transfers.handle(UP, 1.0) == [UploadFile(Lid(5), CONV, 77, PHOTO, MEDIA)]


def test_a_click_downloads_and_the_file_is_saved() -> None:
    transfers = machine()

    assert transfers.handle(fetch(8), 0.0) == [DownloadFile(Lid(8), MediaId("m8"), 1000, "cd" * 32, "sunset.jpg")]
    assert transfers.handle(fetch(8), 0.1) == [], "a second click"
    assert transfers.handle(Fetched(Lid(8), "/cache/x.jpg"), 1.0) == [SaveFetched(Lid(8), "/cache/x.jpg")]
    assert transfers.handle(Fetched(Lid(8), "/cache/x.jpg"), 1.1) == []


def test_three_downloads_at_once() -> None:
    transfers = machine()
    for lid in (1, 2, 3):
        assert len(transfers.handle(fetch(lid), 0.0)) == 1

    assert transfers.handle(fetch(4), 0.0) == []
    assert len(transfers.handle(Fetched(Lid(2), "/x"), 1.0)) == 2


def test_a_broken_download_goes_on_and_says_so_once() -> None:
    transfers = machine()
    transfers.handle(fetch(8), 0.0)

    stopped = FetchStopped(Lid(8), "transfer_interrupted", True)
    assert transfers.handle(stopped, 1.0) == [Told("transfer_interrupted", Lid(8))]
    assert transfers.next_wakeup_s() == 2.0
    assert len(transfers.handle(Tick(), 2.0)) == 1
    assert transfers.handle(stopped, 3.0) == []


def test_a_file_that_is_gone_is_said_to_be_gone() -> None:
    transfers = machine()
    transfers.handle(fetch(8), 0.0)

    assert transfers.handle(FetchStopped(Lid(8), "media_unknown", False), 1.0) == [
        SaveFetched(Lid(8), "", "media_unknown"),
        Told("media_unknown", Lid(8)),
    ]


def test_a_second_click_stops_a_download() -> None:
    transfers = machine()
    transfers.handle(fetch(8), 0.0)

    assert transfers.handle(StopFetch(Lid(8)), 1.0) == [StopTransfer(Lid(8))]
    assert transfers.next_wakeup_s() is None


# ------------------------------------------------------------------------------------- to the very edge


def test_what_is_attached_is_written_down_as_it_is() -> None:
    wish = replace(attach(caption="by the sea"), reply=Reply(Digest("d"), Uid("bob"), "show me", "text"))
    [saved, _] = machine().handle(wish, 0.0)
    assert saved == SaveUpload(
        Upload(Lid(1), CONV, 0, wish.path, wish.name, "auto", wish.caption, wish.nonce, 1234, reply=wish.reply)
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
    transfers.handle(fetch(8), 1.0)
    transfers.handle(FetchStopped(Lid(8), "transfer_interrupted", True), 1.0)
    assert transfers.next_wakeup_s() == 2.0


def test_a_file_that_was_gone_can_be_asked_for_again() -> None:
    transfers = machine()
    transfers.handle(fetch(8), 0.0)
    transfers.handle(FetchStopped(Lid(8), "media_unknown", False), 1.0)
    assert len(transfers.handle(fetch(8), 2.0)) == 1


def test_the_number_of_an_upload_is_the_same_in_every_version() -> None:
    """An upload that began before an update goes on after it (P-75)."""
    assert upload_number(bytes(16), "ab" * 32) == 3329769983101637
    assert all(upload_number(bytes([n]), "ab" * 32) < 2**52 for n in range(100))


def test_a_download_that_was_stopped_can_begin_again() -> None:
    transfers = machine()
    transfers.handle(fetch(8), 0.0)
    transfers.handle(StopFetch(Lid(8)), 1.0)
    assert len(transfers.handle(fetch(8), 2.0)) == 1


def test_what_waits_is_not_hurried_by_what_ends() -> None:
    transfers = machine()
    for lid in (1, 2):
        uploading(transfers, lid)
    transfers.handle(fetch(8), 0.0)
    transfers.handle(UploadStopped(Lid(1), "transfer_interrupted", True), 10.0)
    assert transfers.handle(Cancel(Lid(2)), 10.5) == [StopTransfer(Lid(2)), SaveDropped(Lid(2), CONV)]
    assert transfers.handle(StopFetch(Lid(8)), 10.6) == [StopTransfer(Lid(8))]
    assert len(transfers.handle(Tick(), 11.0)) == 1


def test_into_a_lost_line_nothing_is_uploaded() -> None:
    transfers = machine()
    transfers.handle(SessionDown(1), 1.0)
    transfers.handle(attach(), 2.0)
    assert len(transfers.handle(FileInspected(Lid(1), PHOTO), 3.0)) == 1
