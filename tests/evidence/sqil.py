"""1 for demonstrated steps, 0 for the agent's own: DQN on CartPole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import rewardwrap as rw
from tests.evidence.demonstration_loop import _demonstrations, _return
from tests.evidence.harness.judging import Row, State, higher, mean, together

CLAIM = (
    "With five demonstrations in half of each batch, paid 1 where its own steps are paid 0, DQN keeps "
    "CartPole up "
    "for 450 of 500 steps after 6,000 steps, and longer than on the true reward."
)
SOURCE = "Reddy et al. (SQIL), 2020, arXiv 1905.11108"
BUDGET = 2.0
OBJECT = "rewardwrap.loops.sqil:SQIL"
USE = "rewardwrap train CartPole-v1 --algo dqn --demos demos/ --form sqil"
STEPS, TRIALS, LIMIT, REACHED = 6000, 10, 500, 0.9


def run(seed: int, *, small: bool = False) -> Row:
    sqil = rw.SQIL(demos=_demonstrations(2 if small else 5, 30 if small else LIMIT))
    return {
        "sqil": _trained(sqil.reward, seed, small=small, callback=sqil),
        "true": _trained(rw.EnvReward(), seed, small=small),
    }


def _trained(reward: rw.Reward, seed: int, *, small: bool, callback: Any = None) -> float:
    from stable_baselines3 import DQN

    options: dict[str, Any] = {
        "learning_rate": 1e-3, "gamma": 0.98, "learning_starts": 16 if small else 200,
        "train_freq": 4, "gradient_steps": 4, "target_update_interval": 200, "batch_size": 64,
        "exploration_fraction": 0.3, "exploration_final_eps": 0.02,
        "policy_kwargs": {"net_arch": [64, 64]},
    }  # fmt: skip
    venv = rw.make("CartPole-v1", reward, n_envs=1, seed=seed)
    model = DQN("MlpPolicy", venv, seed=seed, device="cpu", **options)
    model.learn(32 if small else STEPS, callback=callback)
    return _return(model, 1 if small else TRIALS)


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together([higher(rows, "sqil", REACHED), higher(rows, "sqil", "true")])
    least = min(row["sqil"] for row in rows)
    return state, (
        f"share of 500 steps kept up after {STEPS} steps of DQN: {mean(rows, 'sqil'):.0%} with SQIL "
        "(least seed "
        f"{least:.0%}), {mean(rows, 'true'):.0%} on the true reward"
    )
