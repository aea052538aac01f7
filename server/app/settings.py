"""What the server is told at its start: where to listen, and where to keep things."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

from protocol.limits import MARKS_DELAY_MAX_S, MARKS_DELAY_MIN_S, MESSAGES_PER_S, QUESTIONS_PER_S
from protocol.problems import AddressInvalid, AddressNotLoopback
from protocol.values import Value
from server.core.rules import UploadRules

LISTEN_DEFAULT = "127.0.0.1:8787"
STORE_FILE, MEDIA_FOLDER, ADMIN_FILE = "hexagram.sqlite", "media", "admin.json"
PORT_MAX = 65_535


class Address(Value, frozen=True):
    """A place to listen at; port 0 is any free one."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """How a client on this computer reaches it."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


class Settings(Value, frozen=True):
    """Each part is chosen by the scheme of its URL; `bootstrap` knows which there are."""

    data_dir: Path
    listen: Address
    store_url: str
    blobs_url: str
    route_url: str = "local:"
    marks_delay_s: tuple[float, float] = (MARKS_DELAY_MIN_S, MARKS_DELAY_MAX_S)  # a random time between the two (P-52)
    messages_per_s: float = MESSAGES_PER_S  # of one device, for ever; 0: as many as come (P-26)
    questions_per_s: float = QUESTIONS_PER_S
    keep_days: int = 0  # messages, at most so long; 0: for ever (P-83)
    keep_messages: int = 0  # of one conversation, at most so many; 0: all
    uploads: UploadRules = UploadRules()  # how much of files is taken (SEC-24, SEC-25)

    @property
    def admin_file(self) -> Path:
        """Where the way in for commands on this computer is written down."""
        return self.data_dir / ADMIN_FILE


def settings_for(data_dir: Path, listen: str = LISTEN_DEFAULT) -> Settings:
    """A server that keeps everything in one folder. Raises: AddressInvalid, AddressNotLoopback."""
    folder = data_dir.absolute()
    return Settings(
        folder,
        address(listen),
        f"sqlite:{(folder / STORE_FILE).as_posix()}",
        (folder / MEDIA_FOLDER).as_uri(),
    )


def address(text: str) -> Address:
    """Read HOST:PORT. Without encryption only this computer may be listened to (SEC-11).

    Raises: AddressInvalid, AddressNotLoopback.
    """
    host, _, port = text.strip().rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not (port.isascii() and port.isdigit()) or int(port) > PORT_MAX or (":" in bare and bare == host):
        raise AddressInvalid(address=text)
    try:
        number = ip_address("127.0.0.1" if bare == "localhost" else bare)
    except ValueError as error:
        raise AddressInvalid(address=text) from error
    if not number.is_loopback:
        raise AddressNotLoopback(address=text)
    return Address(str(number), int(port))
