"""The sign of a reward: what a learner no longer sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together, within
from tests.evidence.worlds.items import paid

CLAIM = (
    "Between an arm that pays 1 and one that pays 10, a policy gradient on signs is left with no "
    "preference where the plain reward is learned; against an arm that pays -1 signs suffice."
)
SOURCE = "Mnih et al., 2015, doi 10.1038/nature14236"
BUDGET = 0.1


def run(seed: int, *, small: bool = False) -> Row:
    updates = 3 if small else 200
    return {
        "plain": _climbed(rw.EnvReward(), (1.0, 10.0), updates),
        "signs": _climbed(rw.Sign(rw.EnvReward()), (1.0, 10.0), updates),
        "signs_differ": _climbed(rw.Sign(rw.EnvReward()), (-1.0, 10.0), updates),
    }


def _climbed(reward: rw.Reward, arms: tuple[float, float], updates: int) -> float:
    """How often the better arm is taken in the end, by the expected gradient."""
    logits, worth = np.zeros(2), paid(reward, np.array(arms))
    for _ in range(updates):
        chance = np.exp(logits) / np.exp(logits).sum()
        logits = logits + 0.1 * chance * (worth - chance @ worth)
    return float((np.exp(logits) / np.exp(logits).sum())[1])


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "plain", 0.9),
            within(rows, "signs", 0.45, 0.55),
            higher(rows, "signs_differ", 0.9),
        ]
    )
    told = (mean(rows, key) for key in ("plain", "signs", "signs_differ"))
    return (
        state,
        "better arm taken: {:.2f} plain, {:.2f} by signs, {:.2f} where signs differ".format(*told),
    )
