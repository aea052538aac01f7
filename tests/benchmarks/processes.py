"""The server and the relay as processes, people with accounts, and the load generator on them."""

from __future__ import annotations

import http.client
import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tests.benchmarks.load import Job, Person

ROOT = Path(__file__).resolve().parents[2]
# The delay is there for privacy and the rate against floods; they would be all that is measured.
NO_DELAY = ("--marks-delay-ms", "0-0", "--messages-per-s", "0", "--questions-per-s", "0")
STOP_S = 20.0


class Service(NamedTuple):
    """A process that listens; `people` can log in there, neighbours talk to each other."""

    name: str
    host: str
    port: int
    pid: int
    people: list[Person]


@contextmanager
def server(people: int, *options: str, under: Sequence[str] = ()) -> Iterator[Service]:
    """The server on fresh data, with everybody joined through its own doors. `under`: a tracer's words."""
    with tempfile.TemporaryDirectory(prefix="hexagram-bench-") as folder:
        words = (*under, sys.executable, "-m", "server", "--data-dir", folder, "--listen", "127.0.0.1:0")
        with _listening(*words, "--until-stdin-closes", *options) as (pid, told):
            joined = _joined(told["host"], told["port"], Path(folder), people)
            yield Service("server", told["host"], told["port"], pid, joined)


@contextmanager
def relay(people: int) -> Iterator[Service]:
    """The reference. It knows no accounts."""
    with tempfile.TemporaryDirectory(prefix="hexagram-bench-") as folder:
        words = (sys.executable, "-m", "tests.benchmarks.relay", str(Path(folder) / "messages"))
        with _listening(*words) as (pid, told):
            known = [Person(f"u{number}", f"u{number}") for number in range(people)]
            yield Service("relay", told["host"], told["port"], pid, known)


def load(service: Service, **job: Any) -> dict[str, Any]:
    """Run the generator against a service and return what it found. Raises RuntimeError if it failed."""
    asked = Job(host=service.host, port=service.port, server_pid=service.pid, people=service.people, **job)
    words = (sys.executable, "-m", "tests.benchmarks.load")
    ended = subprocess.run(words, cwd=ROOT, input=msgspec.json.encode(asked), stdout=subprocess.PIPE, check=False)
    if ended.returncode:
        raise RuntimeError(f"the load generator failed against the {service.name}")
    result: dict[str, Any] = json.loads(ended.stdout)
    return result


@contextmanager
def _listening(*words: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Start it; yield its pid and its first line; end it by closing its standard input."""
    with subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"{words} ended before it listened")
            yield process.pid, json.loads(line)
        finally:
            process.stdin.close()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _joined(host: str, port: int, folder: Path, count: int) -> list[Person]:
    """Give every person an invite and a device, through the doors that everybody uses."""
    secret = json.loads((folder / "admin.json").read_text())["secret"]
    line = http.client.HTTPConnection(host, port)
    people = []
    for number in range(count):
        invite = _posted(line, "/admin/invites", {}, {"Authorization": f"Bearer {secret}"})["invite"]
        wish = {"name": f"Person {number}", "invite": invite, "request": secrets.token_urlsafe(16)}
        joined = _posted(line, "/v1/join", wish, {})
        people.append(Person(joined["uid"], joined["token"]))
    line.close()
    return people


def _posted(line: http.client.HTTPConnection, path: str, body: object, headers: dict[str, str]) -> dict[str, Any]:
    line.request("POST", path, json.dumps(body), {"Content-Type": "application/json", **headers})
    answer = line.getresponse()
    text = answer.read()
    if answer.status != 201:
        raise RuntimeError(f"{path} answered {answer.status} {text!r}")
    told: dict[str, Any] = json.loads(text)
    return told
