"""Log-sigmoid: a sum that means AND."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.items import ITEMS, optimum_at, paid

CLAIM = (
    "At one KL from the reference, a policy of two summed log-sigmoid scores is good in both "
    "properties more often than one of the summed raw scores, and its worse property is better."
)
SOURCE = "Wang et al., ICML 2024, arXiv 2402.00742"
BUDGET = 0.05
KL, QUANTILE = 3.0, 0.85


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    count = 200 if small else ITEMS
    # what helps in one respect tends to hurt in the other, and tails are heavy
    one = 2.0 * rng.standard_t(5, size=count)
    other = -0.5 * one + 2.0 * rng.standard_t(5, size=count)
    good = (np.quantile(one, QUANTILE), np.quantile(other, QUANTILE))
    first, second = rw.Native("one"), rw.Native("other")
    ways = {
        "raw": first + second,
        "bent": rw.LogSigmoid(first, float(good[0])) + rw.LogSigmoid(second, float(good[1])),
    }
    reference = np.full(count, 1 / count)
    row = {}
    for name, reward in ways.items():
        value = paid(reward, np.zeros(count), one=one, other=other)
        chance = optimum_at(reference, value, kl=KL)
        row[f"both_{name}"] = float(chance @ ((one > good[0]) & (other > good[1])))
        row[f"worse_{name}"] = float(chance @ np.minimum(one - good[0], other - good[1]))
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "both_bent", "both_raw", by=0.02),
            higher(rows, "worse_bent", "worse_raw"),
        ]
    )
    both, worse = (
        f"{mean(rows, f'{what}_bent'):.2f} against {mean(rows, f'{what}_raw'):.2f}"
        for what in ("both", "worse")
    )
    return state, f"good in both {both} of raw sums, the worse score {worse}, at KL {KL:g}"
