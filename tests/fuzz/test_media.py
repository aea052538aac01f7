"""Mutated files through the whole worker; the long run is `python -m tests.fuzz.media`."""

from __future__ import annotations

import shutil

import pytest

from tests.fuzz.media import through_worker

RUNS = 150

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="the files are made by ffmpeg, which is missing")


async def test_mutated_media_never_bring_the_worker_down() -> None:
    answers = await through_worker(RUNS, seed=4)
    assert answers.pop("peak MiB") <= 1024
    assert sum(answers.values()) == RUNS
    assert {"picture", "voice", "video"} <= set(answers), "some are still what they were"
    assert answers["file media_not_shown"] > RUNS / 20
