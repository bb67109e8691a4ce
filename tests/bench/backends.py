"""What the layer costs on every back end: ``python -m tests.bench.backends [--pairs 100] [--only sync]``.

Frames per second of `rw.make(..., backend=...)` over those of the same lanes without it, as their library
steps them (`bare`, twice for the A/A control): SB3's VecEnv, or the gymnasium vector environment below the
adapter, whose own share is the row "adapter". Processor time of the process with all its threads; of
workers, the wall. A back end whose package is missing is left out.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from rich.console import Console

import rewardwrap as rw
from tests.bench.table import Row, at_least, show
from tests.bench.tapes import play_vector, play_venv, tape
from tests.bench.timing import measure

LANES, GOAL = 8, 0.97
CLIPPED = rw.Sign(rw.EnvReward()).named("clipped")
HEIGHT = rw.EnvReward() + rw.Potential("torso_z", gamma=0.99).named("height")
LEAN = rw.EnvReward() + rw.Potential({"pole_angle": -1.0, "bias": 0.5}, gamma=0.99).named("lean")


@dataclass(frozen=True)
class Case:
    """Lanes of one environment on one back end.

    Args:
        backend: As `rw.make` calls it.
        env: Name of a recipe.
        reward: What is paid.
        steps: Of a block.
        needs: The package that steps it.
    """

    backend: str
    env: str
    reward: rw.Reward
    steps: int
    needs: str = "stable_baselines3"


CASES = (
    Case("dummy", "CartPole-v1", LEAN, 400),
    Case("dummy", "Hopper-v5", HEIGHT, 60, "mujoco"),
    Case("sync", "CartPole-v1", LEAN, 400),
    Case("sync", "Hopper-v5", HEIGHT, 60, "mujoco"),
    Case("subproc", "Hopper-v5", HEIGHT, 60, "mujoco"),
    Case("ale-vector", "ALE/Pong-v5", CLIPPED, 30, "ale_py"),
    Case("envpool", "Hopper-v5", HEIGHT, 60, "envpool"),
    Case("envpool", "ALE/Pong-v5", CLIPPED, 30, "envpool"),
)


def rows(pairs: int, only: str | None = None) -> Iterator[Row]:
    """One row for each case, and one for the adapter alone."""
    for case in CASES:
        if find_spec(case.needs) and only in (None, case.backend):
            yield from _of(case, pairs)


def _of(case: Case, pairs: int) -> Iterator[Row]:
    made = [_made(case) for _ in range(4)]
    below: list[Any] = [_bare(venv) for venv in made[:2]]
    actions = tape(made[0].action_space, case.steps, LANES)
    variants = {"bare": below[0], "bare2": below[1], "ours": made[2]}
    pool = isinstance(below[0], VectorEnv)
    if pool:
        variants["adapter"] = made[3].venv
    blocks = {
        name: (play_vector if isinstance(env, VectorEnv) else play_venv)(env, actions)
        for name, env in variants.items()
    }
    clock = time.perf_counter_ns if case.backend == "subproc" else time.process_time_ns
    times = measure(blocks, steps=case.steps * LANES, pairs=pairs, clock=clock)
    for venv in made:
        venv.close()
    fps = {name: 1e9 / float(np.median(ns)) for name, ns in times.ns.items()}
    what = f"{case.backend}, {case.env}, {LANES} lanes"
    yield at_least(
        GOAL,
        "F5",
        f"{what} ({fps['bare']:.0f} fps): speed, ours / bare",
        times.speed("ours"),
        times,
    )
    if pool:
        yield at_least(None, "F5", f"{what}: the adapter / bare", times.speed("adapter"), times)


def _made(case: Case) -> Any:
    return rw.make(case.env, case.reward, n_envs=LANES, seed=0, gamma=0.99, backend=case.backend)


def _bare(venv: Any) -> Any:
    """The lanes below reward and adapter."""
    return getattr(venv.venv, "env", venv.venv)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--only", metavar="BACKEND")
    options = parser.parse_args()
    torch.set_num_threads(1)
    # MuJoCo writes a log into the working directory
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        found = list(rows(options.pairs, options.only))
        os.chdir("/")
    show(found, Console(width=None if os.isatty(1) else 150))


if __name__ == "__main__":
    main()
