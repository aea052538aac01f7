"""The field a message is written in, with its buttons: attach, video, and one that is microphone or Send."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QMimeData, QSize, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDropEvent,
    QImage,
    QInputMethodEvent,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
    QTextCursor,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QTextEdit, QWidget

from client.ui.theme import SPACE, Themes
from client.ui.widgets.buttons import IconButton, restate
from client.ui.widgets.labels import PlainLabel
from client.ui.words import tr
from protocol.limits import TEXT_MAX_CHARS

FIELD_MIN, FIELD_MAX = 40, 224
COUNTER_FROM = TEXT_MAX_CHARS - 500
ROUND = 40


class MessageField(QTextEdit):
    """Plain text that grows. Return sends, unless an input method is at work or the person chose otherwise."""

    send_wanted = Signal()
    files_offered = Signal(list)
    image_offered = Signal(QImage)
    edit_last_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("message_field")
        self.send_on_enter = True
        self._composing = False
        self.setAcceptRichText(False)
        self.setTabChangesFocus(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(1)
        self.document().documentLayout().documentSizeChanged.connect(lambda _size: self._grow())
        self._grow()

    @property
    def composing(self) -> bool:
        """Whether an input method holds letters that are not in the text yet."""
        return self._composing

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        """Remember whether something is being composed."""
        self._composing = bool(event.preeditString())
        super().inputMethodEvent(event)

    def focusOutEvent(self, event: QEvent) -> None:  # type: ignore[override]
        """The input method gives up what it held."""
        self._composing = False
        super().focusOutEvent(event)  # type: ignore[arg-type]

    def event(self, event: QEvent) -> bool:
        """An empty field has no end to go to: Ctrl+End belongs to the messages then."""
        asked = isinstance(event, QKeyEvent) and event.type() is QEvent.Type.ShortcutOverride and self._gives_up(event)
        if asked:
            event.ignore()
            return False
        return super().event(event)

    def _gives_up(self, event: QKeyEvent) -> bool:
        return event.matches(QKeySequence.StandardKey.MoveToEndOfDocument) and not self.toPlainText()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return sends, Shift+Return begins a line; or the other way round with Control."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self._composing:
                pass  # it chooses a candidate, and is neither a line nor a wish to send
            elif self._sends(event.modifiers()):
                self.send_wanted.emit()
            else:
                self.insertPlainText("\n")
                self.ensureCursorVisible()
            event.accept()
            return
        if event.key() == Qt.Key.Key_Up and not self.toPlainText() and not self._composing:
            self.edit_last_wanted.emit()
            return
        super().keyPressEvent(event)

    def _sends(self, held: Qt.KeyboardModifier) -> bool:
        if held & Qt.KeyboardModifier.ShiftModifier:
            return False
        control = bool(held & Qt.KeyboardModifier.ControlModifier)
        return True if control else self.send_on_enter

    # --- pasting and dropping: files and pictures go to the rail, never straight out

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Text, files and pictures."""
        return source.hasText() or source.hasUrls() or source.hasImage()

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Text into the field; everything else is offered."""
        if not offer(source, self.files_offered.emit, self.image_offered.emit):
            self.insertPlainText(source.text())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files belong to the whole page."""
        if event.mimeData().hasUrls():
            event.ignore()
        else:
            super().dragEnterEvent(event)

    # --- growing

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width, other lines."""
        super().resizeEvent(event)
        self._grow()

    def _grow(self) -> None:
        chrome = 2 * 9
        wanted = round(self.document().size().height()) + chrome
        height = max(FIELD_MIN, min(FIELD_MAX, wanted))
        if height != self.height() or self.minimumHeight() != height:
            self.setFixedHeight(height)
        bar = Qt.ScrollBarPolicy.ScrollBarAsNeeded if wanted > FIELD_MAX else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setVerticalScrollBarPolicy(bar)

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(200, self.height())


def offer(source: QMimeData, files: Callable[[list[str]], None], image: Callable[[QImage], None]) -> bool:
    """Offer what is not text; False if there is only text."""
    if source.hasUrls() and (paths := [url.toLocalFile() for url in source.urls() if url.isLocalFile()]):
        files(paths)
        return True
    if source.hasImage():
        picture = source.imageData()
        if isinstance(picture, QImage) and not picture.isNull():
            image(picture)
            return True
    return False


class ComposerBar(QFrame):
    """`send_wanted` is Return or the round button; `record_pressed` is the microphone under the pressed pointer."""

    send_wanted = Signal()
    attach_wanted = Signal()
    record_pressed = Signal()
    record_wanted = Signal()
    video_wanted = Signal()
    text_changed = Signal()

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "composer")
        self._has_files = self._editing = False
        self.field = MessageField(self)
        self.attach = IconButton(themes, "attach", lambda: tr("Attach files (Ctrl+O)"), size=40, parent=self)
        self.video = IconButton(themes, "camera", lambda: tr("Record a video (Ctrl+Shift+O)"), size=40, parent=self)
        self.microphone = IconButton(
            themes, "microphone", lambda: tr("Record a voice note (Ctrl+Shift+M)"),
            size=ROUND, token="on_accent", kind="round", parent=self,
        )  # fmt: skip
        self.send = IconButton(themes, "send", _send_words, size=ROUND, token="on_accent", kind="round", parent=self)
        self._left = PlainLabel(role="meta", parent=self)
        self._arrange()
        self._listen()
        self.retranslate()
        self._choose()

    def _arrange(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE[2], SPACE[2], SPACE[2], SPACE[2])
        row.setSpacing(SPACE[1])
        row.addWidget(self.attach, 0, Qt.AlignmentFlag.AlignBottom)
        row.addWidget(self.field, 1, Qt.AlignmentFlag.AlignBottom)
        row.addWidget(self._left, 0, Qt.AlignmentFlag.AlignBottom)
        row.addWidget(self.video, 0, Qt.AlignmentFlag.AlignBottom)
        row.addSpacing(SPACE[1])
        row.addWidget(self.microphone, 0, Qt.AlignmentFlag.AlignBottom)
        row.addWidget(self.send, 0, Qt.AlignmentFlag.AlignBottom)
        for button in (self.attach, self.video, self.microphone, self.send):
            button.setCursor(Qt.CursorShape.PointingHandCursor)

    def _listen(self) -> None:
        self.field.textChanged.connect(self._changed)
        self.field.send_wanted.connect(self.send_wanted)
        self.send.clicked.connect(self.send_wanted)
        self.attach.clicked.connect(self.attach_wanted)
        self.video.clicked.connect(self.video_wanted)
        self.microphone.pressed.connect(self._pressed)
        self.setFocusProxy(self.field)

    def _pressed(self) -> None:
        """A pointer that is down may stay down: then it is push-to-talk. A key is only a start."""
        pointer = self.microphone.underMouse()
        self.microphone.setDown(False)
        (self.record_pressed if pointer else self.record_wanted).emit()

    @property
    def text(self) -> str:
        """What has been typed."""
        return self.field.toPlainText()

    def put(self, text: str) -> None:
        """Put another text into the field, the cursor at its end."""
        if text != self.text:
            self.field.setPlainText(text)
            self.field.moveCursor(QTextCursor.MoveOperation.End)

    def take_sent(self, sent: str) -> None:
        """The beginning of the text is safe now: only what was typed since stays."""
        if self.text.startswith(sent):
            self.put(self.text[len(sent) :])

    def type(self, text: str) -> None:
        """A key was pressed where nothing takes text: it goes here."""
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.insertPlainText(text)

    def editing(self, yes: bool) -> None:
        """Whether the words are those of a message that is there already: then there is only Save."""
        self._editing = yes
        if yes:
            self.send.show_icon("check", _save_words)
        else:
            self.send.show_icon("send", _send_words)
        self.attach.setVisible(not yes)
        self._choose()

    def has_files(self, yes: bool) -> None:
        """Whether files wait above, so that there is something to send without words."""
        self._has_files = yes
        self._choose()

    def _changed(self) -> None:
        self._choose()
        self.text_changed.emit()

    def _choose(self) -> None:
        text = self.text
        ready = bool(text.strip()) or self._has_files or self._editing
        self.send.setVisible(ready)
        self.microphone.setVisible(not ready)
        self.video.setVisible(not ready)
        over = len(text) - COUNTER_FROM
        self._left.setVisible(over > 0)
        self._left.setText(str(TEXT_MAX_CHARS - len(text)))
        restate(self._left, "meta" if len(text) <= TEXT_MAX_CHARS else "danger")

    def retranslate(self) -> None:
        """Say it in another language."""
        self.field.setPlaceholderText(tr("Write a message…"))
        self.field.setAccessibleName(tr("Message"))

    def changeEvent(self, event: QEvent) -> None:
        """Another language."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()


def _send_words() -> str:
    return tr("Send")


def _save_words() -> str:
    return tr("Save the change")


def drop_paths(event: QDropEvent) -> list[str]:
    """The local files that are being dropped."""
    return [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
