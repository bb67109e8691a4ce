"""Verdicts over seeds: each can say shown, not shown and contradicted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

import numpy as np

State: TypeAlias = Literal["shown", "not shown", "contradicted"]
Row: TypeAlias = dict[str, float]
STATES: tuple[State, ...] = ("shown", "not shown", "contradicted")
LEVEL = 0.05
ROUNDING = 1e-12
MOST_EXACT, SAMPLED = 16, 20_000


def higher(rows: Sequence[Row], better: str, worse: str | float, *, by: float = 0.0) -> State:
    """Whether ``better - worse > by`` over the seeds: exact sign-flip test, one-sided, level 0.05.

    Rows are paired by their seed. Under the null that the sign of ``better - worse - by`` is a fair
    coin, the p-value is the share of all ``2^n`` sign patterns whose sum is at least the one seen; five
    seeds of one sign give 1/32. The claim is contradicted where ``worse - better > by`` passes instead.

    Args:
        rows: One a seed, at least 5; above 16 a sample of the sign patterns is taken.
        better: Key of what should be higher.
        worse: Key of what should be lower, or a bound.
        by: Smallest difference worth the name, at least 0.
    """
    low = [row[worse] if isinstance(worse, str) else worse for row in rows]
    gain = np.array([row[better] for row in rows]) - np.array(low)
    if _sign_flip(gain - by) <= LEVEL:
        return "shown"
    return "contradicted" if _sign_flip(-gain - by) <= LEVEL else "not shown"


def within(rows: Sequence[Row], key: str, low: float, high: float) -> State:
    """Whether every seed's value lies in ``[low, high]``; contradicted where the median does not."""
    values = np.array([row[key] for row in rows])
    if ((values >= low) & (values <= high)).all():
        return "shown"
    return "not shown" if low <= np.median(values) <= high else "contradicted"


def together(states: Iterable[State]) -> State:
    """A claim of several parts: as bad as its worst part."""
    return max(states, key=STATES.index)


def mean(rows: Sequence[Row], key: str) -> float:
    """Over the seeds."""
    return float(np.mean([row[key] for row in rows]))


def _sign_flip(gain: np.ndarray) -> float:
    # a gain of exactly nothing must not pass as one of every sign
    seen, n = gain.sum() - ROUNDING, len(gain)
    if n <= MOST_EXACT:
        signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        return float(np.mean(signs @ gain >= seen))
    signs = np.random.default_rng(0).choice((-1, 1), size=(SAMPLED, n))
    return float((np.sum(signs @ gain >= seen) + 1) / (SAMPLED + 1))
