"""Loops that pay, and staying that pays: is going on worth more to the learner than doing the task?

Both ask what an agent would get for ever. With ``B_t`` the discounted pay from step t on, a stretch from
step t to a return to the same state L steps later is worth ``(B_t - gamma^L B_{t+L}) / (1 - gamma^L)``
when it is repeated without end. That is compared with the best that leaving that state has brought so
far, in the learner's pay and in the true reward. Farming is a loop worth more than leaving in the pay and
not more in truth.

What verified potentials paid is left out: it cancels in the comparison. An undiscounted gain, or one loop
alone, would flag correct shaping: ``(gamma^L - 1) Phi(s) > 0`` for every negative potential.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

FloatArray = NDArray[np.float64]

RETURNS = 3
"""Returns to one state that make a loop."""
CELLS = 24
"""Cells into which the range of a continuous observation is cut."""
MOST_EXITS = 100_000
"""States whose best way out is remembered."""
MARGIN = 0.1
"""Share of the spread of values in the episode by which a loop must be better than leaving."""


@dataclass(frozen=True)
class Loop:
    """A stretch that pays more than leaving it.

    Args:
        start: Step of the episode at which the state was first seen.
        stop: Step at which it was last seen.
        returns: How often it was come back to.
        pay: What going on for ever is worth, discounted, without verified potentials.
        true: The same in the true reward.
        out: The best way out seen so far, in pay.
        out_true: The best way out seen so far, in the true reward.
        known: Whether a way out was seen; else both are 0, the value of ending at once.
    """

    start: int
    stop: int
    returns: int
    pay: float
    true: float
    out: float
    out_true: float
    known: bool

    @property
    def excess(self) -> float:
        """By how much it is better."""
        return self.pay - self.out


class Grid:
    """States as integers, so that a return can be seen; exact for discrete observations.

    Bounded dimensions are cut over their bounds, others over the range of the first episode.

    Attributes:
        blur: Share of a dimension's range within which states count as the same; 0 if exact.
    """

    def __init__(self, low: Any = None, high: Any = None) -> None:
        self._low, self._high = low, high
        self._width: FloatArray | None = None
        self._odd = np.zeros(0, np.uint64)
        self.blur = 0.0

    def cells(self, states: NDArray[Any]) -> NDArray[np.uint64]:
        """``(T, d)`` states -> ``(T,)`` hashes of their cells."""
        width = self._width
        if width is None:
            width = self._fit(states)
        levels = states
        self.blur = 0.0 if np.issubdtype(states.dtype, np.integer) else 1.0 / CELLS
        if not np.issubdtype(states.dtype, np.integer):
            levels = np.floor((states - self._low) / width)
        # multiplication with fixed odd numbers, modulo 2^64
        hashed: NDArray[np.uint64] = (levels.astype(np.int64).view(np.uint64) * self._odd).sum(
            axis=1
        )
        return hashed

    def _fit(self, states: NDArray[Any]) -> FloatArray:
        dims = states.shape[1]
        seen_low, seen_high = states.min(axis=0), states.max(axis=0)
        low = np.full(dims, -np.inf) if self._low is None else np.asarray(self._low, float)
        high = np.full(dims, np.inf) if self._high is None else np.asarray(self._high, float)
        # a bound of 3e38 is none
        bounded = (high - low) < 1e6
        low, high = np.where(bounded, low, seen_low), np.where(bounded, high, seen_high)
        span = high - low
        self._low = low
        self._width = np.where(span > 0, span, 1.0) / CELLS
        odd = np.random.default_rng(0).integers(0, 2**62, dims, dtype=np.uint64)
        self._odd = np.asarray(2 * odd + 1, np.uint64)
        return self._width


class Loops:
    """Looks for loops, and remembers the best way out of each state.

    Args:
        gamma: Discount of the learner; 1 is taken as 0.9999, where "for ever" has a value.
        grid: Which states count as the same.
    """

    def __init__(self, gamma: float, grid: Grid) -> None:
        self.gamma, self.grid = min(gamma, 0.9999), grid
        self._powers: FloatArray = self.gamma ** np.arange(1024, dtype=np.float64)
        self._exits: dict[int, tuple[float, float]] = {}
        self._best_end: tuple[float, float] | None = None

    def loop(
        self, states: NDArray[Any], pay: FloatArray, true: FloatArray, *, terminated: bool
    ) -> Loop | None:
        """The loop of an episode that beats leaving by most, if there is one.

        Args:
            states: ``(T, d)`` before each step.
            pay: ``(T,)`` what the learner got, without verified potentials.
            true: ``(T,)`` the true reward.
            terminated: Whether the task ended.
        """
        if len(pay) < 2 or states.shape[1] == 0:
            return None
        hashed = self.grid.cells(states)
        order, starts, ends = groups(hashed)
        first, last = order[starts], order[ends]
        cells = hashed[first]
        # waiting in a cell is no return to it, unless it is one state
        enters = np.ones(len(hashed), int)
        if self.grid.blur:
            enters[1:] = hashed[1:] != hashed[:-1]
        counts = np.add.reduceat(enters[order], starts)
        togo, true_togo = self.to_go(np.array((pay, true)))
        if terminated:
            self._remember(cells, togo[last], true_togo[last])
        places = np.flatnonzero(counts > RETURNS)
        if not places.size:
            return None
        a, b = first[places], last[places]
        factor = self.gamma ** (b - a)
        value = (togo[a] - factor * togo[b]) / (1 - factor)
        true_value = (true_togo[a] - factor * true_togo[b]) / (1 - factor)
        outs = [self._exits.get(int(cell)) for cell in cells[places]]
        out = np.array([(0.0, 0.0) if o is None else o for o in outs])
        # states of one cell differ: what that can make of the value, blown up by going round for ever
        blur = self.grid.blur * states.shape[1] * float(np.ptp(togo))
        margin = MARGIN * (float(np.ptp(togo)) + np.abs(true_value)) + 1e-9
        margin = margin + 2 * blur / (1 - factor)
        better = (value > out[:, 0] + margin) & (true_value <= out[:, 1] + 1e-9)
        if not better.any():
            return None
        best = int(np.argmax(np.where(better, value - out[:, 0], -np.inf)))
        return Loop(
            int(a[best]), int(b[best]), int(counts[places[best]] - 1), float(value[best]),
            float(true_value[best]), float(out[best, 0]), float(out[best, 1]),
            outs[best] is not None,
        )  # fmt: skip

    def stay(self, pay: FloatArray, true: FloatArray, *, terminated: bool) -> Loop | None:
        """The second half of an episode that the clock ended, taken as what goes on for ever.

        With episodes that reached their end to compare with, staying must pay more and be worse in
        truth. Without any, it must pay, while the true reward is never above 0 and never changes: then
        nothing says that the task goes forward.
        """
        if len(pay) > len(self._powers):
            self._powers = self.gamma ** np.arange(2 * len(pay), dtype=np.float64)
        weights = self._powers[: len(pay)]
        whole, true_whole = float(weights @ pay), float(weights @ true)
        if terminated:
            out, out_true = self._best_end or (whole, true_whole)
            self._best_end = max(out, whole), max(out_true, true_whole)
            return None
        half = len(pay) // 2
        late, true_late = pay[half:], true[half:]
        value, true_value = (float(x.mean()) / (1 - self.gamma) for x in (late, true_late))
        if self._best_end is not None:
            out, out_true = self._best_end
            margin = MARGIN * abs(out) + 1e-9
            # an end that no episode reached better than by waiting is no reason to leave
            flagged = value > out + margin and true_whole < out_true - 1e-9
        else:
            out = out_true = 0.0
            margin = MARGIN * abs(true_value) + 1e-9
            flagged = value > margin and true_value <= 0 and float(np.ptp(true)) == 0
        if not flagged or len(pay) < 10:
            return None
        return Loop(
            half,
            len(pay) - 1,
            0,
            value,
            true_value,
            out,
            out_true,
            known=self._best_end is not None,
        )

    def to_go(self, pay: FloatArray) -> FloatArray:
        """``B_t = sum_{i >= t} gamma^(i - t) pay_i`` along the last axis."""
        found: FloatArray = lfilter([1.0], [1.0, -self.gamma], pay[..., ::-1])[..., ::-1]
        return found

    def _remember(self, cells: NDArray[Any], togo: FloatArray, true_togo: FloatArray) -> None:
        exits = self._exits
        for cell, pay, true in zip(cells.tolist(), togo.tolist(), true_togo.tolist(), strict=True):
            old = exits.get(cell)
            if old is None:
                if len(exits) < MOST_EXITS:
                    exits[cell] = pay, true
            elif pay > old[0] or true > old[1]:
                exits[cell] = max(pay, old[0]), max(true, old[1])


def groups(
    values: NDArray[Any],
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Equal values together, by one sort that keeps the order of each.

    Returns:
        The order, and where in it each group starts and where it ends.

    Example:
        >>> order, starts, ends = groups(np.array([7, 3, 7]))
        >>> order.tolist(), starts.tolist(), ends.tolist()
        ([1, 0, 2], [0, 1], [0, 2])
    """
    order = values.argsort(kind="stable")
    ordered = values[order]
    is_new = np.ones(len(values), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=is_new[1:])
    starts = is_new.nonzero()[0]
    ends = np.empty_like(starts)
    ends[:-1], ends[-1] = starts[1:] - 1, len(values) - 1
    return order, starts, ends
