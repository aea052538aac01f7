"""Invented people and what they say: long names, four scripts, emoji of every make, and all that can go wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter, QPainterPath

from client.core.model import Bubble, ChatEntry, Member, State
from protocol.content import Attachment, Body, File, Joined, Notice, Opened, Picture, Text, Video, Voice, pack_bins
from protocol.packets import Gap
from protocol.values import ConvId, Lid, MediaId, Uid, replace
from tests.stages.stage import DAY_MS, MINUTE_MS, NOW_MS

ME = Member(Uid("me"), "Nora Lindqvist")
ANNA = Member(Uid("anna"), "Anna Li")
BEN = Member(Uid("ben"), "Ben Okafor")
MEI = Member(Uid("mei"), "陈美玲")
YUSUF = Member(Uid("yusuf"), "يوسف الخطيب")
LONG = Member(Uid("long"), "Maximiliana Konstantinopoulou-Featherstonehaugh von Hohenstein 🌻")
ZOE = Member(Uid("zoe"), "Zoë 👩🏽‍🚀")
CONV = ConvId("conv")


class Diary:
    """Writes bubbles one after the other, with rising numbers and times."""

    def __init__(self, start_ms: int = NOW_MS - 40 * MINUTE_MS) -> None:
        self._lid, self._pos, self.time_ms = 0, 0, start_ms
        self.bubbles: list[Bubble] = []

    def later(self, minutes: float) -> Diary:
        """Let time pass."""
        self.time_ms += int(minutes * MINUTE_MS)
        return self

    def hear(self, who: Member, body: Body | Notice | None, **more: object) -> Diary:
        """Somebody else says something."""
        state = State.RECEIVED if body is not None else State.UNREADABLE
        return self._write(who, False, state, body, **more)

    def say(self, body: Body | str, state: State = State.READ, **more: object) -> Diary:
        """We say something."""
        return self._write(ME, True, state, Text(body) if isinstance(body, str) else body, **more)

    def _write(self, who: Member, mine: bool, state: State, body: Body | Notice | None, **more: object) -> Diary:
        self._lid += 1
        taken = not mine or State.ACCEPTED <= state <= State.READ
        self._pos += taken
        facts: dict[str, object] = {
            "at_ms": self.time_ms, "ts": self.time_ms if taken else 0, "pos": self._pos if taken else 0, **more
        }  # fmt: skip
        self.bubbles.append(
            Bubble(Lid(self._lid), CONV, who.uid, mine, state, body=body, **facts)  # type: ignore[arg-type]
        )
        self.time_ms += 20_000
        return self


class Shelf:
    """Hands out pages of bubbles, as the shell does, and the gaps between them."""

    def __init__(self, bubbles: Iterable[Bubble], gaps: tuple[Gap, ...] = ()) -> None:
        self.bubbles = sorted(bubbles, key=lambda bubble: bubble.order)
        self.missing = gaps

    async def gaps(self, conv: ConvId) -> tuple[Gap, ...]:
        """What is not here."""
        return self.missing

    async def page(
        self,
        conv: ConvId,
        *,
        before: tuple[int, int] | None = None,
        after: tuple[int, int] | None = None,
        limit: int = 50,
    ) -> list[Bubble]:
        """Bubbles next to an order, or the newest ones."""
        if after is not None:
            return [bubble for bubble in self.bubbles if bubble.order > after][:limit]
        earlier = [bubble for bubble in self.bubbles if before is None or bubble.order < before]
        return earlier[-limit:]

    async def bubble(self, lid: Lid) -> Bubble:
        """One of them."""
        return next(bubble for bubble in self.bubbles if bubble.lid == lid)


def entry(form: str = "direct", title: str = "", members: tuple[Member, ...] = (ME, ANNA), **more: object) -> ChatEntry:
    """A row of the chat list."""
    return ChatEntry(more.pop("conv", CONV), form, title, members, **more)  # type: ignore[arg-type]


# --- files


def landscape(width: int = 320, height: int = 213, hour: float = 0.3) -> QImage:
    """A picture one recognises: hills under an evening sky."""
    image = QImage(width, height, QImage.Format.Format_RGB32)
    with QPainter(image) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        sky = QLinearGradient(0, 0, 0, height)
        sky.setColorAt(0, QColor.fromHsvF(0.58, 0.55, 0.55 + hour / 2))
        sky.setColorAt(0.62, QColor.fromHsvF(0.08, 0.45, 0.98))
        painter.fillRect(image.rect(), sky)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#fff3c9"))
        painter.drawEllipse(QPointF(width * 0.68, height * 0.45), height * 0.09, height * 0.09)
        for place, shade in enumerate(("#7a6f9b", "#4f5d83", "#2f4b5e", "#1f3a3d")):
            painter.fillPath(_hill(width, height, place), QColor(shade))
    return image


def _hill(width: int, height: int, place: int) -> QPainterPath:
    path = QPainterPath(QPointF(0, height))
    for x in range(0, width + 8, 8):
        wave = math.sin(x / width * (3 + place * 1.7) + place * 2) * 0.09 + math.sin(x / width * 11 + place) * 0.02
        path.lineTo(x, height * (0.52 + place * 0.13 + wave))
    path.lineTo(width, height)
    return path


def jpeg(image: QImage, quality: int = 72) -> bytes:
    """A picture as the bytes of a preview."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "JPEG", quality)  # type: ignore[call-overload]
    return bytes(data.data())


