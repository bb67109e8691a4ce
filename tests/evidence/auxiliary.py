"""Heads that predict the reward and reconstruct the state, on the body of PPO on PushBall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together, within
from tests.evidence.worlds.push import ENOUGH, ENV, EVERY, GAMMA, STEPS, goals

CLAIM = (
    "Heads that predict the reward and reconstruct the state lose at least half of their loss while PPO "
    "learns to push a ball, and with them it needs no more steps to score from 80 % of the starts."
)
SOURCE = "Moschopoulos et al., 2023, arXiv 2305.15801"
BUDGET = 1.5
OBJECT = "rewardwrap.training.auxiliary:Auxiliary"
USE = "rewardwrap train rewardwrap/PushBall-v0 --reward potential --auxiliary reward,state"
HEADS = ("reward", "state")


def run(seed: int, *, small: bool = False) -> Row:
    heads = rw.Auxiliary(HEADS)
    row = {"steps_plain": _steps(None, seed, small), "steps_heads": _steps(heads, seed, small)}
    for name, losses in heads.losses.items():
        row[f"left_{name}"] = losses[-1] / max(losses[0], 1e-9)
    return row


def _steps(heads: Any, seed: int, small: bool) -> float:
    """Until the first evaluation with enough goals; one more than the last where there is none."""
    from stable_baselines3 import PPO

    parts = (rw.Field("align"), rw.Field("speed"), rw.Distance("ball_distance", scale=0.5))
    worth = 1.0 + sum(parts[1:], start=parts[0]) / 3
    reward = 10.0 * rw.EnvReward() + rw.Potential(worth, gamma=GAMMA)
    venv = rw.make(ENV, reward, n_envs=2 if small else 8, seed=seed, gamma=GAMMA)
    options = {"learning_rate": 1e-3, "gamma": GAMMA, "n_epochs": 1 if small else 5, "seed": seed}
    size = {"n_steps": 8, "batch_size": 16} if small else {"n_steps": 128, "batch_size": 256}
    model = PPO("MlpPolicy", venv, **options, **size)
    first = float(STEPS + EVERY)
    for number in range(1 if small else STEPS // EVERY):
        model.learn(32 if small else EVERY, callback=heads, reset_num_timesteps=number == 0)
        if goals(model, 1 if small else 40) >= ENOUGH:
            first = min(first, float((number + 1) * EVERY))
    return first


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    slower = [{**row, "allowed": row["steps_plain"] + EVERY} for row in rows]
    state = together(
        [within(rows, f"left_{name}", 0.0, 0.5) for name in HEADS]
        + [higher(slower, "allowed", "steps_heads")]
    )
    left = ", ".join(f"{mean(rows, f'left_{name}'):.0%} of the {name} head's" for name in HEADS)
    return state, (
        f"{left} loss is left after 40 000 steps of PPO; .8 goals after "
        f"{mean(rows, 'steps_heads'):,.0f} steps with heads, "
        f"{mean(rows, 'steps_plain'):,.0f} without (up to {EVERY:,} more count as no more)"
    )
