"""A named number held at a target, played by a planner that has learned nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import rewardwrap as rw
from rewardwrap.llm.planning import play
from rewardwrap_envs import recipe
from tests.evidence.harness.judging import Row, State, higher, mean, together

CLAIM = (
    "A planner that is paid for tracking a speed runs at it: the speed follows the target when the "
    "target alone is changed, and the cheetah runs backwards when it is negative."
)
SOURCE = "Yu et al., 2023, arXiv 2306.08647"
BUDGET = 0.5
TARGETS = {"back": -1.0, "slow": 1.0, "fast": 3.0}


def run(seed: int, *, small: bool = False) -> Row:
    row = {}
    for name, target in TARGETS.items():
        reward = rw.Track("torso_x_velocity", target=target, norm="abs")
        steps = 2 if small else 40
        options = {"horizon": 3 if small else 10, "samples": 4 if small else 12, "elites": 3}
        seen = play(recipe("HalfCheetah-v5"), reward, steps=steps, seed=seed, **options)
        row[name] = float(np.mean(seen.fields["torso_x_velocity"][steps // 2 :]))
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "fast", "slow", by=0.5),
            higher(rows, "slow", 0.3),
            higher([{"backwards": -row["back"]} for row in rows], "backwards", 0.3),
        ]
    )
    told = ", ".join(f"{mean(rows, name):.2f} for {target:g}" for name, target in TARGETS.items())
    return state, f"mean speed in m/s by target: {told}"
