"""Picture files as pixels, within bounds: only kinds that are known, never more memory than a screen is worth (SEC-35).

Only files that the media worker has passed come here. They are read in threads of their own, never in the window's.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from PySide6.QtCore import QObject, QRunnable, QSize, Qt, QThreadPool, Signal
from PySide6.QtGui import QImage, QImageReader

FORMATS = (b"jpeg", b"jpg", b"png", b"webp", b"gif")
"""What may be decoded in the window's process; everything else is a file with a name."""
ALLOCATION_MIB = 64
"""Qt refuses a picture that needs more, whoever asks."""
PIXELS_MAX = ALLOCATION_MIB * 1024 * 1024 // 4 * 9 // 10
"""A larger picture is read at a half, a quarter or an eighth: decoders do that without the whole in memory."""
SMALLER = (1, 2, 4, 8)
THREADS = 2

QImageReader.setAllocationLimit(ALLOCATION_MIB)


def read_picture(path: str) -> QImage | None:
    """A picture file, turned as its maker wanted, as sharp as there is room for; None if it cannot be read."""
    reader = QImageReader(path)
    reader.setAutoTransform(True)
    if not reader.canRead() or bytes(reader.format().data()) not in FORMATS:
        return None
    if (smaller := bounded(reader.size())) != reader.size():
        reader.setScaledSize(smaller)
    image = reader.read()
    return None if image.isNull() else image


def bounded(size: QSize) -> QSize:
    """The same, or a half, a quarter, an eighth of it: the first that has at most PIXELS_MAX."""
    fitting = (QSize(size.width() // each, size.height() // each) for each in SMALLER)
    return next((each for each in fitting if each.width() * each.height() <= PIXELS_MAX), size / SMALLER[-1])


class PictureReader(QObject):
    """Reads files beside the window; `came` brings a path and its QImage, None if it cannot be read."""

    came = Signal(str, object)
    _read = Signal(str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(THREADS)
        self._read.connect(self.came, Qt.ConnectionType.QueuedConnection)

    def read(self, path: str) -> None:
        """Begin."""
        self._pool.start(_Reading(path, self._read.emit))

    def wait(self) -> None:
        """Until everything that was asked for has been read."""
        self._pool.waitForDone()


class _Reading(QRunnable):
    def __init__(self, path: str, tell: Callable[[str, object], None]) -> None:
        super().__init__()
        self._path, self._tell = path, tell

    def run(self) -> None:
        """Read, and tell."""
        image = read_picture(self._path)
        with suppress(RuntimeError):  # the window was closed while we read
            self._tell(self._path, image)
