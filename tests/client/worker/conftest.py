"""One real worker for all tests that do not kill it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.client.worker.talk import WorkerProcess


@pytest.fixture(scope="session")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    with WorkerProcess(tmp_path_factory.mktemp("out")) as process:
        yield process
