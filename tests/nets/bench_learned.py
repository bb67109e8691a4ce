"""Speed of learned rewards: ``python -m tests.nets.bench_learned``.

Every figure is a ratio inside one process, variants alternating, with an A/A control beside it; the
absolute ones say so. Needs no data: what a network costs does not depend on its weights.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from rich.console import Console
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

import rewardwrap as rw
from rewardwrap.adapters.offline import transitions
from rewardwrap.data import EpisodeStore, Preferences, sample_fragments
from rewardwrap.nets.folder import save_model
from rewardwrap.nets.network import RewardNet
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.tables import pairs_table
from rewardwrap.nets.trainer import fit
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.parts import plain_space
from tests.bench.table import Row, at_least, show
from tests.bench.tapes import play_venv, tape
from tests.bench.timing import Estimate, measure

LANES = 8


def model_of(env: gym.Env[Any, Any], folder: str, **options: Any) -> str:
    """A model with random weights for an environment."""
    spaces = {
        "obs": plain_space(env.observation_space),
        "action": plain_space(env.action_space),
    }
    net = RewardNet(Inputs.of(spaces, ("obs", "action")), **options)
    return str(save_model(net, folder, objective="bench", metrics={"heldout": {}}))


def in_situ(folder: str, env_id: str, pairs: int, steps: int, bound: Any) -> list[Row]:
    """A vector environment with the reward over the same without it."""
    path = model_of(gym.make(env_id), f"{folder}/{env_id}")

    def lanes(wrap: Callable[[VecEnv], VecEnv] = lambda venv: venv) -> VecEnv:
        return wrap(DummyVecEnv([lambda: gym.make(env_id)] * LANES))

    venvs = {
        "bare": lanes(),
        "bare2": lanes(),
        "learned": lanes(lambda venv: rw.wrap(venv, rw.Learned(path))),
        "normalised": lanes(lambda venv: rw.wrap(venv, rw.Learned(path).normalize())),
    }
    actions = tape(venvs["bare"].action_space, steps, LANES)
    times = measure(
        {name: play_venv(venv, actions) for name, venv in venvs.items()}, steps=steps, pairs=pairs
    )
    return [
        at_least(
            low, "L", f"{env_id} x {LANES}, 2 x 64: speed {name} / bare", times.speed(name), times
        )
        for name, low in zip(("learned", "normalised"), bound, strict=True)
    ]


def relabelling(folder: str, rows: int, pairs: int) -> dict[str, Estimate]:
    """Million rows per second through 2 x 64 units and more; absolute."""
    rng = np.random.default_rng(0)
    found = {}
    for env_id in ("Pendulum-v1", "HalfCheetah-v5"):
        env = gym.make(env_id)
        wide = env.observation_space.shape[0]  # type: ignore[index]
        episode = {
            "obs": rng.normal(size=(rows + 1, wide)).astype(np.float32),
            "action": rng.uniform(-1, 1, (rows, *env.action_space.shape)).astype(np.float32),  # type: ignore[misc]
            "reward": np.zeros(rows),
            "terminated": np.zeros(rows, bool),
            "truncated": np.zeros(rows, bool),
        }
        shapes: dict[str, dict[str, Any]] = {
            "2 x 64": {},
            "2 x 256": {"hidden": (256, 256)},
            "2 x 64, ensemble of 5": {"members": 5},
        }
        for name, options in shapes.items():
            reward = rw.Learned(model_of(env, f"{folder}/{env_id}-{name}", **options))
            spent = []
            batch = transitions(episode)
            reward.over_time(batch)
            for _ in range(pairs):
                begin = time.process_time()
                rw.relabel(reward, episode)
                spent.append(rows / (time.process_time() - begin) / 1e6)
            found[f"{env_id}, {name}"] = Estimate.of(np.array(spent))
    return found


def preference_training(pairs: int, episodes_of_1000: int) -> dict[str, Estimate]:
    """Pairs per second: 500 pairs of two clips of 50 steps, 32 x 32 units; absolute, and the ensemble.

    The fewer episodes the clips come from, the more of their 50,000 steps are the same rows.
    """
    rng = np.random.default_rng(0)
    episodes = [
        {
            "obs": rng.normal(size=(1001, 17)).astype(np.float32),
            "action": rng.uniform(-1, 1, (1000, 6)).astype(np.float32),
            "reward": rng.normal(size=1000),
            "terminated": np.zeros(1000, bool),
            "truncated": np.zeros(1000, bool),
        }
        for _ in range(episodes_of_1000)
    ]
    store = EpisodeStore.from_episodes(episodes)
    clips = [sample_fragments(store, 500, 50, seed=i) for i in (0, 1)]
    asked = Preferences(*clips, rng.integers(2, size=500).astype(float))
    distinct = len(np.unique(np.concatenate([c.rows.ravel() for c in clips])))
    name = f"overlap {50_000 / distinct:.1f}, batch {BATCH}"

    def spend(members: int) -> float:
        inputs = Inputs.of(
            {
                "obs": {"sort": "box", "shape": [17], "dtype": "float32"},
                "action": {"sort": "box", "shape": [6], "dtype": "float32"},
            },
            ("obs", "action"),
        )
        net = RewardNet(inputs, hidden=(32, 32), members=members)
        table = pairs_table(net, asked)
        begin = time.process_time()
        fit(net, BradleyTerry(), table, epochs=10, batch=BATCH)
        return 5000 / (time.process_time() - begin)

    one, three, again = [], [], []
    for _ in range(pairs + 1):
        one.append(spend(1))
        three.append(spend(3))
        again.append(spend(1))
    first, ensemble, control = (np.array(v[1:]) for v in (one, three, again))
    return {
        f"{name}: pairs/s, one network": Estimate.of(first),
        f"{name}: pairs/s, ensemble of 3": Estimate.of(ensemble),
        f"{name}: ensemble of 3 / one": Estimate.of(ensemble / first),
        f"{name}: A/A control": Estimate.of(control / first),
    }


BATCH = 128


def main(pairs: int = 20) -> None:
    """Print every table."""
    import tempfile

    torch.set_num_threads(1)
    out = Console(width=120)
    with tempfile.TemporaryDirectory() as folder:
        rows = in_situ(folder, "HalfCheetah-v5", pairs, 250, (0.89, 0.85))
        rows += in_situ(folder, "Hopper-v5", pairs, 250, (None, None))
        rows += in_situ(folder, "CartPole-v1", pairs, 1000, (None, None))
        show(rows, out)
        for name, value in relabelling(folder, 1_000_000, 5).items():
            out.print(f"relabel {name}: {value.value:.2f} M/s [{value.low:.2f}, {value.high:.2f}]")
    for episodes in (200, 17, 5):
        for name, value in preference_training(max(5, pairs // 2), episodes).items():
            digits = 0 if value.value > 10 else 3
            out.print(
                f"{name}: {value.value:,.{digits}f} "
                f"[{value.low:,.{digits}f}, {value.high:,.{digits}f}]"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
