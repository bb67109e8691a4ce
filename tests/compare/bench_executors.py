"""What executors cost: ``python tests/compare/bench_executors.py [local ray slurm] [--scaling]``.

Overhead of a run: the time between two runs that end one after the other in one worker, less the time
that the second one took by its own clock; the median, after the first, which pays for the imports.
Scaling: the same runs with two workers and with one, in turn, each with its start; more than two cores
or another load make the ratio mean something else. All of it takes about four minutes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from rewardwrap.compare.executors import executor_named
from rewardwrap.compare.plan import plan_from
from rewardwrap.compare.spec import Spec, run_id
from rewardwrap.compare.store import Store


def specs(runs: int, steps: int) -> list[Spec]:
    data = {
        "env": "FrozenLake-8x8",
        "algo": "ppo",
        "steps": steps,
        "seeds": runs,
        "strategies": {"potential": "potential"},
        "evaluation": {"every": steps // 4, "episodes": 2},
    }
    return plan_from(data).specs()


def ends(name: str, work: list[Spec], jobs: int, folder: Path) -> tuple[list[float], list[float]]:
    """Seconds from the start to the end of each run, and what each took by its own clock."""
    store = Store(folder / "runs")
    address = "local" if name == "slurm" else None
    executor: Any = executor_named(name, store, jobs=jobs, address=address)
    started, at, took = time.perf_counter(), [], []
    for spec in work:
        executor.submit(spec)
    for outcome in executor.as_done():
        assert outcome.error is None, outcome.error
        at.append(time.perf_counter() - started)
        took.append(store.summary(run_id(outcome.spec))["wall_seconds"])
    executor.cancel()
    return at, took


def overhead(name: str, runs: int = 6) -> float:
    with tempfile.TemporaryDirectory() as folder:
        at, took = ends(name, specs(runs, 1024), 1, Path(folder))
    return statistics.median(b - a - t for a, b, t in zip(at, at[1:], took[1:], strict=False))


def scaling(runs: int = 8, steps: int = 30_000, rounds: int = 2) -> list[float]:
    found = []
    for _ in range(rounds):
        wall = []
        for jobs in (1, 2):
            with tempfile.TemporaryDirectory() as folder:
                wall.append(ends("local", specs(runs, steps), jobs, Path(folder))[0][-1])
        print(f"one worker {wall[0]:.1f} s, two {wall[1]:.1f} s: {wall[0] / wall[1]:.2f}x")
        found.append(wall[0] / wall[1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["local", "ray", "slurm"])
    parser.add_argument("--scaling", action="store_true")
    args = parser.parse_args()
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}")
    for name in args.names:
        seconds = overhead(name)
        print(f"{name}: {seconds:.3f} s a run, {seconds / 60:.2%} of a run of 60 s")
    if args.scaling:
        print(f"two workers against one: {statistics.median(scaling()):.2f}x")


if __name__ == "__main__":
    main()
