"""How good learned rewards are on Pendulum: ``python -m tests.nets.measure_learned``; minutes."""

from __future__ import annotations

import sys

import numpy as np
import torch
from rich.console import Console

from rewardwrap.annotate.teachers import TEACHERS, Teacher
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.preference_recipe import fit_preferences
from rewardwrap.nets.reward_recipe import fit_regression
from tests.nets.conftest import pendulum

EPISODES, STEPS = 60, 200


def main(seeds: int = 5) -> None:
    """Print held-out figures, one line each."""
    torch.set_num_threads(1)
    out = Console(width=120)
    gaps = pendulum(EPISODES, steps=STEPS, missing=0.2)
    found = [fit_regression(gaps, seed=s).metrics["heldout"] for s in range(seeds)]
    for name in ("r2", "mae", "spearman"):
        show(out, f"regression, 20 % missing: {name}", [f[name] for f in found])
    whole = pendulum(EPISODES, steps=STEPS)
    cases: dict[str, tuple[Teacher, BradleyTerry]] = {
        name: (teacher, BradleyTerry(flips=teacher.mistake)) for name, teacher in TEACHERS.items()
    }
    cases["20 % flipped, plain loss"] = Teacher(mistake=0.2), BradleyTerry()
    cases["20 % flipped, noise-aware loss"] = Teacher(mistake=0.2), BradleyTerry(flips=0.2)
    for name, (teacher, rule) in cases.items():
        found = [
            fit_preferences(whole, teacher=teacher, pairs=400, seed=s, objective=rule).metrics
            for s in range(seeds)
        ]
        for figure in ("pair_accuracy", "ece"):
            show(out, f"400 pairs, {name}: {figure}", [f["heldout"][figure] for f in found])


def show(out: Console, name: str, values: list[float]) -> None:
    listed = " ".join(f"{v:.4f}" for v in values)
    out.print(f"{name}: mean {np.mean(values):.4f}, each {listed}", highlight=False)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
