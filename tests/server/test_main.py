"""The server as a process: how it starts, what it refuses and how it says so, and how it ends."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect as sync_connect
from websockets.typing import Origin

from protocol.limits import GIB, MIB
from protocol.problems import BY_CODE
from server.__main__ import EXIT_CODES, _parser, _settings, main
from server.core.rules import UploadRules

ROOT = Path(__file__).resolve().parents[2]
STOP_MAX_S = 1.0  # the promise; the machine of a test may be slower than that, so tests allow more
Process = subprocess.Popen[str]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "server", *map(str, arguments)]


def once(*arguments: object, **changed: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    environment = {**os.environ, "LANG": "C", "LC_ALL": "", **changed.pop("env", {})}
    return subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        **changed,
    )


class Server:
    """A running server; `told` is its first line."""

    def __init__(self, folder: Path, *arguments: object, listen: str = "127.0.0.1:0") -> None:
        self.process: Process = subprocess.Popen(
            command("--data-dir", folder, "--listen", listen, *arguments),
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        line = pipe(self.process.stdout).readline()
        assert line, pipe(self.process.stderr).read()
        self.told = json.loads(line)
        self.url = str(self.told["url"])

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Stop it; return its exit code and its log."""
        self.process.send_signal(number)
        _, logged = self.process.communicate(timeout=10)
        return self.process.returncode, logged

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


def pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "data")
    yield running
    running.close()


def said(code: str, **facts: object) -> str:
    return BY_CODE[code](**facts).for_person() + "\n"


