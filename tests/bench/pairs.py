"""How long 20,000 answered pairs take: ``OMP_NUM_THREADS=1 python -m tests.bench.pairs [--profile]``.

The whole of ``rewardwrap fit preferences`` but reading and writing: questions and answers of an oracle, 5
epochs of three members of 2 x 64 on clips of 25 steps, figures, cycles among the answers. CPU seconds of
one thread.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time

import numpy as np
import torch

from rewardwrap.data import EpisodeStore
from rewardwrap.nets.preference_recipe import fit_preferences

PAIRS, EPOCHS, MEMBERS, STEPS = 20_000, 5, 3, 200
SIZES = {"Pendulum": (3, 1), "HalfCheetah": (17, 6)}
"""Numbers of an observation and of an action; what a network costs does not depend on their values."""


def noise(episodes: int, obs: int, action: int) -> EpisodeStore:
    """Rows of so many numbers, and a reward of them."""
    draws = np.random.default_rng(0)
    made = []
    for number in range(episodes):
        seen = draws.normal(size=(STEPS + 1, obs)).astype(np.float32)
        acted = draws.uniform(-1, 1, (STEPS, action)).astype(np.float32)
        made.append({
            "obs": seen, "action": acted, "reward": -np.square(seen[:-1]).sum(axis=1, dtype=np.float64),
            "terminated": np.zeros(STEPS, bool), "truncated": np.arange(STEPS) == STEPS - 1,
            "id": str(number),
        })  # fmt: skip
    return EpisodeStore.from_episodes(made)


def main() -> None:
    """Print one row for each size."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pairs", description=__doc__)
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--profile", action="store_true", help="where the time goes")
    options = parser.parse_args()
    torch.set_num_threads(1)
    fit_preferences(noise(5, 1, 1), pairs=10, epochs=1)  # imports and first calls
    print("| numbers of a step | pairs | CPU s | held-out pairs ordered |\n|---|---|---|---|")
    for name, sizes in SIZES.items():
        store = noise(options.episodes, *sizes)
        profile = cProfile.Profile()
        began = time.process_time()
        if options.profile:
            profile.enable()
        fitted = fit_preferences(store, pairs=options.pairs, epochs=EPOCHS, members=MEMBERS)
        profile.disable()
        spent, accuracy = time.process_time() - began, fitted.metrics["heldout"]["pair_accuracy"]
        print(
            f"| {sum(sizes)} ({name}) | {options.pairs:,} | {spent:.1f} | {accuracy:.3f} |",
            flush=True,
        )
        if options.profile:
            pstats.Stats(profile).sort_stats("cumulative").print_stats(25)


if __name__ == "__main__":
    main()
