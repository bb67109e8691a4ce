"""What a reward costs on lanes of tensors: ``python -m tests.bench.tensors [--device cuda]``.

A potential over `TensorPendulum`, wrapped by `rw.wrap` and by hand (`Handwritten`: the same terms, the same
sums, torch alone; `OneColumn`: a faster one), beside the bare lanes twice as the A/A control. Turns are mixed
inside one process; the median turn counts.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import torch
from gymnasium.vector import VectorWrapper

import rewardwrap as rw
from rewardwrap_envs.tensor_pendulum import TensorPendulum

GAMMA, WEIGHT = 0.99, 0.5
BY_HAND = ("by hand", "by hand, one column")


class Handwritten(VectorWrapper):
    """``r + .5 (gamma Phi(s') - Phi(s))`` with the true reward, the term and the sum recorded."""

    def reset(self, **given: Any) -> Any:
        obs, info = self.env.reset(**given)
        self.phi = obs[:, 0] + 1.0
        self.sums = torch.zeros((3, self.num_envs), device=obs.device)
        self.first = torch.ones(self.num_envs, dtype=torch.bool, device=obs.device)
        return obs, info

    def successor(self, ended: Any, final: Any, obs: Any) -> Any:
        """The column that the potential reads, of what a lane really came to."""
        return torch.where(ended[:, None], final, obs)[:, 0]

    def step(self, actions: Any) -> Any:
        obs, reward, terminated, truncated, info = self.env.step(actions)
        ended = terminated | truncated
        after = self.successor(ended, info["final_obs"], obs) + 1.0
        after = after.masked_fill(terminated, 0.0)
        height = WEIGHT * (GAMMA * after - self.phi)
        self.terms = torch.stack((reward, height, reward + height))
        self.sums = torch.where(self.first, self.terms, self.sums + self.terms)
        info["episode_terms"] = {
            name: self.sums[i] for i, name in enumerate(("env", "height", "shaped"))
        }
        self.phi, self.first = obs[:, 0] + 1.0, ended
        return obs, self.terms[2], terminated, truncated, info


class OneColumn(Handwritten):
    """The same by somebody who puts together only the column that is read."""

    def successor(self, ended: Any, final: Any, obs: Any) -> Any:
        return torch.where(ended, final[:, 0], obs[:, 0])


def measure(lanes: int, device: str, rounds: int, steps: int) -> dict[str, float]:
    """Microseconds of a step, by variant."""
    reward = rw.EnvReward() + WEIGHT * rw.Potential(
        {"pole_cos": 1.0, "bias": 1.0}, gamma=GAMMA
    ).named("height")
    envs: dict[str, Any] = {
        "bare": TensorPendulum(lanes, device=device),
        "bare2": TensorPendulum(lanes, device=device),
        "by hand": Handwritten(TensorPendulum(lanes, device=device)),
        "by hand, one column": OneColumn(TensorPendulum(lanes, device=device)),
        "rewardwrap": rw.wrap(TensorPendulum(lanes, device=device), reward),
    }
    action = torch.zeros((lanes, 1), device=device)
    for env in envs.values():
        env.reset(seed=0)
    order, spent = np.random.default_rng(0), {name: [] for name in envs}
    for _ in range(rounds):
        for name in order.permutation(list(envs)).tolist():
            began = time.perf_counter()
            for _ in range(steps):
                envs[name].step(action)
            if device != "cpu":
                torch.cuda.synchronize()
            spent[name].append((time.perf_counter() - began) / steps * 1e6)
    return {name: float(np.median(turns)) for name, turns in spent.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--steps", type=int, default=25)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"torch {torch.__version__} on {options.device}; goal: rewardwrap / by hand <= 1.10")
    for lanes in (4096, 65536):
        spent = measure(lanes, options.device, options.rounds, options.steps)
        shown = ", ".join(f"{name} {us:.0f} us" for name, us in spent.items())
        ratios = [f"/ {name} {spent['rewardwrap'] / spent[name]:.3f}" for name in BY_HAND]
        print(
            f"{lanes:6d} lanes: {shown}; A/A {spent['bare2'] / spent['bare']:.3f}, {', '.join(ratios)}"
        )


if __name__ == "__main__":
    main()
