"""The verbs, and the files that lie."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from client.worker import sniff
from protocol.problems import BY_CODE
from tests.client.worker import media
from tests.client.worker.talk import WorkerProcess


@pytest.mark.parametrize("name", ["notes.pdf", "既济.txt"])
def test_a_plain_file_costs_no_decoder(tmp_path: Path, name: str) -> None:
    path = media.SAMPLES / name
    with WorkerProcess(tmp_path) as process:
        said = process.inspect(path)
        assert process.memory_mb() < 60, "cv2 alone needs more"
    data = path.read_bytes()
    assert said == {
        "kind": "file",
        "type": {"notes.pdf": "application/pdf"}.get(name, "text/plain"),
        "name": name,
        "size_bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "width": 0,
        "height": 0,
        "duration_ms": 0,
        "preview": "",
        "preview_type": "",
        "waveform": "",
        "why": "",
        "large": False,
        "file": str(path),
        "stripped": False,
    }


def test_what_is_wished_as_a_file_is_one_but_its_place_still_goes(worker: WorkerProcess) -> None:
    said = worker.inspect(media.SAMPLES / "photo.jpg", "file")
    assert (said["kind"], said["type"], said["preview"]) == ("file", "image/jpeg", "")
    assert b"Sample Phone" not in Path(said["file"]).read_bytes()


@pytest.mark.parametrize("wish", ["auto", "voice", "picture", "video"])
def test_a_wish_that_cannot_be_honoured_is_not(worker: WorkerProcess, tmp_path: Path, wish: str) -> None:
    assert worker.inspect(media.wav(tmp_path / "x.wav"), wish)["kind"] == "voice"


def test_hostile_files_become_plain_files_in_bounded_time_and_memory(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path / "out") as process:
        for what, path in media.hostile(tmp_path).items():
            for wish in ("auto", "picture", "video", "voice"):
                began_s = time.monotonic()
                said = process.inspect(path, wish)
                assert (said["kind"], said["preview"], said["waveform"]) == ("file", "", ""), (what, wish)
                assert said["sha256"] == hashlib.sha256(Path(said["file"]).read_bytes()).hexdigest(), what
                assert time.monotonic() - began_s < 10, what
        assert process.memory_mb() < 400
        assert process.process.poll() is None


def test_a_jpeg_named_as_a_film_is_a_picture(worker: WorkerProcess, tmp_path: Path) -> None:
    path = media.quarters(tmp_path / "x.jpg", 64, 64).rename(tmp_path / "x.mp4")
    assert worker.inspect(path, "video")["kind"] == "picture"


def test_measuring_touches_no_decoder(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path) as process:
        said = process.ask("measure", media.SAMPLES / "photo.jpg")["ok"]
        assert process.memory_mb() < 60
    assert (said["kind"], said["type"], said["preview"]) == ("file", "application/octet-stream", "")
    assert said["sha256"] == hashlib.sha256(Path(said["file"]).read_bytes()).hexdigest()
    assert b"Sample Phone" not in Path(said["file"]).read_bytes()


def test_cleaning_only_takes_the_place_out(worker: WorkerProcess) -> None:
    said = worker.ask("clean", media.SAMPLES / "photo.jpg")["ok"]
    assert said["stripped"] is True
    assert b"Sample Phone" not in Path(said["file"]).read_bytes()
    silent = media.SAMPLES / "notes.pdf"
    assert worker.ask("clean", silent)["ok"] == {"file": str(silent), "stripped": False}


def test_refusals_have_a_code_and_the_name_alone(worker: WorkerProcess, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    gone = worker.ask("inspect", tmp_path / "gone.jpg")
    assert gone == {"problem": "media_vanished", "facts": {"name": "gone.jpg"}}
    assert worker.ask("inspect", tmp_path)["problem"] == "media_is_folder"
    assert worker.ask("inspect", tmp_path / "empty")["problem"] == "media_empty"
    large = worker.ask("inspect", media.SAMPLES / "photo.jpg", limit_bytes=1000)
    assert large["problem"] == "media_too_large"


def test_a_request_that_is_none_is_told_and_forgotten(worker: WorkerProcess) -> None:
    for line in (b"", b"no json", b"[]", b"{}", b'{"id": 3, "do": "dance"}', b'{"id": 3, "do": "inspect"}'):
        worker.say(line)
        assert worker.hear()["problem"] == "bad_request", line
    wrong_kind = {"id": 3, "do": "inspect", "path": "x", "out_dir": "y", "kind": "tune"}
    worker.say(json.dumps(wrong_kind).encode())
    assert worker.hear()["problem"] == "bad_request"
    assert worker.inspect(media.SAMPLES / "notes.pdf")["kind"] == "file"


# --- what arrived


def looked(worker: WorkerProcess, path: Path, claimed: str) -> dict[str, Any]:
    said = worker.ask("look", path, claimed)
    assert "ok" in said, said
    ok: dict[str, Any] = said["ok"]
    return ok


@pytest.mark.parametrize(("name", "kind"), [("photo.jpg", "picture"), ("video.mp4", "video"), ("voice.ogg", "voice")])
def test_what_arrived_and_is_as_said_is_shown(worker: WorkerProcess, name: str, kind: str) -> None:
    said = looked(worker, media.SAMPLES / name, kind)
    assert (said["kind"], said["why"]) == (kind, "")
    assert said["preview"] or said["waveform"]
    assert not {"file", "sha256", "name"} & set(said)


def test_what_arrived_as_a_file_is_one_without_a_reason(worker: WorkerProcess) -> None:
    said = looked(worker, media.SAMPLES / "photo.jpg", "file")
    assert (said["kind"], said["type"], said["preview"], said["why"]) == ("file", "image/jpeg", "", "")


def test_what_arrived_and_is_another_kind_is_a_file_and_says_why(worker: WorkerProcess, tmp_path: Path) -> None:
    silent = media.film(tmp_path / "silent.mp4")
    claims = [
        (media.SAMPLES / "photo.jpg", "video"), (media.SAMPLES / "voice.ogg", "picture"),
        (media.SAMPLES / "voice.ogg", "video"), (media.SAMPLES / "notes.pdf", "picture"), (silent, "voice"),
    ]  # fmt: skip
    for path, claimed in claims:
        said = looked(worker, path, claimed)
        assert (said["kind"], said["type"], said["why"]) == ("file", sniff.UNKNOWN.type, "media_not_as_said"), path


def test_every_lie_that_arrives_has_a_reason(worker: WorkerProcess, tmp_path: Path) -> None:
    reasons = {
        "a playlist named as a film": "media_unsafe",
        "a concat list named as a sound": "media_unsafe",
        "a header of a huge gif": "media_too_big_to_show",
        "a png of 20000 x 20000": "media_too_big_to_show",
        "a film without its index": "media_not_shown",
        "a text named as a picture": "media_not_as_said",
    }
    for what, path in media.hostile(tmp_path).items():
        codes = set()
        for claimed in ("picture", "video", "voice"):
            said = looked(worker, path, claimed)
            assert (said["kind"], said["preview"], said["waveform"]) == ("file", "", ""), (what, claimed)
            codes.add(said["why"])
        assert codes <= set(BY_CODE), what
        assert what not in reasons or reasons[what] in codes, what


def test_what_is_an_archive_or_a_document_as_well_is_not_shown(worker: WorkerProcess, tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("run.exe", b"MZ" * 40)
        zipped.comment = b"a remark"
    for name in ("x.jpg", "x.png", "x.gif"):
        path = media.quarters(tmp_path / name, 64, 64)
        assert looked(worker, path, "picture")["why"] == ""
        path.write_bytes(path.read_bytes() + archive.getvalue())
        assert looked(worker, path, "picture")["why"] == "media_unsafe", name
    film = media.film(tmp_path / "x.mp4")
    data = film.read_bytes()
    free = struct.pack(">I4s", 24, b"free") + b"%PDF-1.7\n%%EOF  "
    film.write_bytes(data[:32] + free + data[32:])
    assert looked(worker, film, "video")["why"] == "media_unsafe"


def test_a_film_whose_data_is_elsewhere_is_not_shown(worker: WorkerProcess, tmp_path: Path) -> None:
    film = media.film(tmp_path / "x.mp4")
    data = film.read_bytes()
    here = struct.pack(">I4sI", 12, b"url ", 1)
    assert here in data
    film.write_bytes(data.replace(here, struct.pack(">I4sI", 12, b"url ", 0)))
    assert looked(worker, film, "video")["why"] == "media_unsafe"


def test_a_wish_that_is_not_honoured_says_why(worker: WorkerProcess, tmp_path: Path) -> None:
    assert worker.inspect(media.SAMPLES / "notes.pdf", "picture")["why"] == "media_not_as_said"
    assert worker.inspect(media.SAMPLES / "notes.pdf")["why"] == ""
    assert worker.inspect(media.png_bomb(tmp_path / "x.png", 20_000))["why"] == "media_too_big_to_show"
