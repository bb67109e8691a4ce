"""A share of steps on lava that is asked for, and the multiplier that finds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together, within

CLAIM = (
    "On a grid whose short way leads over lava the share of steps on lava ends within .03 of the limit "
    "that is asked for (.1, .2 and .4), and no limit takes more than a tenth of the task's return off "
    "what the best fixed weight within that limit earns."
)
SOURCE = "Roy et al., 2021, arXiv 2112.12228"
BUDGET = 3.0
LIMITS = (0.1, 0.2, 0.4)
WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0)
WIDTH, HEIGHT, CAP, EPISODES = 5, 2, 60, 24


class Lava(gym.Env[Any, Any]):
    """Two rows: along the lower one it is 4 steps to the goal, 3 of them on lava; above it 6 without.

    Every step pays -1. Observation: the number of the cell.
    """

    def __init__(self) -> None:
        self.observation_space = gym.spaces.Discrete(WIDTH * HEIGHT)
        self.action_space = gym.spaces.Discrete(3)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.row = self.column = self.clock = 0
        return np.int64(0), {"lava": 0.0}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        if action == 0:
            self.column = min(self.column + 1, WIDTH - 1)
        else:
            self.row = 1 if action == 1 else 0
        self.clock += 1
        over = self.row == 0 and self.column == WIDTH - 1
        lava = float(self.row == 0 and 0 < self.column < WIDTH - 1)
        cell = np.int64(self.row * WIDTH + self.column)
        return cell, -1.0, over, self.clock >= CAP, {"lava": lava}


def on_lava(info: Any) -> Any:
    """Whether a step ended on lava."""
    return info["lava"]


def run(seed: int, *, small: bool = False) -> Row:
    rollouts = 3 if small else 800
    lava = rw.function(on_lava) > 0.5
    row = {}
    for limit in LIMITS:
        rates = rw.Rates(rw.EnvReward(), at_most={"lava": (lava, limit)})
        share, length = _learn(rates, seed, rollouts, rates.adapt)
        row[f"off_{limit}"], row[f"return_{limit}"] = abs(share - limit), -length
    fixed = []
    for weight in WEIGHTS:
        paid = (rw.EnvReward() - weight * lava) / (1 + weight)
        fixed.append(_learn(paid, seed, rollouts // 2, lambda: None))
    for limit in LIMITS:
        kept = [-length for share, length in fixed if share <= limit + 0.03]
        row[f"fixed_{limit}"] = max(kept, default=-float(CAP))
    row["fixed_nearest"] = min(abs(share - 0.2) for share, _ in fixed)
    return row


def _learn(
    reward: rw.Reward, seed: int, rollouts: int, after: Callable[[], Any]
) -> tuple[float, float]:
    """REINFORCE on tabular logits; share of lava and length of episodes in the last tenth."""
    rng, env = np.random.default_rng(seed), rw.wrap(Lava(), reward)
    logits, baseline, late = np.zeros((WIDTH * HEIGHT, 3)), 0.0, []
    env.reset(seed=seed)
    for number in range(rollouts):
        step, gains, seen = np.zeros_like(logits), [], np.zeros(2)
        for _ in range(EPISODES):
            taken, total, lava = _episode(env, rng, logits)
            gains.append(total)
            seen += lava, len(taken)
            for cell, action, chance in taken:
                step[cell] -= (total - baseline) * chance
                step[cell, action] += total - baseline
        baseline = float(np.mean(gains))
        logits += 0.3 * step / EPISODES
        after()
        if number >= rollouts - max(1, rollouts // 10):
            late.append(seen)
    lava, steps = np.sum(late, axis=0)
    return float(lava / steps), float(steps / (len(late) * EPISODES))


def _episode(
    env: Any, rng: np.random.Generator, logits: np.ndarray
) -> tuple[list[Any], float, float]:
    cell, _ = env.reset()
    taken, total, lava, over = [], 0.0, 0.0, False
    while not over:
        chance = np.exp(logits[cell] - logits[cell].max())
        chance /= chance.sum()
        action = int(np.searchsorted(np.cumsum(chance)[:-1], rng.random()))
        taken.append((cell, action, chance))
        cell, reward, terminated, truncated, info = env.step(action)
        total, lava = total + float(reward), lava + info["lava"]
        over = terminated or truncated
    return taken, total, lava


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    allowed = [{**r, **{f"floor_{d}": 1.1 * r[f"fixed_{d}"] for d in LIMITS}} for r in rows]
    state = together(
        [within(rows, f"off_{d}", 0.0, 0.03) for d in LIMITS]
        + [higher(allowed, f"return_{d}", f"floor_{d}") for d in LIMITS]
    )
    off = ", ".join(f"{mean(rows, f'off_{d}'):.3f} at {d:g}" for d in LIMITS)
    told = ", ".join(
        f"{mean(rows, f'return_{d}'):.2f} against {mean(rows, f'fixed_{d}'):.2f}" for d in LIMITS
    )
    return state, (
        f"the share is off by {off}; return {told} of the best of {len(WEIGHTS)} fixed weights, of which "
        f"none comes nearer to .2 than {mean(rows, 'fixed_nearest'):.2f}"
    )
