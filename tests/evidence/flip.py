"""Labels that are wrong at times: what group-normalised policy gradients survive."""

from __future__ import annotations

from collections.abc import Sequence

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.questions import CHANCE, answered

CLAIM = (
    "Flipping all rewards of one question in five at each visit costs a group-normalised policy "
    "gradient little, two in five still leave it far above chance, and at half next to nothing is "
    "learned."
)
SOURCE = "Lv et al., 2025, arXiv 2505.22653"
BUDGET = 0.5
RATES = (0.0, 0.2, 0.4, 0.5)


def run(seed: int, *, small: bool = False) -> Row:
    return {
        f"p{rate:g}": answered(
            rw.Flip(rw.EnvReward(), rate, seed=seed), seed, updates=3 if small else 300, shared=True
        )
        for rate in RATES
    }


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "p0.2", 0.85),
            higher(rows, "p0.4", CHANCE + 0.2),
            higher(rows, "p0.4", "p0.5", by=0.4),
        ]
    )
    told = ", ".join(f"{mean(rows, f'p{rate:g}'):.2f} at {rate:.0%}" for rate in RATES)
    return state, f"right answers (chance {CHANCE:.2f}): {told}"