def photo(
    name: str = "IMG_2041.jpg", width: int = 4032, height: int = 2688, caption: str = "", hour: float = 0.3
) -> Picture:
    """A photograph with its preview."""
    scale = 320 / max(width, height)
    preview = jpeg(landscape(round(width * scale), round(height * scale), hour))
    return Picture(
        Attachment(MediaId("p"), name, "image/jpeg", 1_840_000, "a3f1" * 16, width, height, 0, preview, "image/jpeg"),
        caption,
    )


def voice(seconds: float = 42, size_bytes: int = 168_000) -> Voice:
    """A voice note that rises and falls like speech."""
    bins = tuple(
        round(31 * min(1, abs(math.sin(place * 0.9) * math.sin(place * 0.13 + 1)) * 0.9 + 0.05 * (place % 3)))
        for place in range(100)
    )
    return Voice(
        Attachment(
            MediaId("v"), "voice.ogg", "audio/ogg", size_bytes, "b7" * 32,
            duration_ms=round(seconds * 1000), waveform=pack_bins(bins),
        )
    )  # fmt: skip


def video(caption: str = "", width: int = 1280, height: int = 720) -> Video:
    """A video with its first frame."""
    preview = jpeg(landscape(320, round(320 * height / width), 0.8))
    return Video(
        Attachment(
            MediaId("m"), "VID_0007.mp4", "video/mp4", 4_120_000, "c9" * 32, width, height, 12_000, preview,
            "image/jpeg",
        ),
        caption,
    )  # fmt: skip


def document(name: str = "Quarterly report.pdf", size_bytes: int = 2_310_000, caption: str = "") -> File:
    """A file."""
    return File(Attachment(MediaId("f"), name, "application/pdf", size_bytes, "d2" * 32), caption)


def saved(folder: Path, name: str = "photo.jpg") -> str:
    """A picture that is on the disk."""
    path = folder / name
    if not path.exists():
        landscape(1600, 1067, 0.3).save(str(path), "JPEG", 88)  # type: ignore[call-overload]
    return str(path)


def album(*bodies: Picture | Video, name: str = "a" * 22) -> list[Picture | Video]:
    """Pictures and films that are sent together."""
    return [replace(body, album=name) for body in bodies]


SHAPES = ((4032, 2688), (2688, 4032), (3000, 3000), (4032, 2268), (2400, 3200), (5000, 2000), (3600, 2700))
"""Wide, tall, square, film, portrait, panorama, and a common camera."""


def shots(count: int, name: str = "a" * 22) -> list[Picture | Video]:
    """So many photographs, one of them a film if there are more than three."""
    made: list[Picture | Video] = []
    for place in range(count):
        width, height = SHAPES[place % len(SHAPES)]
        picture = photo(f"IMG_{2041 + place}.jpg", width, height, hour=0.1 + place % 10 * 0.08)
        made.append(video() if place == 3 else picture)
    return album(*made, name=name)


