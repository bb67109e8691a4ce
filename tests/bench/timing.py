"""Ratios that survive a busy machine: blocks of fixed work that alternate inside one process."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Block = Callable[[], object]
"""The same work at every call, whatever the variant: the pairing rests on it."""

CONTROL = "bare2"
TOLERANCE = 0.015
"""How far the A/A control may be from 1 before a table says nothing."""


@dataclass(frozen=True)
class Estimate:
    """A median over repetitions with its distribution-free 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Estimate:
        """Ranks of the interval: n/2 -+ 0.98 sqrt(n), the normal approximation of the sign test."""
        ordered = np.sort(values)
        last = len(ordered) - 1
        spread = 0.98 * np.sqrt(len(ordered))
        low = max(0, int(np.floor(last / 2 - spread)))
        high = min(last, int(np.ceil(last / 2 + spread)))
        return cls(float(np.median(ordered)), float(ordered[low]), float(ordered[high]))


@dataclass(frozen=True)
class Times:
    """Nanoseconds of CPU per step: variant -> one number per repetition."""

    ns: Mapping[str, NDArray[np.float64]]

    @property
    def control(self) -> float:
        """Time of a second, identical bare variant over that of the first."""
        return self.ratio(CONTROL, "bare").value

    def ratio(self, name: str, base: str = "bare") -> Estimate:
        """Median of the ratios of the two times of a repetition."""
        return Estimate.of(self.ns[name] / self.ns[base])

    def speed(self, name: str, base: str = "bare") -> Estimate:
        """Median of the ratios of the two speeds of a repetition."""
        return Estimate.of(self.ns[base] / self.ns[name])

    def added(
        self, name: str, other: str, *, name_base: str = "bare", base: str = "bare"
    ) -> Estimate:
        """What ``name`` adds to ``name_base``, over what ``other`` adds to ``base``."""
        first = self.ns[name] - self.ns[name_base]
        second = self.ns[other] - self.ns[base]
        return Estimate.of(first / np.where(second == 0.0, np.nan, second))

    def over_bare(self) -> dict[str, float]:
        """Each variant's time over the bare one's."""
        return {name: self.ratio(name).value for name in self.ns if name != CONTROL}

    def above_bare(self) -> dict[str, float]:
        """Median ns per step of the bare variant, and what each of the others adds to it."""
        bare = self.ns["bare"]
        added = {
            n: float(np.median(t - bare)) for n, t in self.ns.items() if n not in ("bare", CONTROL)
        }
        return {"bare": float(np.median(bare)), **added}


def measure(
    blocks: Mapping[str, Block],
    *,
    steps: int,
    pairs: int,
    warmup: int = 3,
    clock: Callable[[], int] = time.process_time_ns,
) -> Times:
    """Time every variant once per repetition, in an order that is drawn anew each time.

    CPU time of the process is taken, not wall time: other programs may hold the cores. The garbage
    collector rests during a block, since a collection belongs to no variant.

    Args:
        blocks: Variant -> its block; must hold ``bare`` and ``bare2``.
        steps: Environment steps in one block.
        pairs: Repetitions.
        warmup: Blocks of each variant that are not counted.
        clock: Another one in nanoseconds, where the work is done by other processes.
    """
    names = list(blocks)
    spent = {name: np.empty(pairs) for name in names}
    # one pair is a look whether it runs at all, in a process that may hold much else
    for _ in range(min(warmup, pairs - 1)):
        for name in names:
            blocks[name]()
    order = np.random.default_rng(0)
    if pairs > 1:
        gc.collect()
    gc.freeze()
    gc.disable()
    try:
        for pair in range(pairs):
            for k in order.permutation(len(names)):
                block = blocks[names[k]]
                start = clock()
                block()
                spent[names[k]][pair] = clock() - start
            gc.collect(0)
    finally:
        gc.enable()
        gc.unfreeze()
    return Times({name: taken / steps for name, taken in spent.items()})
