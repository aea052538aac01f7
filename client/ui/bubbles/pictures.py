"""Pictures for the painters: previews decoded at once, files scaled in a thread, both kept by size in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, QRunnable, QSize, Qt, QThreadPool, Signal
from PySide6.QtGui import QImage, QImageIOHandler, QImageReader, QPixmap

from protocol.limits import PREVIEW_MAX_BYTES

KEPT_BYTES = 64 * 1024 * 1024
FORMATS = (b"jpeg", b"jpg", b"png", b"webp", b"gif")
"""What may be decoded here; everything else is a file with a name."""
PREVIEW_SIDE_MAX = 640
"""A preview is 320 px; a larger one is not what it says."""
SIDE_MAX = 8000
"""A picture larger than this on one side is never decoded for the list."""
THREADS = 2


class Pictures(QObject):
    """A memory of pictures. What is not there yet is None; `arrived` tells when a file's picture is."""

    arrived = Signal(str)
    _read = Signal(object, object)

    def __init__(self, parent: QObject | None = None, kept_bytes: int = KEPT_BYTES) -> None:
        super().__init__(parent)
        self._kept: OrderedDict[object, QPixmap | None] = OrderedDict()
        self._bytes, self._kept_bytes = 0, kept_bytes
        self._asked: set[object] = set()
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(THREADS)
        self._read.connect(self._came, Qt.ConnectionType.QueuedConnection)

    def preview(self, data: bytes) -> QPixmap | None:
        """The picture inside a message; None if there is none that can be read."""
        if not data:
            return None
        key = ("preview", data)
        if key not in self._kept:
            image = _read_bytes(data)
            self._keep(key, None if image is None else QPixmap.fromImage(image))
        return self._use(key)

    def file(self, path: str, size: QSize) -> QPixmap | None:
        """A picture file scaled to cover `size` (device pixels); None until it has been read, or if it cannot be."""
        key = (path, size.width(), size.height())
        if key in self._kept:
            return self._use(key)
        if key not in self._asked:
            self._asked.add(key)
            self._pool.start(_Reading(key, self._read.emit))
        return None

    def forget(self) -> None:
        """Give the memory back: the window is hidden."""
        self._kept.clear()
        self._bytes = 0

    def wait(self) -> None:
        """Until every file that was asked for has been read."""
        self._pool.waitForDone()

    @property
    def kept_bytes(self) -> int:
        """How much memory the pictures take."""
        return self._bytes

    def _came(self, key: tuple[str, int, int], image: QImage | None) -> None:
        self._asked.discard(key)
        self._keep(key, None if image is None else QPixmap.fromImage(image))
        self.arrived.emit(key[0])

    def _use(self, key: object) -> QPixmap | None:
        self._kept.move_to_end(key)
        return self._kept[key]

    def _keep(self, key: object, picture: QPixmap | None) -> None:
        self._kept[key] = picture
        self._bytes += _bytes_of(picture)
        while self._bytes > self._kept_bytes and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= _bytes_of(dropped)


def _bytes_of(picture: QPixmap | None) -> int:
    return 0 if picture is None else picture.width() * picture.height() * 4


class _Reading(QRunnable):
    """Reads one file in the pool."""

    def __init__(self, key: tuple[str, int, int], tell: Callable[[object, object], None]) -> None:
        super().__init__()
        self._key, self._tell = key, tell

    def run(self) -> None:
        """Read, and tell; a file that cannot be read is told as None."""
        path, width, height = self._key
        image = _read_file(path, QSize(width, height))
        with suppress(RuntimeError):  # the list was closed while we read
            self._tell(self._key, image)


def _read_file(path: str, size: QSize) -> QImage | None:
    reader = QImageReader(path)
    reader.setAutoTransform(True)
    if not _allowed(reader, SIDE_MAX):
        return None
    whole = reader.size()
    turned = reader.transformation() & QImageIOHandler.Transformation.TransformationRotate90
    wanted = size.transposed() if turned else size
    if whole.width() > wanted.width() and whole.height() > wanted.height():
        reader.setScaledSize(whole.scaled(wanted, Qt.AspectRatioMode.KeepAspectRatioByExpanding))
    image = reader.read()
    return None if image.isNull() else image


def _read_bytes(data: bytes) -> QImage | None:
    """A stranger wrote these: two formats by their first bytes, and Qt guesses nothing (SEC-34)."""
    format_ = _preview_format(data)
    if format_ is None or len(data) > PREVIEW_MAX_BYTES:
        return None
    buffer = QBuffer()
    buffer.setData(QByteArray(data))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer, QByteArray(format_))
    reader.setAutoDetectImageFormat(False)
    if not _allowed(reader, PREVIEW_SIDE_MAX):
        return None
    image = reader.read()
    return None if image.isNull() else image


def _preview_format(data: bytes) -> bytes | None:
    if data.startswith(b"\xff\xd8\xff"):
        return b"jpeg"
    return b"webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def _allowed(reader: QImageReader, side_max: int) -> bool:
    """Whether the file is of a known kind and says a sane size before anything of it is decoded."""
    if not reader.canRead() or bytes(reader.format().data()) not in FORMATS:
        return False
    whole = reader.size()
    return whole.isValid() and max(whole.width(), whole.height()) <= side_max
