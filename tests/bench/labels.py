"""Whether an annotator of 50 ms slows a training down: ``python -m tests.bench.labels``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

import rewardwrap as rw
from tests.evidence.events import learner

DELAY, STEPS, ROLLOUT = 0.05, 512, 32
HOW: Mapping[str, tuple[float, int]] = {
    "at once": (0.0, 1),
    "at once again": (0.0, 1),
    "50 ms, beside": (DELAY, 1),
    "50 ms, waited for": (DELAY, 0),
}
"""Seconds a label, and threads that ask; 0: the training asks itself."""


def where(obs: Any) -> list[str]:
    """A sentence for each cell and state of the door: some two hundred, more than can be labelled."""
    return ["you stand at " + " ".join(f"{v:.2f}" for v in row) for row in obs.tolist()]


def speed(delay: float, workers: int, seed: int) -> float:
    """Environment steps a second of a short training of its own."""

    def answer(text: str) -> float:
        time.sleep(delay)
        return 0.0

    loop = rw.EventLoop(None, key=where, annotator=answer, workers=workers)
    model = learner(rw.EnvReward() + loop.reward, seed, ROLLOUT)
    began = time.perf_counter()
    model.learn(STEPS, callback=loop)
    return STEPS / (time.perf_counter() - began)


def main() -> None:
    """Each way in turn; ratios are taken within a turn, and the median of them is told."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.labels", description=__doc__)
    parser.add_argument("--turns", type=int, default=12)
    turns = parser.parse_args().turns
    torch.set_num_threads(1)
    speed(0.0, 1, 0)  # imports and first calls
    ways = list(HOW.values())
    found = np.empty((turns, len(ways)))
    for turn in range(turns):
        # each way begins as often as any other
        for i in np.roll(np.arange(len(ways)), turn):
            found[turn, i] = speed(*ways[i], turn)
    ratio = found / found[:, :1]
    for name, own, all_of_it in zip(HOW, found.T, ratio.T, strict=True):
        low, middle, high = np.quantile(all_of_it, (0.25, 0.5, 0.75))
        print(f"{name:18s} {np.median(own):6.0f} steps/s  {middle:5.2f} [{low:.2f}, {high:.2f}]")


if __name__ == "__main__":
    main()
