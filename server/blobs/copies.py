"""Copying whole files from one shelf to another, for a backup and back: they never change once they have their name."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from protocol.problems import DataReadOnly, DiskFull
from protocol.values import MediaId

WHOLE, DRAFT = "whole", ".new"


def copy_whole(source: Path, target: Path, medias: Iterable[MediaId]) -> list[MediaId]:
    """Copy these files, durably, each whole or not at all; what is there already is left. Returns those not found.

    Raises: DiskFull, DataReadOnly.
    """
    try:
        folder = target / WHOLE
        for each in (target, folder):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        return [media for media in medias if not _copied(source / WHOLE / media, folder / media)]
    except OSError as refusal:
        raise (DiskFull() if refusal.errno in (errno.ENOSPC, errno.EDQUOT) else DataReadOnly()) from refusal


def _copied(source: Path, target: Path) -> bool:
    if target.exists():
        return True
    draft = target.with_name(target.name + DRAFT)
    try:
        shutil.copyfile(source, draft)
    except FileNotFoundError:
        return False
    with open(draft, "rb+") as file:
        os.fsync(file.fileno())
    draft.replace(target)
    return True
