"""A simulated world whose disks are recorded: the real runners, machines, stores and savers of both sides write.

The people, the weather and the oracle are those of `tests/simulation`; here their databases are files, and each
packet that leaves is noted in the recording of the disk that has to stand for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from client.adapters.sqlite_schema import FILE_NAME
from client.core.model import Seen
from server.stores import writer
from tests.disks.face import Face, instead_of
from tests.disks.power import lay_out
from tests.disks.recording import Recording
from tests.simulation import clients, schedule, servers
from tests.simulation.clients import BLANK, Client, Disk
from tests.simulation.network import Network
from tests.simulation.oracle import Oracle
from tests.simulation.servers import ServerDisk
from tests.simulation.weather import Plan, Weather
from tests.simulation.world import World

SERVER_NAME = "data.sqlite"
FAIR = Weather(loss=0.02, twice=0.02, slow=0.05, slow_max_s=2.0, cut_rate=0.01, disk_max_s=0.01, store_failure=0.01)
TRACE = "insert into trace (lid, packet, way, tries, at_ms, note) values (?, ?, ?, ?, ?, ?)"


@dataclass
class Shelf:
    """Where the recordings of one world lie, and how its databases are opened."""

    folder: Path
    sync: str
    checkpoint_pages: int
    recordings: list[Recording] = field(default_factory=list)
    """The server's first."""
    _faces: list[Face] = field(default_factory=list)

    def recording(self, name: str, base: dict[str, bytes] | None = None) -> Recording:
        """A new disk."""
        folder = self.folder / f"{len(self.recordings)}"
        folder.mkdir(parents=True)
        lay_out(base or {}, folder / name)
        recording = Recording(folder / name, dict(base or {}))
        self.recordings.append(recording)
        return recording

    def connect(self, recording: Recording, *_: Path) -> Any:
        """A connection that is written down."""
        face = Face(recording.path, recording, sync=self.sync, checkpoint_pages=self.checkpoint_pages)
        self._faces.append(face)
        return face

    def close(self) -> None:
        """Close all databases; that is written down as well."""
        for face in self._faces:
            face.close()


class RecordedDisk(Disk):
    """A client's disk on a file."""

    def __init__(self, shelf: Shelf, data: bytes) -> None:
        self.recording = shelf.recording(FILE_NAME, None if data is BLANK else {"": data})
        with patch.object(clients, "in_memory", partial(shelf.connect, self.recording)):
            super().__init__(data)

    def trace(self, seen: Seen) -> None:  # type: ignore[override]
        """The same as `note`, at once: a transaction whose loss would be forgiven."""
        row = (seen.lid, seen.packet, seen.way, seen.tries, seen.at_ms, seen.note)
        self._transact(lambda db: db.execute(TRACE, row), durable=False)


class RecordedServerDisk(ServerDisk):
    """The server's disk on a file, opened by its own `connect`."""

    def __init__(self, shelf: Shelf, network: Network) -> None:
        self.recording = shelf.recording(SERVER_NAME)
        with patch.object(servers, "memory", partial(self._open, shelf)):
            super().__init__(network)

    def _open(self, shelf: Shelf) -> Any:
        with instead_of(writer, partial(shelf.connect, self.recording)):
            return writer.connect(self.recording.path)


class RecordingOracle(Oracle):
    """Notes what leaves a computer: from then on its disk has to know it."""

    def __init__(self, shelf: Shelf, world: World, *more: Any) -> None:
        super().__init__(world, *more)
        self._of_the_server = shelf.recordings[0]

    def client_says(self, *told: Any) -> None:
        super().client_says(*told)
        client: Client = told[0]
        packets: Sequence[Any] = told[-1]
        disk = cast(RecordedDisk, client.disk)
        for packet in packets:
            kind = type(packet).__name__
            if kind in ("MsgR", "VoidR") and not getattr(packet, "probe", False):
                disk.recording.said(("bubble", packet.conv, packet.dg))
                if packet.n % 4 == 0:
                    disk.trace(Seen(client.next_lid, "msg:R", ">", 1, self._world.now_ms(), ""))  # type: ignore[arg-type]
            elif kind in ("AckR", "OfflineAckR"):
                disk.recording.said(("cursor", packet.conv, packet.upto))

    def server_says(self, *told: Any) -> None:
        super().server_says(*told)
        client: Client = told[0]
        packets: Sequence[Any] = told[-1]
        did = int(self._seen[client.disk].did)
        for packet in packets:
            if (fact := _promise(packet, did)) is not None:
                self._of_the_server.said(fact)


def _promise(packet: Any, did: int) -> tuple[Any, ...] | None:
    """What the server's disk has to stand for once this packet is out."""
    match type(packet).__name__:
        case "MsgA" if not packet.gone:
            return ("slot", packet.conv, did, packet.dg, 0, packet.pos)
        case "VoidA":
            return ("slot", packet.conv, did, packet.dg, 1, None)
        case "Nack" if packet.final:
            return ("slot", packet.conv, did, packet.dg, 2, None)
        case "AckA":
            return ("acked", packet.conv, did, packet.upto)
        case "Welcome":
            return ("session", did, packet.sn)
        case "MsgN":
            return ("log", packet.conv, packet.to)
    return None


def play(seed: int, folder: Path, *, sync: str = "full", checkpoint_pages: int = 20, weather_s: float = 20.0) -> Shelf:
    """Tell the story of this seed; return what its disks went through.

    A promise broken in the story itself ends it, and is for tests/simulation to find: here the disks are looked at.
    """
    shelf = Shelf(folder, sync, checkpoint_pages)
    with (
        patch.object(schedule, "Disk", partial(RecordedDisk, shelf)),
        patch.object(schedule, "ServerDisk", partial(RecordedServerDisk, shelf)),
        patch.object(schedule, "Oracle", partial(RecordingOracle, shelf)),
        suppress(schedule.Failed),
    ):
        schedule.play(seed, weather=FAIR, plan=Plan(weather_s=weather_s, rate=0.5, trim_rate=0.02))
    shelf.close()
    return shelf
