"""Films: their first picture that shows something, their size and their length. Sound is not touched."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from client.worker import boxes, limits, matroska, pictures
from client.worker.pictures import Look
from client.worker.sniff import Format
from client.worker.source import OtherKind, Source, TooBig, Undecodable

SEARCHED_S = 3.0
LOOKED_AT_MOST = 40
SEARCH_WITHIN_S = 5.0
DARK, BRIGHT = 16.0, 240.0
UNIFORM_DEVIATION = 4.0
GLANCE_PX = 96


def look(source: Source, what: Format) -> tuple[Look, int]:
    """Return how the film looks and its duration in milliseconds (0: not known).

    Raises:
        OtherKind: no film in it.
        Undecodable: a broken one.
        TooBig: one that is larger or longer than we decode (SEC-34).
    """
    duration_ms = _claimed_duration_ms(source, what)
    film = _opened(source)
    try:
        counted_ms = _counted_duration_ms(film)
        frame = _poster(film)
    finally:
        film.release()
    duration_ms = duration_ms or counted_ms
    height, width = frame.shape[:2]
    if duration_ms > limits.DURATION_MS_MAX or not limits.fits(width, height):
        raise TooBig("too long or too large")
    return Look(width, height, pictures.preview(pictures.shrink(frame, pictures.PREVIEW_SIDE_PX))), duration_ms


def _claimed_duration_ms(source: Source, what: Format) -> int:
    """Look at what the container claims before any decoder does; refuse what is too much."""
    said = boxes.movie(source) if what.demuxer == "mp4" else matroska.movie(source)
    _check(said.duration_ms, said.sizes, said.sounds)
    return said.duration_ms


def _check(duration_ms: int, sizes: tuple[tuple[int, int], ...], sounds: int) -> None:
    if not sizes:
        raise OtherKind("no film")
    if max(len(sizes), sounds) > limits.STREAMS_OF_A_KIND_MAX:
        raise TooBig("too many streams")
    if duration_ms > limits.DURATION_MS_MAX or not all(limits.fits(*size) for size in sizes):
        raise TooBig("too long or too large")


def _opened(source: Source) -> Any:
    cv2 = pictures.load_cv2()
    film = cv2.VideoCapture(source.decoder_name, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    if not film.isOpened():
        raise Undecodable("broken film")
    film.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    return film


def _counted_duration_ms(film: Any) -> int:
    cv2 = pictures.load_cv2()
    rate, count = film.get(cv2.CAP_PROP_FPS), film.get(cv2.CAP_PROP_FRAME_COUNT)
    return round(count * 1000 / rate) if rate > 0 and count > 0 else 0


def _poster(film: Any) -> Any:
    """The first frame within 3 s that is neither dark nor glaring nor of one colour; else the very first."""
    first = None
    for frame in _frames(film):
        if first is None:
            first = frame
        if _shows_something(frame):
            return frame
    if first is None:
        raise Undecodable("no frame")
    return first


def _frames(film: Any) -> Iterator[Any]:
    """Frames of the first seconds, evenly chosen; skipped ones are decoded but not converted."""
    rate = film.get(pictures.load_cv2().CAP_PROP_FPS)
    rate = rate if 1.0 <= rate <= 240.0 else 30.0
    step = max(1, round(rate * SEARCHED_S / LOOKED_AT_MOST))
    ends_s = time.monotonic() + SEARCH_WITHIN_S
    for place in range(int(rate * SEARCHED_S) + 1):
        if not film.grab() or time.monotonic() > ends_s:
            return
        if place % step == 0:
            done, frame = film.retrieve()
            if done and frame is not None and frame.size:
                yield frame


def _shows_something(frame: Any) -> bool:
    cv2 = pictures.load_cv2()
    glance = cv2.cvtColor(pictures.shrink(frame, GLANCE_PX), cv2.COLOR_BGR2GRAY)
    mean, deviation = cv2.meanStdDev(glance)
    return bool(DARK <= float(mean.item()) <= BRIGHT and float(deviation.item()) >= UNIFORM_DEVIATION)
