"""How long the trainings of a search will take, by those that were."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Pace:
    """Steps of training and the seconds on the clock that they took, several at a time.

    >>> pace = Pace(steps=30_000, seconds=60.0)
    >>> pace.told(120_000)
    'at most 120,000 steps of training left, about 4 min'
    >>> Pace().told(120_000)
    'at most 120,000 steps of training left'
    """

    steps: int = 0
    seconds: float = 0.0

    @contextmanager
    def timed(self, steps: int) -> Iterator[None]:
        """Take note of so many steps, if they are made to their end."""
        began = time.perf_counter()
        yield
        self.steps += steps
        self.seconds += time.perf_counter() - began

    def told(self, steps: int) -> str:
        """What is left, and how long that is at the pace so far."""
        said = f"at most {steps:,} steps of training left"
        if not self.steps:
            return said
        seconds = steps * self.seconds / self.steps
        return (
            f"{said}, about {seconds / 60:.0f} min"
            if seconds >= 90
            else f"{said}, about {seconds:.0f} s"
        )
