"""Tabular learners on gymnasium environments of few states, and the chain that shaping is shown on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np

Table = defaultdict[Hashable, np.ndarray]


@dataclass
class Run:
    """What a learner found: action values, and the length of every episode while it learned."""

    q: Table
    lengths: list[int] = field(default_factory=list)

    def steps_until(self, length: int) -> int:
        """Steps taken until an episode of at most ``length`` was over; all of them if none was."""
        total = 0
        for own in self.lengths:
            total += own
            if own <= length:
                break
        return total


def state(obs: Any) -> Hashable:
    """A key for an observation."""
    return tuple(np.round(np.atleast_1d(obs), 6).tolist())


def learn(
    env: gym.Env[Any, Any],
    rng: np.random.Generator,
    *,
    steps: int,
    gamma: float = 1.0,
    alpha: float = 0.2,
    epsilon: float = 0.1,
    on_policy: bool = False,
    stop: Callable[[Run], bool] | None = None,
) -> Run:
    """Q-learning, or SARSA where ``on_policy``; bootstraps at a time limit."""
    count = int(env.action_space.n)  # type: ignore[attr-defined]
    run = Run(defaultdict(lambda: np.zeros(count)))

    def choose(key: Hashable) -> int:
        values = run.q[key]
        if rng.random() < epsilon:
            return int(rng.integers(count))
        return int(rng.choice(np.flatnonzero(values >= values.max() - 1e-9)))

    obs, _ = env.reset(seed=int(rng.integers(2**31)))
    here, length = state(obs), 0
    action = choose(here)
    for _ in range(steps):
        obs, reward, terminated, truncated, _ = env.step(action)
        there, length = state(obs), length + 1
        then = choose(there)
        later = run.q[there][then] if on_policy else run.q[there].max()
        target = float(reward) + (0.0 if terminated else gamma * later)
        run.q[here][action] += alpha * (target - run.q[here][action])
        here, action = there, then
        if terminated or truncated:
            run.lengths.append(length)
            if stop is not None and stop(run):
                break
            obs, _ = env.reset()
            here, length = state(obs), 0
            action = choose(here)
    return run


def climb(
    env: gym.Env[Any, Any],
    rng: np.random.Generator,
    *,
    updates: int,
    batch: int = 32,
    rate: float = 1.0,
) -> tuple[float, float]:
    """REINFORCE on tabular logits, undiscounted, with the running mean return of each start as
    baseline: right also where a reward depends on what is not observed.

    Returns:
        Mean true return in the last fifth of the training, and mean length of those episodes whose
        true return is above 0; 0 where there are none.
    """
    count = int(env.action_space.n)  # type: ignore[attr-defined]
    logits: Table = defaultdict(lambda: np.zeros(count))
    baseline: dict[Hashable, float] = {}
    env.reset(seed=int(rng.integers(2**31)))
    seen: list[tuple[float, int]] = []
    for _ in range(updates):
        gradient: Table = defaultdict(lambda: np.zeros(count))
        for _ in range(batch):
            start, taken, total, true = _episode(env, rng, logits)
            seen.append((true, len(taken)))
            gain = total - baseline.get(start, total)
            baseline[start] = baseline.get(start, total) + 0.1 * gain
            for key, action, chance in taken:
                gradient[key] -= gain * chance
                gradient[key][action] += gain
        for key, step in gradient.items():
            logits[key] += rate * step / batch
    late = seen[-len(seen) // 5 :]
    good = [length for true, length in late if true > 0]
    return float(np.mean([true for true, _ in late])), float(np.mean(good)) if good else 0.0


def _episode(
    env: gym.Env[Any, Any], rng: np.random.Generator, logits: Table
) -> tuple[Hashable, list[tuple[Hashable, int, np.ndarray]], float, float]:
    obs, _ = env.reset()
    start, taken, total, true, over = state(obs), [], 0.0, 0.0, False
    while not over:
        key = state(obs)
        chance = np.exp(logits[key] - logits[key].max())
        chance /= chance.sum()
        action = int(np.searchsorted(np.cumsum(chance)[:-1], rng.random()))
        taken.append((key, action, chance))
        obs, reward, terminated, truncated, info = env.step(action)
        total, true = total + float(reward), true + float(info["reward_terms"]["env"])
        over = terminated or truncated
    return start, taken, total, true


@dataclass(frozen=True)
class Played:
    """Greedy play: means over episodes."""

    returns: float
    length: float
    last_info: dict[str, Any]
    last_obs: Any


def play(env: gym.Env[Any, Any], q: Table, *, episodes: int = 1, cap: int = 1000) -> Played:
    """What the greedy policy earns in the environment itself."""
    total, length, info = 0.0, 0, {}
    obs: Any = None
    for seed in range(episodes):
        obs, info = env.reset(seed=seed)
        for _ in range(cap):
            obs, reward, terminated, truncated, info = env.step(int(q[state(obs)].argmax()))
            total, length = total + float(reward), length + 1
            if terminated or truncated:
                break
    return Played(total / episodes, length / episodes, dict(info), obs)


class Corridor(gym.Env[Any, Any]):
    """Cells 0 .. n - 1; action 1 goes right, the others left; 1 for the last cell, where it ends."""

    def __init__(self, cells: int = 30, actions: int = 2, limit: int = 10_000) -> None:
        self.observation_space = gym.spaces.Discrete(cells)
        self.action_space = gym.spaces.Discrete(actions)
        self.cells, self.limit = cells, limit
        self.cell = self.clock = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.cell = self.clock = 0
        return np.int64(0), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.cell = min(max(self.cell + (1 if action == 1 else -1), 0), self.cells - 1)
        self.clock += 1
        there = self.cell == self.cells - 1
        return np.int64(self.cell), float(there), there, self.clock >= self.limit, {}