def test_it_tells_where_it_listens_and_ends_when_asked(server: Server) -> None:
    port = server.told["port"]
    assert server.told == {
        "event": "listening",
        "url": f"http://127.0.0.1:{port}",
        "host": "127.0.0.1",
        "port": port,
    }
    assert httpx.get(f"{server.url}/v1/health", trust_env=False).json() == {"server": "hexagram"}
    code, logged = server.end()
    assert code == 0
    assert f"listening at {server.url}" in logged
    assert "stopping" in logged


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_also_while_somebody_is_connected(server: Server, number: signal.Signals) -> None:
    with socket.create_connection(("127.0.0.1", server.told["port"])) as silent:
        silent.sendall(b"POST /v1/join HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
        began_s = time.monotonic()
        assert server.end(number)[0] == 0
        assert time.monotonic() - began_s < 5 * STOP_MAX_S


def test_it_ends_with_whoever_started_it(tmp_path: Path) -> None:
    """A pipe closes when the process at its other end dies, however it dies."""
    server = Server(tmp_path / "data", "--until-stdin-closes")
    pipe(server.process.stdin).close()
    assert server.process.wait(10) == 0
    pipe(server.process.stdout).close()
    pipe(server.process.stderr).close()


def test_without_being_told_it_outlives_its_input(server: Server) -> None:
    pipe(server.process.stdin).close()
    assert httpx.get(f"{server.url}/v1/health", trust_env=False).status_code == 200
    server.process.stdin = None
    assert server.end()[0] == 0


def test_what_it_makes_is_its_owners_alone(server: Server, tmp_path: Path) -> None:
    """SEC-46."""
    modes = {path.relative_to(tmp_path).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    folders = {"data", "data/media", "data/media/part", "data/media/whole"}
    assert {"data/hexagram.sqlite", "data/admin.json", *folders} <= set(modes)
    assert {name for name, mode in modes.items() if mode != (0o700 if name in folders else 0o600)} == set()


def test_loosened_modes_are_tightened_at_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    Server(folder).end()
    folder.chmod(0o755)
    (folder / "hexagram.sqlite").chmod(0o644)
    server = Server(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "hexagram.sqlite").stat().st_mode) == 0o600
    server.end()


def test_a_kill_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    server = Server(folder)
    invite = once("invite", "--data-dir", folder).stdout.strip()
    server.process.kill()
    server.close()

    server = Server(folder)
    joined = httpx.post(f"{server.url}/v1/join", json={"name": "alice", "invite": invite}, trust_env=False)
    assert joined.status_code == 201
    server.process.kill()
    server.close()

    server = Server(folder)
    headers = {"Authorization": f"Bearer {joined.json()['token']}"}
    assert httpx.post(f"{server.url}/v1/invites", headers=headers, trust_env=False).status_code == 201
    server.end()


def test_an_invite_from_the_running_server(server: Server, tmp_path: Path) -> None:
    asked = once("invite", "--data-dir", tmp_path / "data")
    assert (asked.returncode, asked.stderr) == (0, "")
    wish = {"name": "alice", "invite": asked.stdout.strip()}
    assert httpx.post(f"{server.url}/v1/join", json=wish, trust_env=False).status_code == 201


def test_an_invite_without_a_server_works_also_after_a_crash(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    crashed = Server(folder)
    crashed.process.kill()
    crashed.close()
    assert (folder / "admin.json").exists()
    invite = once("invite", "--data-dir", folder).stdout.strip()

    server = Server(folder)
    wish = {"name": "alice", "invite": invite}
    assert httpx.post(f"{server.url}/v1/join", json=wish, trust_env=False).status_code == 201
    server.end()
    assert not (folder / "admin.json").exists()


def test_the_doctor_looks_and_touches_nothing(server: Server, tmp_path: Path) -> None:
    seen = once("doctor", "--data-dir", tmp_path / "data")
    findings = dict(line.split(": ") for line in seen.stdout.splitlines())
    assert seen.returncode == 0
    assert (findings["integrity"], findings["people"], findings["sqlite"]) == ("ok", "0", sqlite3.sqlite_version)

    nothing = once("doctor", "--data-dir", tmp_path / "nowhere")
    assert "data: none" in nothing.stdout
    assert not (tmp_path / "nowhere").exists()


def test_the_doctor_finds_damage(tmp_path: Path) -> None:
    (tmp_path / "hexagram.sqlite").write_bytes(b"this is no database, whatever its name says" * 100)
    seen = once("doctor", "--data-dir", tmp_path)
    assert seen.returncode == EXIT_CODES["data_corrupt"]
    assert "integrity: file is not a database" in seen.stdout


@pytest.mark.parametrize("address", ["0.0.0.0:0", "192.168.1.5:8787", "[::]:0", "8.8.8.8:80"])
def test_only_this_computer_is_listened_to(tmp_path: Path, address: str) -> None:
    """Encryption comes first."""
    refused = once("--data-dir", tmp_path / "data", "--listen", address)
    assert (refused.returncode, refused.stderr) == (EXIT_CODES["address_not_loopback"], said("address_not_loopback"))
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("address", ["", "8787", "here:8787", "127.0.0.1:x", "127.0.0.1:65536", "::1:5", "127.0.0.1:"])
def test_an_address_that_is_none(tmp_path: Path, address: str) -> None:
    refused = once("--data-dir", tmp_path / "data", "--listen", address)
    assert refused.returncode == EXIT_CODES["address_invalid"]
    assert refused.stderr == said("address_invalid", address=address)


def test_a_port_in_use(server: Server, tmp_path: Path) -> None:
    port = server.told["port"]
    refused = once("--data-dir", tmp_path / "other", "--listen", f"127.0.0.1:{port}")
    assert (refused.returncode, refused.stderr) == (EXIT_CODES["port_in_use"], said("port_in_use", port=port))
    assert not (tmp_path / "other").exists()


def test_two_servers_on_one_folder(server: Server, tmp_path: Path) -> None:
    before = contents(tmp_path / "data")
    refused = once("--data-dir", tmp_path / "data", "--listen", "127.0.0.1:0")
    assert (refused.returncode, refused.stderr) == (EXIT_CODES["data_in_use"], said("data_in_use"))
    assert contents(tmp_path / "data") == before
    assert httpx.get(f"{server.url}/v1/health", trust_env=False).status_code == 200


def test_data_of_a_newer_version(tmp_path: Path) -> None:
    Server(tmp_path).end()
    with sqlite3.connect(tmp_path / "hexagram.sqlite") as db:
        db.execute("pragma user_version = 999")
    db.close()
    before = contents(tmp_path)
    refused = once("--data-dir", tmp_path, "--listen", "127.0.0.1:0")
    assert (refused.returncode, refused.stderr) == (EXIT_CODES["data_newer"], said("data_newer"))
    assert contents(tmp_path) == before
    assert once("doctor", "--data-dir", tmp_path).returncode == EXIT_CODES["data_newer"]


def test_damaged_data(tmp_path: Path) -> None:
    (tmp_path / "hexagram.sqlite").write_bytes(os.urandom(8192))
    before = contents(tmp_path)
    refused = once("--data-dir", tmp_path, "--listen", "127.0.0.1:0")
    assert (refused.returncode, refused.stderr) == (EXIT_CODES["data_corrupt"], said("data_corrupt"))
    assert contents(tmp_path).items() >= before.items()


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    Server(folder).end()
    before = contents(folder)
    refused = unprivileged(folder)
    assert (refused.returncode, refused.stderr) == (EXIT_CODES["data_read_only"], said("data_read_only"))
    assert contents(folder) == before


def unprivileged(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run while the folder cannot be written to."""
    folder.chmod(0o500)
    try:
        lowered = {"preexec_fn": _respect_modes} if os.geteuid() == 0 else {}
        return once("--data-dir", folder, "--listen", "127.0.0.1:0", **lowered)
    finally:
        folder.chmod(0o700)


def _respect_modes() -> None:
    """Root ignores modes by a power of its own (CAP_DAC_OVERRIDE); the program that is started next lacks it."""
    drop_from_bounding_set, ignore_modes = 24, 1
    assert ctypes.CDLL(None).prctl(drop_from_bounding_set, ignore_modes, 0, 0, 0) == 0


def test_a_place_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        refused = once("--data-dir", place, "--listen", "127.0.0.1:0")
        assert (refused.returncode, refused.stderr) == (EXIT_CODES["data_read_only"], said("data_read_only"))


@pytest.mark.parametrize(("arguments", "env"), [(["--language", "zh"], {}), ([], {"LANG": "zh_CN.UTF-8"})])
def test_it_speaks_chinese_where_it_is_asked_to(tmp_path: Path, arguments: list[str], env: dict[str, str]) -> None:
    refused = once("--data-dir", tmp_path, "--listen", "8.8.8.8:80", *arguments, env={**env, "PYTHONUTF8": "1"})
    table = json.loads((ROOT / "resources" / "words" / "problems.zh_CN.json").read_text(encoding="utf-8"))
    assert refused.stderr == table[BY_CODE["address_not_loopback"].said] + "\n"


def test_each_refusal_has_a_code_of_its_own() -> None:
    assert len(set(EXIT_CODES.values())) == len(EXIT_CODES)
    assert set(EXIT_CODES) <= set(BY_CODE)
    assert not {0, 1, 2} & set(EXIT_CODES.values())


def test_the_log_holds_no_name_and_no_secret(tmp_path: Path) -> None:
    """SEC-8, SEC-49."""
    folder = tmp_path / "data"
    server = Server(folder, "--verbose")
    invite = once("invite", "--data-dir", folder).stdout.strip()
    wish = {"name": "Canary Bird", "invite": invite, "request": "r" * 22}
    place = httpx.post(f"{server.url}/v1/join", json=wish, trust_env=False).json()
    secret = json.loads((folder / "admin.json").read_text())["secret"]
    httpx.get(f"{server.url}/v1/media/x", headers={"Authorization": f"Bearer {place['token']}"}, trust_env=False)
    _, logged = server.end()
    assert "joined" in logged
    told = ("Canary", invite, "r" * 22, place["token"], place["uid"], place["did"], secret)
    assert [secret for secret in told if secret in logged] == []


def contents(folder: Path) -> dict[str, bytes]:
    """What is in the files that hold data."""
    kept = (path for path in folder.rglob("*") if path.is_file() and path.suffix not in {".sqlite-shm", ".lock"})
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in kept}


def test_a_folder_moved_elsewhere_still_works(tmp_path: Path) -> None:
    Server(tmp_path / "here").end()
    shutil.move(tmp_path / "here", tmp_path / "there ü")
    server = Server(tmp_path / "there ü")
    assert server.end()[0] == 0


def test_sessions_are_told_to_call_again(server: Server, tmp_path: Path) -> None:
    """4503 (P-18), within the second that stopping may take."""
    invite = once("invite", "--data-dir", tmp_path / "data").stdout.strip()
    wish = {"name": "alice", "invite": invite}
    token = httpx.post(f"{server.url}/v1/join", json=wish, trust_env=False).json()["token"]
    with sync_connect(f"{server.url.replace('http', 'ws')}/v1/line", proxy=None) as line:
        line.send(json.dumps([{"t": "hello", "v": [1, 1], "token": token}]))
        assert json.loads(line.recv())[0]["t"] == "welcome"
        server.process.terminate()
        with pytest.raises(ConnectionClosed):
            line.recv(timeout=10)
    assert line.close_code == 4503
    assert server.process.wait(10) == 0


def test_the_line_is_closed_to_web_pages(server: Server) -> None:
    """SEC-18."""
    with pytest.raises(InvalidStatus) as refused:
        sync_connect(f"{server.url.replace('http', 'ws')}/v1/line", origin=Origin(server.url), proxy=None)
    assert refused.value.response.status_code == 403


def test_a_file_goes_up_and_down_through_the_process(server: Server, tmp_path: Path) -> None:
    """The loop of the process may lack sendfile; the bytes are the same."""
    invite = once("invite", "--data-dir", tmp_path / "data").stdout.strip()
    with httpx.Client(base_url=server.url, trust_env=False) as http:
        place = http.post("/v1/join", json={"name": "alice", "invite": invite}).json()
        http.headers["Authorization"] = f"Bearer {place['token']}"
        data = os.urandom(1_500_000)
        http.headers["Upload-Conversation"] = opened_by(server.url, place)
        promise = {
            "Upload-Length": str(len(data)),
            "Upload-Number": "1",
            "Upload-Sha256": hashlib.sha256(data).hexdigest(),
        }
        address = http.post("/v1/media", headers=promise).headers["Location"]
        bytes_follow = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        assert http.patch(address, headers=bytes_follow, content=data).status_code == 204
        assert http.get(address).content == data
        assert http.get(address, headers={"Range": "bytes=1000000-"}).content == data[1_000_000:]


def test_an_upload_goes_on_after_a_kill(tmp_path: Path) -> None:
    """S8 with a real process: what was answered is there, the rest comes again."""
    folder = tmp_path / "data"
    server = Server(folder)
    invite = once("invite", "--data-dir", folder).stdout.strip()
    place = httpx.post(f"{server.url}/v1/join", json={"name": "alice", "invite": invite}, trust_env=False).json()
    data = os.urandom(6 * MIB)
    own = {"Authorization": f"Bearer {place['token']}", "Tus-Resumable": "1.0.0"}
    promise = {
        **own,
        "Upload-Conversation": opened_by(server.url, place),
        "Upload-Length": str(len(data)),
        "Upload-Number": "1",
        "Upload-Sha256": hashlib.sha256(data).hexdigest(),
    }
    address = httpx.post(f"{server.url}/v1/media", headers=promise, trust_env=False).headers["Location"]
    kept = 0
    with socket.create_connection(("127.0.0.1", server.told["port"])) as line:
        head = (
            f"PATCH {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {own['Authorization']}\r\n"
            "Upload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\n"
            f"Content-Length: {len(data)}\r\n\r\n"
        )
        line.sendall(head.encode() + data[: 5 * MIB])
        while kept == 0:
            kept = int(httpx.head(server.url + address, headers=own, trust_env=False).headers["Upload-Offset"])
        server.process.kill()
    server.close()

    server = Server(folder)
    stands = int(httpx.head(server.url + address, headers=own, trust_env=False).headers["Upload-Offset"])
    assert kept <= stands <= 5 * MIB
    bytes_follow = {**own, "Upload-Offset": str(stands), "Content-Type": "application/offset+octet-stream"}
    rest = httpx.patch(server.url + address, headers=bytes_follow, content=data[stands:], trust_env=False)
    assert (rest.status_code, rest.headers["Upload-Offset"]) == (204, str(len(data)))
    del own["Tus-Resumable"]
    assert httpx.get(server.url + address, headers=own, trust_env=False).content == data
    server.end()


def opened_by(url: str, place: dict[str, str]) -> str:
    """A conversation of a person with nobody else, to have one."""
    with sync_connect(f"{url.replace('http', 'ws')}/v1/line", proxy=None) as line:
        line.send(json.dumps([{"t": "hello", "v": [1, 1], "token": place["token"]}]))
        line.recv()
        line.send(json.dumps([{"t": "open:R", "x": "x" * 22, "uids": [place["uid"]]}]))
        while True:
            for packet in json.loads(line.recv()):
                if packet["t"] == "open:A":
                    return str(packet["conv"])


def test_each_refusal_is_documented() -> None:
    told = (ROOT / "docs" / "SERVER.md").read_text(encoding="utf-8")
    assert [code for code in EXIT_CODES if f"`{code}`" not in told] == []
    assert [number for number in EXIT_CODES.values() if str(number) not in told] == []


@pytest.mark.parametrize("span", ["5-1", "-1-5", "soon", "5", ""])
def test_a_delay_of_marks_is_two_numbers_that_climb(tmp_path: Path, span: str) -> None:
    refused = once("--data-dir", tmp_path, f"--marks-delay-ms={span}")
    assert refused.returncode == 2
    assert "--marks-delay-ms" in refused.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        ("--messages-per-s=-1",),
        ("--questions-per-s=nan",),
        ("--keep-days=-1",),
        ("--keep-messages=few",),
        ("backup",),
        ("restore",),
        ("doctor", "folder"),
        ("folder",),
    ],
)
def test_arguments_that_make_no_sense_change_nothing(
    tmp_path: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        main([*words, "--data-dir", str(tmp_path / "data")])
    assert refused.value.code == 2
    assert "usage:" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_messages_that_shall_not_be_kept_go_while_it_runs(tmp_path: Path) -> None:
    """The first sweep is at the start."""
    folder = tmp_path / "data"
    Server(folder).close()
    with closing(sqlite3.connect(folder / "hexagram.sqlite")) as db, db:
        db.execute("insert into conv (conv, head, ts, form) values ('c', 3, 3, 'group')")
        row = "insert into log values ('c', ?, 7, ?, 'u', ?, x'', 'plain1', x'', null)"
        db.executemany(row, [(pos, pos, pos) for pos in (1, 2, 3)])
        db.executemany("insert into slot values ('c', 7, ?, ?, 0, ?, '')", [(n, bytes([n]), n) for n in (1, 2, 3)])
    running = Server(folder, "--keep-messages", "1")
    try:
        assert any("messages=2, numbers=1" in line for line in pipe(running.process.stderr))
    finally:
        running.close()
    with closing(sqlite3.connect(folder / "hexagram.sqlite")) as db:
        left = db.execute("select floor, (select count(*) from log), (select min(n) from slot) from conv").fetchone()
    assert left == (2, 1, 2)


def test_an_operator_says_how_much_of_files_is_taken(tmp_path: Path) -> None:
    said = [
        "--file-max-mib", "3", "--person-max-gib", "0", "--uploads-per-day-mib", "0", "--keep-free", "7",
    ]  # fmt: skip
    with closing(Server(tmp_path, *said)) as server:
        answer = httpx.options(f"{server.url}/v1/media", trust_env=False)
        assert answer.headers["Tus-Max-Size"] == str(3 * MIB)


@pytest.mark.parametrize("wrong", [("--file-max-mib", "0"), ("--keep-free", "-1"), ("--person-max-gib", "five")])
def test_an_amount_that_is_none_is_refused(tmp_path: Path, wrong: tuple[str, str]) -> None:
    assert once("--data-dir", tmp_path, *wrong).returncode == 2


def test_what_was_said_of_files_becomes_their_rules(tmp_path: Path) -> None:
    parsed = _parser().parse_args(["--data-dir", str(tmp_path)])
    assert _settings(parsed).uploads == UploadRules()
    words = ["--file-max-mib", "1", "--person-max-gib", "2", "--uploads-per-day-mib", "3", "--keep-free", "4"]
    rules = _settings(_parser().parse_args(["--data-dir", str(tmp_path), *words])).uploads
    assert (rules.file_max_bytes, rules.person_max_bytes, rules.day_bytes) == (MIB, 2 * GIB, 3 * MIB)
    assert rules.keep_free_bytes == 4 * MIB
    free = _settings(_parser().parse_args(["--data-dir", str(tmp_path), "--uploads-per-day-mib", "0"])).uploads
    assert (free.day_bytes, free.per_s) == (0, 0.0)
