"""What a place that computes runs must do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from rewardwrap.compare.spec import Spec

ATTEMPTS = 2
"""How often a run is started on this machine whose process was killed from outside."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Args:
        spec: Which.
        error: Why it is not in the store, in a sentence; None if it is.
        disk_full: Whether that was the disk, so that the next run would fail the same way.
    """

    spec: Spec
    error: str | None = None
    disk_full: bool = False


class Executor(Protocol):
    """Computes runs. What finished is in the store; an executor remembers nothing."""

    def submit(self, spec: Spec) -> None:
        """Take a run on; returns at once."""

    def as_done(self) -> Iterator[Outcome]:
        """Every run that was submitted, as it ends."""

    def cancel(self) -> None:
        """Stop everything; what is finished stays."""


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
