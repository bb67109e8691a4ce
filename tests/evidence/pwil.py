"""Ten demonstrations matched greedily, step by step, and no other reward."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

import rewardwrap as rw
from rewardwrap.nets.demonstration_recipe import fit_matched
from tests.evidence.density import STEPS, _trained
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.reaching import demonstrations

CLAIM = (
    "Matching ten demonstrations step by step teaches PPO at least 80 % of what the true reward teaches "
    "it in the same steps; matching ten episodes of random play does not."
)
SOURCE = "Dadashi et al. (PWIL), 2021, arXiv 2006.04678"
BUDGET = 2.0
USE = "rewardwrap fit demonstrations demos/ --method pwil --out model/, then rw.PWIL('model/')"


def run(seed: int, *, small: bool = False) -> Row:
    row = {
        "untrained": _trained(rw.EnvReward(), seed, 0, small=small),
        "true": _trained(rw.EnvReward(), seed, STEPS, small=small),
    }
    for name, noise in (("pwil", 0.0), ("random", 1.0)):
        demos = demonstrations(2 if small else 10, seed, noise=noise)
        with tempfile.TemporaryDirectory() as folder:
            fit_matched(demos, reads=("obs", "next_obs")).save(f"{folder}/model")
            row[name] = _trained(rw.PWIL(f"{folder}/model"), seed, STEPS, small=small)
    row["share"] = (row["pwil"] - row["untrained"]) / max(row["true"] - row["untrained"], 1e-6)
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together([higher(rows, "share", 0.8), higher(rows, "pwil", "random")])
    names = ("untrained", "true", "pwil", "random")
    told = ", ".join(f"{mean(rows, name):.1f} {name}" for name in names)
    return (
        state,
        f"true return after {STEPS} steps of PPO: {told} ({mean(rows, 'share'):.0%} of the gain)",
    )
