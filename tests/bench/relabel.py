"""How fast stored steps are paid anew: ``python -m tests.bench.relabel [--rows 1e6] [--parquet 1e8]``.

Potentials and a net of 2 x 64 units, from a log and inside SB3's replay buffer, million rows a second of CPU
time; beside each the same work again (A/A), and the matrix products of the net alone, `bare_products`: no
numpy pays faster. ``--parquet`` writes a file of so many rows, pays it block by
block in a process of its own, and says its largest resident size.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from stable_baselines3.common.buffers import ReplayBuffer

import rewardwrap as rw
from rewardwrap.loops.relabelling import relabel
from tests.bench.memory import peak
from tests.bench.timing import Estimate
from tests.nets.bench_learned import model_of

LENGTH, BLOCK = 1000, 250_000
STREAMED = """
import sys
from pathlib import Path

import rewardwrap as rw
from rewardwrap.data.readers.batches import readings
from rewardwrap.data.reading import Options

reward, steps = rw.EnvReward() + rw.Potential(lambda obs: obs[:, 0], gamma=0.99), 0
for block in readings(Path(sys.argv[1]), Options(boundary=("id:episode",))):
    paid = rw.relabel(reward, [episode.columns() for episode in block.store])
    steps += sum(map(len, paid))
assert steps == int(sys.argv[2]), steps
"""


def as_parquet(path: Path, steps: int) -> None:
    """Two observations, one action, the reward and the number of the episode."""
    rng, writer = np.random.default_rng(0), None
    for begin in range(0, steps, BLOCK):
        n = min(BLOCK, steps - begin)
        columns = {name: rng.normal(size=n).astype(np.float32) for name in ("obs_0", "obs_1")}
        columns |= {"action_0": rng.uniform(-1, 1, n).astype(np.float32)}
        columns |= {"reward": rng.normal(size=n), "episode": np.arange(begin, begin + n) // LENGTH}
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table, row_group_size=100_000)
    assert writer is not None
    writer.close()


def streamed(steps: int) -> str:
    """One line: GB and seconds of a process that pays a file of so many rows."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.parquet"
        as_parquet(path, steps)
        size = path.stat().st_size / 1e9
        gb, seconds = peak([sys.executable, "-c", STREAMED, str(path), str(steps)])
    return f"{steps:,} rows of Parquet ({size:.2f} GB): {gb:.2f} GB at most, {seconds:.0f} s"


def log_of(env: gym.Env[Any, Any], rows: int) -> dict[str, Any]:
    """One long episode of random numbers."""
    rng = np.random.default_rng(0)
    return {
        "obs": rng.normal(size=(rows + 1, *env.observation_space.shape)).astype(np.float32),
        "action": rng.uniform(-1, 1, (rows, *env.action_space.shape)).astype(np.float32),
        "reward": np.zeros(rows),
        "terminated": np.zeros(rows, bool),
        "truncated": np.zeros(rows, bool),
    }


def buffer_of(env: gym.Env[Any, Any], log: dict[str, Any]) -> ReplayBuffer:
    """A full replay buffer with the steps of a log."""
    rows = len(log["action"])
    buffer = ReplayBuffer(rows, env.observation_space, env.action_space, device="cpu")
    buffer.observations[:, 0], buffer.next_observations[:, 0] = log["obs"][:-1], log["obs"][1:]
    buffer.actions[:, 0], buffer.full = log["action"], True
    return buffer


def bare_products(width: int, rows: int, block: int = 1024) -> Callable[[], object]:
    """The three products of a net of 2 x 64 units for so many rows, in blocks that fit the cache."""
    rng = np.random.default_rng(0)
    x, *weights = (
        rng.normal(size=shape).astype(np.float32)
        for shape in ((block, width), (width, 64), (64, 64), (64, 1))
    )
    one, two, paid = (np.empty((block, n), np.float32) for n in (64, 64, 1))

    def run() -> None:
        for _ in range(rows // block):
            np.matmul(x, weights[0], out=one)
            np.matmul(one, weights[1], out=two)
            np.matmul(two, weights[2], out=paid)

    return run


def speeds(work: dict[str, Callable[[], object]], rows: int, times: int) -> dict[str, Estimate]:
    """Million rows a second of each, in turn."""
    spent: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(times + 1):
        for name, run in work.items():
            began = time.process_time()
            run()
            if turn:
                spent[name].append(rows / (time.process_time() - began) / 1e6)
    return {name: Estimate.of(np.array(found)) for name, found in spent.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=float, default=1e6)
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--parquet", type=float, default=0, help="rows of a file; 0 leaves it out")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = int(args.rows)
    shaped = rw.EnvReward() + rw.Potential(lambda obs: obs[:, 0], gamma=0.99).named("shaping")
    with tempfile.TemporaryDirectory() as folder:
        for env_id in ("Pendulum-v1", "HalfCheetah-v5") if rows else ():
            env = gym.make(env_id)
            log, net = log_of(env, rows), rw.Learned(model_of(env, f"{folder}/{env_id}"))
            buffer = buffer_of(env, log)
            work: dict[str, Callable[[], object]] = {
                "PBRS": lambda log=log: rw.relabel(shaped, log),
                "PBRS, again": lambda log=log: rw.relabel(shaped, log),
                "2 x 64": lambda log=log, net=net: rw.relabel(net, log),
                "2 x 64, again": lambda log=log, net=net: rw.relabel(net, log),
                "2 x 64 in the buffer": lambda buffer=buffer, net=net: relabel(buffer, net),
                "2 x 64 in the buffer, again": lambda buffer=buffer, net=net: relabel(buffer, net),
                "products alone": bare_products(net._net().inputs.width, rows),
            }
            for name, found in speeds(work, rows, args.times).items():
                print(
                    f"{env_id}, {name}: {found.value:.1f} M/s [{found.low:.1f}, {found.high:.1f}]",
                    flush=True,
                )
    if args.parquet:
        print(streamed(int(args.parquet)), flush=True)


if __name__ == "__main__":
    main()