# --- conversations


def everyday(folder: Path) -> list[Bubble]:
    """All five kinds, in a chat between two people."""
    diary = Diary(NOW_MS - DAY_MS - 200 * MINUTE_MS)
    diary.hear(ANNA, Opened("direct")).later(1)
    diary.hear(ANNA, Text("Hi Nora! Are we still on for the trip on Saturday?"))
    diary.say("Yes! I booked the cabin this morning 🎉").say("Train leaves at 8:12, platform 4.")
    diary.time_ms = NOW_MS - 38 * MINUTE_MS
    diary.hear(ANNA, photo(caption="Last year's view from the ridge. I hope we get this again"), path=saved(folder))
    diary.say("Wow. I will bring the good camera then.", State.READ).later(4)
    diary.hear(ANNA, voice(), path=str(folder / "voice.ogg"))
    diary.later(2).say(document("Packing list – Ridge trip 2026.pdf", 312_000), State.READ, path="x")
    diary.later(3).hear(ANNA, video())
    diary.hear(ANNA, Text("Directions are on https://ridge.example/cabins/7?from=station (the map is at the bottom)."))
    diary.later(4).say("Perfect, thank you", State.DELIVERED).say("See you Saturday!", State.DELIVERED)
    return diary.bubbles


def awkward() -> list[Bubble]:
    """What breaks layouts: scripts, emoji, towers, tricks and very long words."""
    diary = Diary()
    diary.hear(ANNA, Text("👩‍👩‍👧‍👦")).say("❤️🔥👍🏽", State.READ).later(4)
    diary.hear(ANNA, Text("你好！周六的旅行还去吗？我已经订好了山上的小屋，早上八点十二分的火车，四号站台见。"))
    diary.say("去！我带相机 📷，再带一点吃的。", State.READ).later(4)
    diary.hear(ANNA, Text("مرحبا! هل ما زلنا ذاهبين يوم السبت؟ القطار الساعة 8:12 من الرصيف 4."))
    diary.say("שלום! כן, ניפגש בתחנה ב־8:00", State.DELIVERED).later(4)
    diary.hear(ANNA, Text("Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2))
    diary.say("mixed: English עברית and 中文 in one line, 100% 🏳️‍🌈 🏴󠁧󠁢󠁥󠁮󠁧󠁿 1️⃣", State.DELIVERED)
    diary.hear(ANNA, Text("invoice\u202egnp.exe <b>bold?</b> <img src=x> &amp;"))
    diary.hear(ANNA, Text("Z" + "\u0335\u0322\u0327\u031b\u0319\u032b\u0316\u034d\u033a" * 12 + "algo"))
    diary.hear(ANNA, None, code="content_unreadable")
    return diary.bubbles


def marks() -> list[Bubble]:
    """One own message in each state."""
    diary = Diary(NOW_MS - 45 * MINUTE_MS)
    said = {
        State.READ: "Opened", State.DELIVERED: "Delivered", State.STORED: "Stored, peer offline",
        State.ACCEPTED: "On the server", State.SENDING: "Sending", State.QUEUED: "Queued (no link)",
        State.CANCELLING: "Cancelling", State.CANCELLED: "Cancelled", State.LONG_AGO: "Sent long ago",
    }  # fmt: skip
    for state, words in said.items():
        diary.later(3.2).say(words, state)
    diary.later(3.2).say("Third try", State.SENDING, tries=3, due_s=1008.0)
    diary.later(3.2).say("Written in a tunnel", State.DELIVERED, at_ms=NOW_MS - 90 * MINUTE_MS, ts=diary.time_ms)
    diary.later(3.2).say("Could you check the numbers before noon?", State.NEEDS_YOU, code="not_confirmed_by_server")
    diary.later(3.2).say("You are not in this group any more", State.REFUSED, code="not_member")
    return diary.bubbles


def team() -> list[Bubble]:
    """A group: runs, names, avatars, notices."""
    diary = Diary(NOW_MS - DAY_MS - 30 * MINUTE_MS)
    diary.hear(BEN, Opened("group", "Ridge trip 🏔", by=BEN.uid))
    diary.hear(MEI, Joined(MEI.uid, MEI.name)).later(1)
    diary.hear(BEN, Text("Welcome everybody!")).hear(BEN, Text("Please write what you can bring."))
    diary.say("I bring a stove and two pots.", State.READ, delivered_to=4, read_by=4, of=4)
    diary.time_ms = NOW_MS - 30 * MINUTE_MS
    diary.hear(MEI, Text("我带茶和水果 🍊")).hear(MEI, Text("还有一副扑克牌")).hear(MEI, photo(width=3000, height=4000))
    diary.hear(LONG, Text("I can bring my grandmother's fondue set."))
    diary.hear(YUSUF, voice(8, 31_000)).hear(ZOE, Text("🚀"))
    diary.say("Then we have everything.", State.DELIVERED, delivered_to=3, read_by=1, of=4)
    return diary.bubbles


def wordy() -> list[Bubble]:
    """8,000 characters, cut after 40 lines."""
    text = "\n\n".join(
        f"{number}. The quick brown fox jumps over the lazy dog, and the river carries the boat past the mill, "
        "where an old man counts the swallows under the roof and writes their number on the wall with chalk."
        for number in range(1, 42)
    )
    diary = Diary(NOW_MS - 10 * MINUTE_MS)
    return diary.hear(ANNA, Text(text[:8000])).say("I read all of it!", State.READ).bubbles


def chats() -> list[ChatEntry]:
    """A chat list with everything a row can show."""
    diary = Diary(NOW_MS - 3 * MINUTE_MS)

    def last(write: Diary) -> Bubble:
        return write.bubbles[-1]

    def row(name: str, who: Member, bubble: Bubble | None, **more: object) -> ChatEntry:
        return entry(members=(ME, who), conv=ConvId(name), last=bubble, **more)  # type: ignore[arg-type]

    return [
        row("1", ANNA, last(diary.say("See you Saturday!", State.DELIVERED))),
        entry("group", "Ridge trip 🏔", (ME, BEN, MEI, LONG), conv=ConvId("2"), unread=3,
              last=last(diary.later(-25).hear(MEI, photo()))),
        row("3", BEN, last(diary.later(-30).say("Could you check the numbers?", State.NEEDS_YOU)), needs_you=1),
        row("4", MEI, last(diary.later(-60).hear(MEI, voice())), unread=1),
        row("5", YUSUF, last(diary.later(-60).hear(YUSUF, Text("القطار الساعة 8:12 من الرصيف 4"))), draft="ok, I will"),
        row("6", LONG, last(diary.later(-60 * 24).say(document("A very long name of a report.pdf"), State.STORED))),
        row("7", ZOE, last(diary.later(-60 * 48).hear(ZOE, Text("👩🏽‍🚀 " * 30))), unread=1204),
        entry("group", "Hamnens båtklubb – styrelse, vaktlista och sommarfest 2026", (ME, BEN), conv=ConvId("8"),
              last=last(diary.later(-60 * 24 * 9).hear(BEN, video()))),
        entry("self", "", (ME,), conv=ConvId("9"), last=last(diary.later(-60 * 24 * 3).say("milk, eggs", State.READ))),
        row("10", Member(Uid("q"), "Quiet Person"), None),
    ]  # fmt: skip


def facing(folder: Path, *bodies: Body) -> list[Bubble]:
    """Every kind with every face; see also the progress that the stage hands in."""
    diary = Diary(NOW_MS - 30 * MINUTE_MS)
    here = saved(folder)
    for body in bodies:
        diary.later(4)
        diary.hear(ANNA, body).later(4).hear(ANNA, body).later(4)
        diary.hear(ANNA, body, path=here).later(4).hear(ANNA, body, code="media_unknown").later(4)
        diary.say(body, State.UPLOADING, path=here).later(4)
        diary.say(body, State.UPLOADING, path=here, code="transfer_interrupted")
    return diary.bubbles
