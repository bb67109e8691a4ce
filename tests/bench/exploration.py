"""What bonuses cost: a step, and learning from it; printed by ``python -m tests.bench.exploration``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping

import numpy as np
import torch

import rewardwrap as rw
from rewardwrap.core.info import NO_INFO
from rewardwrap.core.stream import Stream

LANES, OBS, ACTIONS, EVERY = 8, 17, 6, 1024
BONUSES: Mapping[str, rw.Reward | None] = {
    "none": None,
    "Counts": rw.Counts(),
    "SimHash": rw.SimHash(),
    "RND": rw.RND(),
    "ICM": rw.ICM(),
    "E3B": rw.E3B(),
    "Disagreement": rw.Disagreement(),
    "NGU": rw.NGU(),
    "RE3": rw.RE3(),
}


def cost(bonus: rw.Reward | None, steps: int) -> tuple[float, float]:
    """Median microseconds of a vector step without an update, and of an update for each row of it."""
    reward: rw.Reward = rw.EnvReward() if bonus is None else rw.EnvReward() + 0.1 * bonus
    stream, rng = Stream(reward, LANES), np.random.default_rng(0)
    obs = rng.normal(size=(steps + 1, LANES, OBS)).astype(np.float32)
    action = rng.uniform(-1, 1, (steps, LANES, ACTIONS)).astype(np.float32)
    paid, never = np.zeros(LANES), np.zeros(LANES, bool)
    stream.begin(obs[0])
    took = []
    for t in range(steps):
        began = time.process_time_ns()
        stream.advance(action[t], obs[t + 1], paid, never, never, NO_INFO)
        took.append(time.process_time_ns() - began)
    # the first 300 steps find scales and fill tables; updates stand out by themselves
    late = np.array(took[300:]) / 1e3
    step = float(np.median(late))
    updates = late[late > 50 * step]
    return step, (float(np.median(updates)) - step) / EVERY if len(updates) else 0.0


def main() -> None:
    """One line a bonus."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.exploration", description=__doc__)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--only", default=",".join(BONUSES), metavar="RND,ICM")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(
        f"{LANES} lanes, {OBS} numbers observed, Box({ACTIONS}): us a vector step, us of learning a row"
    )
    for name in given.only.split(","):
        step, learning = cost(BONUSES[name], given.steps)
        print(f"{name:14s} {step:8.1f} {learning:8.1f}", flush=True)


if __name__ == "__main__":
    main()
