"""A bonus for watching television, raw and taken back."""

from __future__ import annotations

from collections.abc import Sequence

import gymnasium as gym
import numpy as np

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together, within
from tests.evidence.worlds.tabular import climb, learn

CLAIM = (
    "A bonus of 0.3 for watching television keeps REINFORCE from a goal that pays 1; taken back at the end "
    "(PBIM) or one step later (GRM), it does not. One-step Q-learning on the cell alone, which cannot see "
    "what is owed, is shown beside it and not judged."
)
SOURCE = "arXiv 2402.07411, 2410.12197"
BUDGET = 0.5
IDLE = rw.Field("idle_bonus")
FORMS = {
    "none": rw.EnvReward(),
    "raw": rw.EnvReward() + IDLE,
    "pbim": rw.EnvReward() + IDLE.safe(),
    "grm": rw.EnvReward() + IDLE.safe(delay=1),
}


def run(seed: int, *, small: bool = False) -> Row:
    row = {name: climbed(reward, seed, small) for name, reward in FORMS.items()}
    return {**row, "q_grm": _one_step(FORMS["grm"], seed, small)}


def _env(reward: rw.Reward, gamma: float) -> gym.Env:
    """The learner sees its cell alone; the reward is of the environment below."""
    paid = rw.wrap(gym.make("rewardwrap/NoisyTV-v0"), reward, gamma=gamma)
    return gym.wrappers.TransformObservation(paid, lambda obs: obs[:1], gym.spaces.Box(0, 1, (1,)))


def climbed(reward: rw.Reward, seed: int, small: bool) -> float:
    """The mean true return of late episodes: the share of them that reach the goal."""
    updates, batch = (1, 2) if small else (30, 32)
    rng = np.random.default_rng(seed)
    return climb(_env(reward, 1.0), rng, updates=updates, batch=batch)[0]


def _one_step(reward: rw.Reward, seed: int, small: bool) -> float:
    episodes = 3 if small else 150
    run = learn(
        _env(reward, 0.95),
        np.random.default_rng(seed),
        steps=50 * episodes,
        gamma=0.95,
        stop=lambda run: len(run.lengths) >= episodes,
    )
    return float(np.mean(np.array(run.lengths[-50:]) < 50))


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            within(rows, "raw", 0.0, 0.3),
            higher(rows, "pbim", "raw", by=0.5),
            higher(rows, "grm", "raw", by=0.5),
        ]
    )
    shares = ", ".join(f"{mean(rows, name):.2f} {name}" for name in FORMS)
    reached = ", ".join(f"{sum(r[n] > 0.5 for r in rows)}/{len(rows)} {n}" for n in FORMS)
    return state, (
        f"late episodes that reach the goal: {shares}; seeds above half: {reached}; one-step Q-learning with "
        f"GRM, which sees no debt: {mean(rows, 'q_grm'):.2f}"
    )
