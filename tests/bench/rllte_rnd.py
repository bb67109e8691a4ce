"""What rllte's RND costs, in an environment of its own: ``python tests/bench/rllte_rnd.py``.

Not of this package's environment: rllte-core 1.0.1 asks for gymnasium 1.0.0. Beside it,
``python -m tests.bench.exploration --only RND`` in this one's.
"""

from __future__ import annotations

import importlib
import time
from typing import Any

import gymnasium as gym
import numpy as np
import torch

LANES, OBS, ACTIONS, STEPS, TURNS = 8, 17, 6, 128, 12


class Noise(gym.Env[Any, Any]):
    """Random numbers: rllte plays in its constructor."""

    observation_space = gym.spaces.Box(-np.inf, np.inf, (OBS,), np.float32)
    action_space = gym.spaces.Box(-1.0, 1.0, (ACTIONS,), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return self.observation_space.sample(), 0.0, False, False, {}


def main() -> None:
    """CPU microseconds a row: to pay a rollout, and to pay it and learn from it, once through."""
    torch.set_num_threads(1)
    rnd = importlib.import_module("rllte.xplore.reward").RND
    bonus = rnd(gym.vector.SyncVectorEnv([Noise] * LANES))
    took: dict[bool, list[float]] = {False: [], True: []}
    for turn in range(TURNS):
        learns = turn % 2 == 1
        obs = torch.randn(STEPS + 1, LANES, OBS)
        none = torch.zeros(STEPS, LANES)
        rows = {
            "observations": obs[:-1],
            "actions": torch.rand(STEPS, LANES, ACTIONS),
            "rewards": none,
            "terminateds": none,
            "truncateds": none,
            "next_observations": obs[1:],
        }
        began = time.process_time_ns()
        for t in range(STEPS):
            one = (rows[name][t] for name in rows)
            bonus.watch(*one)
        bonus.compute(rows, sync=learns)
        took[learns].append((time.process_time_ns() - began) / 1e3 / (STEPS * LANES))
    paying, both = (float(np.median(took[learns][1:])) for learns in (False, True))
    print(f"{paying:.1f} us a row to pay, {both - paying:.1f} to learn once from each")


if __name__ == "__main__":
    main()
