"""STARC distances: rewards as tasks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rewardwrap.evaluate import tabular_distance
from tests.evidence.harness.judging import Row, State, higher, mean, together, within
from tests.evidence.worlds.tasks import GAMMA, disguised, follows, pair

CLAIM = (
    "The distance is 0 between a reward and its shaped and scaled copies, and it ranks pairs of "
    "rewards by the regret they lead to, at least as well as EPIC and DARD do."
)
SOURCE = "Skalse et al., 2023, arXiv 2309.15257"
BUDGET = 0.3
OBJECT = "rewardwrap.evaluate.distance.tabular:tabular_distance"
USE = "rewardwrap distance ENV ONE.yml OTHER.yml --metric starc-val"
METRICS = ("starc-val", "epic", "dard")


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    dynamics, one, _ = pair(rng)
    zero = max(
        tabular_distance(one, disguised(rng, one), dynamics, gamma=GAMMA, metric="starc-val")
        for _ in range(10)
    )
    found = follows(rng, METRICS, pairs=10 if small else 200)
    return {"zero": zero, **{f"follows_{name}": value for name, value in found.items()}}


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    ahead = [
        {"ahead": row["follows_starc-val"] - max(row["follows_epic"], row["follows_dard"])}
        for row in rows
    ]
    state = together(
        [
            within(rows, "zero", 0.0, 1e-6),
            higher(rows, "follows_starc-val", "follows_l2", by=0.05),
            higher(ahead, "ahead", -0.02),
        ]
    )
    told = ", ".join(f"{name} {mean(rows, f'follows_{name}'):.2f}" for name in (*METRICS, "l2"))
    return state, (
        f"at most {max(row['zero'] for row in rows):.0e} from disguised copies; rank correlation with "
        f"the regret: {told}"
    )
