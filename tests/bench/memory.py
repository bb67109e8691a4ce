"""How much memory reading takes: ``python -m tests.bench.memory [--steps 1e6,2e6,4e6] [--streamed 1e7,2e7]``.

Writes logs of 17 observations and 6 actions (float32, HalfCheetah's sizes; ``--obs`` and ``--actions`` for
others) in episodes of 1000, block by block, runs ``rewardwrap ingest`` on each in a process of its own, and
prints that process' largest resident size. `ingest --stream` must not grow with the log; `--streamed` names
sizes that are read so alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

OBS, ACTION, LENGTH, BLOCK = 17, 6, 1000, 250_000


def blocks(steps: int, width: tuple[int, int]) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """Columns of a log, some rows at a time, by the names that D4RL gives them."""
    rng = np.random.default_rng(0)
    for begin in range(0, steps, BLOCK):
        n = min(BLOCK, steps - begin)
        yield (
            begin,
            {
                "observations": rng.normal(size=(n, width[0])).astype(np.float32),
                "actions": rng.uniform(-1, 1, (n, width[1])).astype(np.float32),
                "rewards": rng.normal(size=n),
                "terminals": np.zeros(n, bool),
                "timeouts": np.arange(begin, begin + n) % LENGTH == LENGTH - 1,
            },
        )


def as_parquet(path: Path, steps: int, width: tuple[int, int]) -> None:
    """A column a number, and the number of the episode."""
    writer = None
    for begin, block in blocks(steps, width):
        columns = {f"obs_{i}": block["observations"][:, i] for i in range(width[0])}
        columns |= {f"action_{i}": block["actions"][:, i] for i in range(width[1])}
        episode = np.arange(begin, begin + len(block["rewards"])) // LENGTH
        table = pa.table({**columns, "reward": block["rewards"], "episode": episode})
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table, row_group_size=100_000)
    assert writer is not None
    writer.close()


def as_hdf5(path: Path, steps: int, width: tuple[int, int]) -> None:
    """D4RL's layout."""
    with h5py.File(path, "w") as file:
        for begin, block in blocks(steps, width):
            for name, values in block.items():
                if not begin:
                    file.create_dataset(name, (steps, *values.shape[1:]), values.dtype)
                file[name][begin : begin + len(values)] = values


KINDS: dict[str, Callable[[Path, int, tuple[int, int]], None]] = {
    "parquet": as_parquet,
    "hdf5": as_hdf5,
}


def peak(words: list[str]) -> tuple[float, float]:
    """GB and seconds of a process: the largest resident size that a fresh parent has waited for."""
    code = (
        "import resource, subprocess as s, sys; s.run(sys.argv[1:], check=True, stdout=s.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *words], check=True, capture_output=True, text=True
    )
    return int(done.stdout) * 1024 / 1e9, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", default="1e6,2e6,4e6")
    parser.add_argument("--streamed", default="", help="sizes that are read block by block alone")
    parser.add_argument("--kinds", default=",".join(KINDS), help="of files")
    parser.add_argument("--obs", type=int, default=OBS, help="numbers of an observation")
    parser.add_argument("--actions", type=int, default=ACTION, help="numbers of an action")
    args = parser.parse_args()
    print("| steps | file | ingest, GB | s | ingest --stream, GB | s |\n|---|---|---|---|---|---|")
    sizes = [(int(float(word)), True) for word in args.steps.split(",") if word]
    sizes += [(int(float(word)), False) for word in args.streamed.split(",") if word]
    for steps, whole in sizes:
        with tempfile.TemporaryDirectory() as name:
            for kind in args.kinds.split(","):
                path = Path(name) / f"{steps}.{kind}"
                KINDS[kind](path, steps, (args.obs, args.actions))
                run = [
                    sys.executable,
                    "-m",
                    "rewardwrap",
                    "ingest",
                    str(path),
                    "--out",
                    f"{name}/{kind}",
                ]
                found = [*(peak(run) if whole else ("–", "–")), *peak([*run, "--stream"])]
                shown = " | ".join(
                    x if isinstance(x, str) else f"{x:.2f}" if i % 2 == 0 else f"{x:.0f}"
                    for i, x in enumerate(found)
                )
                print(f"| {steps:,} | {kind} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
