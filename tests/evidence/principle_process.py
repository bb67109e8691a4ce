"""SearchQA under step scores: alone, beside nothing but the outcome, and shifted by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np

import rewardwrap as rw
import rewardwrap_envs  # noqa: F401  registers SearchQA
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.tabular import climb

CLAIM = (
    "Step scores alone, of a careless judge or by principles, make a searcher search on and lose its "
    "answers; shifted by the outcome, both keep it answering, at least as rightly as the outcome alone."
)
SOURCE = "Xu et al., 2025, arXiv 2509.25598"
BUDGET = 1
SEEDS = 10
UPDATES = 120
LOOKED = rw.Native("new_search").maximum(rw.Native("on_topic"))
RULES = {
    "looks for what is new, or at what it found": LOOKED.maximum(rw.Native("grounded")),
    "answers from what was read": rw.Native("grounded").maximum(1.0 - rw.Native("ended")),
}
CARELESS, PRINCIPLED = rw.Native("search_score"), rw.PrincipleProcess(RULES)
REWARDS = {
    "outcome": rw.EnvReward(),
    "careless": 1.0 * CARELESS,
    "principled": 1.0 * PRINCIPLED,
    "renorm_careless": rw.ReNorm(CARELESS),
    "renorm_principled": rw.ReNorm(PRINCIPLED),
}


def searching() -> gym.Env[Any, Any]:
    """What lies on the table and what was read, without counts: twelve states for a table of logits."""
    seen = gym.spaces.Box(0.0, 1.0, (5,), np.float32)
    env = gym.make("rewardwrap/SearchQA-v0")
    return gym.wrappers.TransformObservation(env, lambda obs: obs[[0, 1, 4, 5, 6]], seen)


def run(seed: int, *, small: bool = False) -> Row:
    row = {}
    for name, reward in REWARDS.items():
        env = rw.wrap(searching(), reward)
        rng = np.random.default_rng(seed)
        row[f"success_{name}"], row[f"length_{name}"] = climb(
            env, rng, updates=5 if small else UPDATES, batch=16, rate=1.0
        )
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    kinds = ("careless", "principled")
    drift = [higher(rows, "success_outcome", f"success_{kind}", by=0.3) for kind in kinds]
    kept = [
        higher(
            [{"gap": row[f"success_renorm_{kind}"] - row["success_outcome"]} for row in rows],
            "gap",
            -0.05,
        )
        for kind in kinds
    ]
    told = ", ".join(
        f"{name.replace('_', ' ')} {mean(rows, f'success_{name}'):.2f}" for name in REWARDS
    )
    return together([*drift, *kept]), f"right answers in the last fifth of training: {told}"
