"""Two evolutions and two learners on a platform level; and a start learned on other levels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.vec_env import DummyVecEnv

import rewardwrap_envs  # noqa: F401 - registers Runner
from rewardwrap_policies.evolution import genetic
from rewardwrap_policies.neuro_evolution import NeuroEvolution
from rewardwrap_policies.reptile import reptile
from tests.evidence.harness.judging import Row, State, higher, mean, together, within

CLAIM = (
    "After equal steps on one level of Runner a genetic algorithm on moves is fitter there than on the same "
    "level with another start, where neuro-evolution keeps more of its fitness; and weights of Reptile adapt "
    "to a new level, within 1024 steps, to more than weights from scratch and than weights of as many steps "
    "of plain training on the same levels."
)
SOURCE = "Jain, 2023, arXiv 2312.14963, and RAMario, 2023, arXiv 2305.09655"
BUDGET = 5.0
SEEDS = 5
OBJECT = "rewardwrap_policies.reptile:reptile"
USE = "rewardwrap compare rewardwrap/Runner-v0 --algo ne"
STEPS, ROUNDS, INNER, ADAPT, LANES = 6144, 12, 512, 1024, 8
LEVEL, NEW, SHIFT = 1, 9, 2
"""PPO's rate was chosen on a seed that is not among the rows: at the usual 3e-4 it had not passed the second
pit. The papers' budgets are 1,000,000 episodes and more."""
LEVELS = (2, 3, 4, 5, 6, 7)
SMALL_NET: dict[str, Any] = {"policy_kwargs": {"net_arch": [16]}, "device": "cpu"}


def world(level: int = LEVEL, shift: int = 0) -> Any:
    return gym.make("rewardwrap/Runner-v0", level=level, shift=shift)


def run(seed: int, *, small: bool = False) -> Row:
    steps = 256 if small else STEPS
    found = genetic(world, budget=steps, seed=seed)
    row = {"ga_level": found.fitness, "ga_shifted": _played(found, world(shift=SHIFT))}
    learners: dict[str, Callable[[], Any]] = {
        "ne": lambda: NeuroEvolution("MlpPolicy", world(), seed=seed, **SMALL_NET),
        "ppo": lambda: _ppo(LEVEL, seed),
        "dqn": lambda: DQN(
            "MlpPolicy",
            world(),
            seed=seed,
            learning_starts=500,
            exploration_fraction=0.5,
            **SMALL_NET,
        ),
    }
    for name, made in learners.items():
        agent = made().learn(steps)
        row[f"{name}_level"] = _played(agent, world())
        row[f"{name}_shifted"] = _played(agent, world(shift=SHIFT))
    rounds, inner, adapt = (2, 64, 64) if small else (ROUNDS, INNER, ADAPT)
    meta, joint = (_ppo(LEVELS[0], seed) for _ in range(2))
    reptile(meta, [lanes(level) for level in LEVELS], rounds=rounds, inner=inner, seed=seed)
    # as many steps on the same levels, but every one of them counts
    reptile(
        joint, [lanes(level) for level in LEVELS], rounds=rounds, inner=inner, epsilon=(1.0, 1.0),
        seed=seed,
    )  # fmt: skip
    for name, agent in (("reptile", meta), ("joint", joint), ("scratch", _ppo(NEW, seed))):
        agent.set_env(lanes(NEW))
        row[f"{name}_before"] = _played(agent, world(NEW))
        agent.learn(adapt)
        row[f"{name}_adapted"] = _played(agent, world(NEW))
    return row


def lanes(level: int = LEVEL) -> Any:
    return DummyVecEnv([partial(world, level) for _ in range(LANES)])


def _ppo(level: int, seed: int) -> Any:
    return PPO(
        "MlpPolicy",
        lanes(level),
        n_steps=16,
        batch_size=64,
        learning_rate=1e-3,
        seed=seed,
        **SMALL_NET,
    )


def _played(agent: Any, env: Any) -> float:
    """Fitness of one greedy run."""
    obs, info = env.reset(seed=0)
    state, over = None, False
    while not over:
        action, state = agent.predict(
            obs[None], state, np.array([state is None]), deterministic=True
        )
        obs, _, terminated, truncated, info = env.step(int(action[0]))
        over = terminated or truncated
    return float(info["fitness"])


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    kept = [
        {way: row[f"{way}_shifted"] / max(row[f"{way}_level"], 1e-9) for way in ("ga", "ne")}
        for row in rows
    ]
    state = together(
        [
            higher(rows, "ga_level", "ga_shifted"),
            higher(kept, "ne", "ga"),
            higher(rows, "reptile_adapted", "scratch_adapted"),
            higher(rows, "reptile_adapted", "joint_adapted"),
            within(rows, "ga_level", 0.0, 1000.0),
        ]
    )
    level = ", ".join(
        f"{way} {mean(rows, f'{way}_level'):.0f} and {mean(rows, f'{way}_shifted'):.0f}"
        for way in ("ga", "ne", "ppo", "dqn")
    )
    new = ", ".join(
        f"{way} {mean(rows, f'{way}_before'):.0f} and {mean(rows, f'{way}_adapted'):.0f}"
        for way in ("reptile", "joint", "scratch")
    )
    return state, (
        f"fitness (192 is best) after {STEPS} steps on level {LEVEL}, there and two tiles further on: "
        f"{level}; on level {NEW} before and after {ADAPT} steps: {new} ({ROUNDS} rounds of {INNER} steps on "
        f"{len(LEVELS)} other levels)"
    )
