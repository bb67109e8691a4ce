"""Numbers that change over training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Linear:
    """A value that falls in a straight line to zero: ``initial * progress_remaining``.

    RL Zoo writes it ``lin_0.1``. Picklable, comparable and readable in a log, unlike a closure.

    Args:
        initial: the value at the start of training.

    >>> Linear(0.2)(0.5)
    0.1
    """

    initial: float

    def __call__(self, progress_remaining: float) -> float:
        """Return the value when that share of training, from 1 down to 0, is left."""
        return self.initial * progress_remaining
