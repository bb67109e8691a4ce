"""Cost of a distance: EPIC on 512 rows with 512 draws in Hopper: ``python -m tests.bench.distances``.

CPU seconds of one pair, interval and noise floor included: with the episodes played anew, on stored
episodes, and there between two networks of 64 x 64. A/A: the stored case a second time.
"""

from __future__ import annotations

import argparse
from typing import Any

import gymnasium as gym
import torch

import rewardwrap as rw
from rewardwrap.evaluate.distance.coverage import gather
from tests.bench.timing import Estimate, measure

ENV = "Hopper-v5"
STEPS = 4104


def forward(obs: Any, action: Any, next_obs: Any) -> Any:
    """Velocity of the torso."""
    return next_obs[:, 5]


def effort(obs: Any, action: Any, next_obs: Any) -> Any:
    """The same, and a price for torque."""
    return next_obs[:, 5] - 0.1 * (action**2).sum(axis=1)


class Net(torch.nn.Module):
    """A reward network of state, action and next state."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.body = torch.nn.Sequential(
            torch.nn.Linear(25, 64), torch.nn.Tanh(), torch.nn.Linear(64, 64), torch.nn.Tanh(),
            torch.nn.Linear(64, 1),
        )  # fmt: skip

    def forward(self, obs: Any, action: Any, next_obs: Any) -> Any:
        return self.body(torch.cat([obs, action, next_obs], dim=1))[:, 0]


def distances(pairs: int) -> tuple[dict[str, Estimate], float]:
    """Case -> CPU seconds, and the A/A control."""
    env = gym.make(ENV)
    stored = gather(env, seed=0, steps=STEPS).episodes
    nets = Net(0), Net(1)

    def on_stored() -> Any:
        return rw.evaluate.reward_distance(forward, effort, coverage=stored, seed=0)

    times = measure(
        {
            "bare": on_stored,
            "bare2": on_stored,
            "played": lambda: rw.evaluate.reward_distance(forward, effort, env=env, seed=0),
            "networks": lambda: rw.evaluate.reward_distance(*nets, coverage=stored, seed=0),
        },
        steps=1,
        pairs=pairs,
        warmup=1,
    )
    env.close()
    names = {"bare": "stored episodes", "played": "episodes played", "networks": "two networks"}
    return {
        title: Estimate.of(times.ns[name] / 1e9) for name, title in names.items()
    }, times.control


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.distances", description=__doc__)
    parser.add_argument("--pairs", type=int, default=10)
    torch.set_num_threads(1)
    found, control = distances(parser.parse_args().pairs)
    for title, seconds in found.items():
        print(f"{ENV}, epic 512 x 512, {title}: {seconds.value:.2f} s "
              f"[{seconds.low:.2f}, {seconds.high:.2f}]; A/A {control:.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
