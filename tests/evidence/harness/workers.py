"""Seeds measured one after another, or side by side in processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence

from tests.evidence.harness.rows import Measured, measure

Task = tuple[str, int]


def measured(tasks: Sequence[Task], jobs: int) -> Iterator[tuple[str, Measured]]:
    """Each tag and seed, as it is done; closing the iterator ends the processes."""
    here = os.getcwd()
    # simulators write logs into the working directory
    with tempfile.TemporaryDirectory(prefix="evidence-") as folder:
        try:
            if jobs == 1:
                _one_thread(folder)
                yield from map(_measured, tasks)
            else:
                spawn = multiprocessing.get_context("spawn")
                with spawn.Pool(jobs, _enter, (folder,)) as pool:
                    yield from pool.imap_unordered(_measured, tasks)
        finally:
            os.chdir(here)


def _measured(task: Task) -> tuple[str, Measured]:
    tag, seed = task
    return tag, measure(tag, seed)


def _enter(folder: str) -> None:
    # Ctrl-C is the parent's to answer, which then ends its workers
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _one_thread(folder)


def _one_thread(folder: str) -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    os.chdir(folder)
