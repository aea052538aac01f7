"""Files come down on a click and not before, and then until they are here (P-76, P-79)."""

from __future__ import annotations

from client.core.effects import (
    DownloadFile,
    DropCopy,
    SaveFetch,
    SaveFetched,
    SaveFetchGone,
    SavePath,
    StopTransfer,
    Told,
)
from client.core.events import (
    Dial,
    Drop,
    Fetch,
    Fetched,
    FetchStopped,
    Kept,
    Missing,
    Pause,
    SessionDown,
    SessionUp,
    StopFetch,
    Tick,
)
from client.core.fetches import Fetches
from client.core.model import Wanted
from protocol.packets import Welcome
from protocol.values import ConvId, Did, Lid, MediaId, Uid, replace

UP = SessionUp(1, Welcome(v=1, sn=1, gen="1-a", ts=1, uid=Uid("alice"), did=Did("7"), name="Alice"))


def fetch(lid: int) -> Fetch:
    return Fetch(Lid(lid), MediaId(f"m{lid}"), 1000, "cd" * 32, "sunset.jpg", "picture")


def wanted(lid: int, *, held: bool = False) -> Wanted:
    return Wanted(Lid(lid), MediaId(f"m{lid}"), 1000, "cd" * 32, "sunset.jpg", "picture", held)


def download(lid: int) -> DownloadFile:
    return DownloadFile(Lid(lid), MediaId(f"m{lid}"), 1000, "cd" * 32, "sunset.jpg", "picture")


def machine() -> Fetches:
    made = Fetches(())
    made.handle(UP, 0.0)
    return made


def test_a_click_downloads_and_the_file_is_saved() -> None:
    fetches = machine()
    assert fetches.handle(fetch(8), 0.0) == [SaveFetch(wanted(8)), download(8)]
    assert fetches.handle(fetch(8), 0.1) == [], "a second click"
    here = Fetched(Lid(8), "/cache/x.jpg", "media_not_as_said", 77)
    assert fetches.handle(here, 1.0) == [SaveFetched(Lid(8), "/cache/x.jpg", "", "media_not_as_said", 77)]
    assert fetches.handle(here, 1.1) == []


def test_three_downloads_at_once() -> None:
    fetches = machine()
    for lid in (1, 2, 3):
        assert len(fetches.handle(fetch(lid), 0.0)) == 2
    assert fetches.handle(fetch(4), 0.0) == [SaveFetch(wanted(4))]
    assert fetches.handle(Fetched(Lid(2), "/x"), 1.0) == [SaveFetched(Lid(2), "/x"), download(4)]


def test_without_a_session_a_click_is_remembered() -> None:
    fetches = Fetches(())
    assert fetches.handle(fetch(8), 0.0) == [SaveFetch(wanted(8))]
    assert fetches.next_wakeup_s() is None
    assert fetches.handle(UP, 5.0) == [download(8)]


def test_after_a_restart_what_was_wanted_comes_and_what_was_held_waits() -> None:
    fetches = Fetches((wanted(1), wanted(2, held=True)))
    assert fetches.handle(Dial(), 0.0) == []
    assert fetches.handle(UP, 1.0) == [download(1)]
    assert fetches.handle(fetch(2), 2.0) == [SaveFetch(wanted(2)), download(2)]


def test_a_broken_download_goes_on_and_says_so_once() -> None:
    fetches = machine()
    fetches.handle(fetch(8), 0.0)
    stopped = FetchStopped(Lid(8), "transfer_interrupted", True)
    assert fetches.handle(stopped, 1.0) == [Told("transfer_interrupted", Lid(8))]
    assert fetches.next_wakeup_s() == 2.0
    assert fetches.handle(Tick(), 2.0) == [download(8)]
    assert fetches.handle(stopped, 3.0) == []
    fetches.handle(SessionDown(1), 4.0)
    assert fetches.handle(Tick(), 99.0) == []


def test_who_is_asked_to_wait_waits() -> None:
    fetches = machine()
    fetches.handle(fetch(8), 0.0)
    fetches.handle(FetchStopped(Lid(8), "rate", True, 30.0), 1.0)
    assert fetches.next_wakeup_s() == 31.0


def test_a_file_that_is_gone_is_said_to_be_gone_and_can_be_asked_for_again() -> None:
    fetches = machine()
    fetches.handle(fetch(8), 0.0)
    assert fetches.handle(FetchStopped(Lid(8), "media_unknown", False), 1.0) == [
        SaveFetched(Lid(8), "", "media_unknown"),
        Told("media_unknown", Lid(8)),
    ]
    assert len(fetches.handle(fetch(8), 2.0)) == 2


def test_a_download_that_is_not_wanted_any_more_can_begin_again() -> None:
    fetches = machine()
    fetches.handle(fetch(8), 0.0)
    assert fetches.handle(StopFetch(Lid(8)), 1.0) == [SaveFetchGone(Lid(8)), StopTransfer(Lid(8))]
    assert fetches.next_wakeup_s() is None
    assert len(fetches.handle(fetch(8), 2.0)) == 2


def test_with_its_bubble_a_download_is_gone() -> None:
    fetches = machine()
    fetches.handle(fetch(8), 0.0)
    fetches.handle(FetchStopped(Lid(8), "transfer_interrupted", True), 1.0)
    assert fetches.handle(Drop(Lid(8), ConvId("c")), 1.5) == [SaveFetchGone(Lid(8))]
    assert fetches.handle(Drop(Lid(8), ConvId("c")), 1.6) == []


def test_a_download_is_held_and_goes_on() -> None:
    fetches = machine()
    for lid in (1, 2, 3, 4):
        fetches.handle(fetch(lid), 0.0)
    assert fetches.handle(Pause(Lid(1), 400), 1.0) == [
        SaveFetch(wanted(1, held=True)),
        StopTransfer(Lid(1)),
        download(4),
    ]
    assert fetches.handle(Pause(Lid(1), 400), 1.1) == [], "a second click"
    assert fetches.handle(UP, 2.0) == [], "not even a new session makes it go on"
    fetches.handle(Fetched(Lid(2), "/x"), 3.0)
    assert fetches.handle(fetch(1), 4.0) == [SaveFetch(wanted(1)), download(1)]


def test_what_is_not_wanted_is_neither_held_nor_stopped() -> None:
    fetches = machine()
    for event in (Pause(Lid(9)), StopFetch(Lid(9)), FetchStopped(Lid(9), "x", False)):
        assert fetches.handle(event, 0.0) == []
    assert replace(wanted(1), held=True) == wanted(1, held=True)


def test_a_recording_that_was_sent_lies_elsewhere_now() -> None:
    kept = Kept(Lid(1), "/media/ab/ab.ogg", "/recordings/v.m4a")
    assert machine().handle(kept, 0.0) == [SavePath(Lid(1), "/media/ab/ab.ogg"), DropCopy("/recordings/v.m4a")]


def test_a_file_that_was_changed_is_not_here_any_more() -> None:
    assert machine().handle(Missing(Lid(1)), 0.0) == [SavePath(Lid(1), "")]
