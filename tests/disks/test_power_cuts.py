"""F-22, F-23: the power goes at any moment, and what was promised is there. F-3: also while it comes back.

`python -m tests.disks --cuts 2000` does the same at length; docs/FAULTS.md keeps what it said last.
"""

from __future__ import annotations

import random
from pathlib import Path

from tests.disks.campaign import campaign
from tests.disks.power import Disk
from tests.disks.recording import DELETE, SYNC, WRITE, Op, Recording


def test_no_cut_takes_what_was_promised() -> None:
    tally = campaign(80, 7_000, weather_s=6.0)

    assert tally.wrong == []
    assert tally.total == 80
    assert tally.again > 5
    assert {"T1", "T3"} <= {step for side, step in tally.cuts if side == "server"}
    assert {"T0", "T4", "T5"} <= {step for side, step in tally.cuts if side == "client"}
    assert tally.promises > 200


def test_a_database_that_syncs_less_is_found_out() -> None:
    """The checker is checked: the same worlds with the usual setting of others lose what they promised."""
    for sync in ("normal", "off"):
        tally = campaign(40, 7_000, sync=sync, weather_s=6.0)
        assert len(tally.wrong) >= 3, sync


def recording(tmp_path: Path, *ops: Op) -> Disk:
    made = Recording(tmp_path / "x", {"": b"a" * 1024}, ops=list(ops))
    made.close()
    disk = Disk(made)
    disk.advance(len(ops))
    return disk


def test_what_was_synced_survives_every_fate(tmp_path: Path) -> None:
    disk = recording(tmp_path, Op(WRITE, "", 512, b"b" * 512), Op(SYNC), Op(WRITE, "", 0, b"c" * 512))
    left = {disk.cut(random.Random(seed))[1][""] for seed in range(50)}

    assert left == {b"a" * 512 + b"b" * 512, b"c" * 512 + b"b" * 512}
    assert disk.seen() == {"": b"c" * 512 + b"b" * 512}


def test_a_write_is_torn_between_sectors_and_never_inside_one(tmp_path: Path) -> None:
    disk = recording(tmp_path, Op(WRITE, "", 0, b"b" * 1024))
    left = {disk.cut(random.Random(seed))[1][""] for seed in range(80)}

    sectors = (b"a" * 512, b"b" * 512)
    assert left == {one + other for one in sectors for other in sectors}


def test_a_file_without_a_synced_name_may_vanish_and_a_deleted_one_may_come_back(tmp_path: Path) -> None:
    fresh = recording(tmp_path, Op(WRITE, "-wal", 0, b"w"))
    assert {"-wal" in fresh.cut(random.Random(seed))[1] for seed in range(20)} == {True, False}

    gone = recording(tmp_path, Op(DELETE, "", durable=False))
    assert {"" in gone.cut(random.Random(seed))[1] for seed in range(20)} == {True, False}

    gone = recording(tmp_path, Op(DELETE, "", durable=False), Op(WRITE, "-wal", 0, b"w"), Op(SYNC, "-wal"))
    assert {"" in gone.cut(random.Random(seed))[1] for seed in range(20)} == {False}
