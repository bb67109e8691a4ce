"""What reward code adds to a step of a real environment, in processor time: python -m tests.bench.price."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import rewardwrap as rw

SOURCE = """
def reward(obs, action, next_obs, info):
    a = 0.5 * next_obs[:, 0]
    b = -0.1 * np.square(next_obs[:, 1])
    return a + b, {"a": a, "b": b}
"""
SETTINGS = (("CartPole-v1", 80), ("HalfCheetah-v5", 20))
"""Environment, steps of a block."""
LANES, BLOCKS, BEFORE = (1, 8, 16), 9, 20


def here(next_obs: Any) -> Any:
    """The same as a function of this process."""
    return 0.5 * next_obs[:, 0] - 0.1 * np.square(next_obs[:, 1])


def spent(venv: Any) -> float:
    """Seconds on the processor so far, trainer and worker together."""
    worker = getattr(venv.reward, "worker", None)
    other = 0.0
    if worker:
        other = int(Path(f"/proc/{worker}/schedstat").read_text().split()[0]) * 1e-9
    return time.process_time() + other


def measured(env: str, lanes: int, steps: int) -> dict[str, float]:
    """Median us a step of four ways to be paid, in turns."""
    rewards = {
        "bare": rw.EnvReward(),
        "function": rw.function(here),
        "translated": rw.CodeReward(SOURCE),
        "worker": rw.CodeReward(SOURCE, confine="process"),
    }
    venvs: dict[str, Any] = {
        name: rw.make(env, reward, n_envs=lanes, seed=0) for name, reward in rewards.items()
    }
    action = np.array([next(iter(venvs.values())).action_space.sample() for _ in range(lanes)])
    took: dict[str, list[float]] = {name: [] for name in venvs}
    for venv in venvs.values():
        venv.reset()
        for _ in range(BEFORE):
            venv.step(action)
    for _ in range(BLOCKS):
        for name, venv in venvs.items():
            began = spent(venv)
            for _ in range(steps):
                venv.step(action)
            took[name].append((spent(venv) - began) / steps * 1e6)
    for venv in venvs.values():
        venv.close()
    return {name: float(np.median(each)) for name, each in took.items()}


def main() -> None:
    """Print a row for each environment and number of lanes."""
    warnings.simplefilter("ignore")
    for env, steps in SETTINGS:
        for lanes in LANES:
            found = measured(env, lanes, steps)
            more = {name: round(value - found["bare"]) for name, value in found.items()}
            more.pop("bare")
            told = ", ".join(f"{name} +{value}" for name, value in more.items())
            print(f"{env} x{lanes}: bare {found['bare']:.0f} us, {told}", flush=True)


if __name__ == "__main__":
    main()
