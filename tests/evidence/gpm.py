"""Preferences that go in a circle, and preferences that a score has made."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rewardwrap.annotate.teachers import Teacher
from rewardwrap.nets.measures import differences
from rewardwrap.nets.objectives import BradleyTerry, GeneralPreference
from rewardwrap.nets.preference_recipe import fit_preferences
from tests.evidence.harness.judging import Row, State, higher, mean, together, within
from tests.evidence.worlds.hands import logged
from tests.evidence.worlds.swinging import swinging

CLAIM = (
    "On rock, paper, scissors a general preference model is right about every held-out pair, where Bradley "
    "and Terry's is near 1/2 and the labels are said to contradict a score; on labels of a score it is "
    "as right as Bradley and Terry's to within 0.02."
)
SOURCE = "Zhang et al. (GPM), 2024, arXiv 2410.02197"
BUDGET = 1.0
SEEDS = 10
OBJECTIVES = {"general": GeneralPreference(), "scored": BradleyTerry()}


def run(seed: int, *, small: bool = False) -> Row:
    row = {}
    circle, asked = logged(12 if small else 30, seed)
    unseen = logged(12 if small else 30, 1000 + seed)[1]
    swings = swinging(8 if small else 40, seed=seed)
    for name, objective in OBJECTIVES.items():
        found = fit_preferences(
            circle, preferences=asked, objective=objective, reads=("action",), seed=seed,
            members=2, hidden=(16,), lr=1e-2, epochs=2 if small else 50,
        )  # fmt: skip
        said = differences(found.net, unseen) / found.temperature
        row[f"{name}_circle"] = float(((said > 0) == (unseen.preferred > 0.5)).mean())
        row[f"{name}_surest"] = float(np.abs(0.5 * np.tanh(said / 2)).max())
        row["contradicted"] = float(not found.metrics["labels"]["cycles"]["scalar"])
        found = fit_preferences(
            swings, teacher=Teacher(), pairs=60 if small else 500, length=10, objective=objective,
            seed=seed, members=2, hidden=(32,), epochs=2 if small else 50,
        )  # fmt: skip
        row[f"{name}_ordered"] = float(found.metrics["heldout"]["pair_accuracy"])
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    apart = [{"apart": r["general_ordered"] - r["scored_ordered"]} for r in rows]
    state = together(
        [
            within(rows, "general_circle", 1.0, 1.0),
            within(rows, "contradicted", 1.0, 1.0),
            higher(rows, "general_circle", "scored_circle", by=0.2),
            higher(apart, "apart", -0.02),
        ]
    )
    return state, (
        f"pairs of the circle right: {mean(rows, 'general_circle'):.2f} against "
        f"{mean(rows, 'scored_circle'):.2f} (whose surest answer is "
        f"{0.5 + mean(rows, 'scored_surest'):.2f}); of swings that a score ordered: "
        f"{mean(rows, 'general_ordered'):.3f} against {mean(rows, 'scored_ordered'):.3f}"
    )
