"""One window per profile: a second start shows the first window and ends."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

ANSWER_WITHIN_MS = 500


class SingleInstance(QObject):
    """The doorbell of a profile. `rung` says that somebody started it a second time."""

    rung = Signal()

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:24]
        self._name = f"hexagram-{digest}"
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._ring)

    def claim(self) -> bool:
        """Become the one window; False if there is one already, which has then been asked to show itself."""
        knock = QLocalSocket()
        knock.connectToServer(self._name)
        if knock.waitForConnected(ANSWER_WITHIN_MS):
            knock.disconnectFromServer()
            return False
        QLocalServer.removeServer(self._name)  # a window that was killed leaves its name behind
        return self._server.listen(self._name)

    def close(self) -> None:
        """Let the next one in."""
        self._server.close()

    def _ring(self) -> None:
        while self._server.hasPendingConnections():
            caller = self._server.nextPendingConnection()
            caller.close()
            caller.deleteLater()
        self.rung.emit()
