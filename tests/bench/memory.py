"""How much memory reading takes: ``python -m tests.bench.memory [--steps 1e6,2e6,4e6] [--streamed 1e7,2e7]``.

Writes logs of 17 observations and 6 actions (float32, HalfCheetah's sizes) in episodes of 1000, block by
block, runs ``rewardwrap ingest`` on each in a process of its own, and prints that process' largest
resident size. `ingest --stream` must not grow with the log; `--streamed` names sizes that are read so alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

OBS, ACTION, LENGTH, BLOCK = 17, 6, 1000, 250_000


def write(folder: Path, steps: int) -> dict[str, Path]:
    """The same steps as parquet and as HDF5 in D4RL's layout."""
    rng = np.random.default_rng(0)
    paths = {"parquet": folder / f"{steps}.parquet", "hdf5": folder / f"{steps}.hdf5"}
    shapes = {
        "observations": (OBS,),
        "actions": (ACTION,),
        "rewards": (),
        "terminals": (),
        "timeouts": (),
    }
    writer = None
    with h5py.File(paths["hdf5"], "w") as file:
        sets = {n: file.create_dataset(n, (steps, *s), "f4" if n in ("observations", "actions") else
                "f8" if n == "rewards" else "?") for n, s in shapes.items()}  # fmt: skip
        for begin in range(0, steps, BLOCK):
            n = min(BLOCK, steps - begin)
            at = np.arange(begin, begin + n)
            obs = rng.normal(size=(n, OBS)).astype(np.float32)
            action = rng.uniform(-1, 1, (n, ACTION)).astype(np.float32)
            reward = rng.normal(size=n)
            columns = {f"obs_{i}": obs[:, i] for i in range(OBS)}
            columns |= {f"action_{i}": action[:, i] for i in range(ACTION)}
            table = pa.table({**columns, "reward": reward, "episode": at // LENGTH})
            writer = writer or pq.ParquetWriter(paths["parquet"], table.schema)
            writer.write_table(table, row_group_size=100_000)
            values = (obs, action, reward, np.zeros(n, bool), at % LENGTH == LENGTH - 1)
            for dataset, part in zip(sets.values(), values, strict=True):
                dataset[begin : begin + n] = part
    assert writer is not None
    writer.close()
    return paths


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
    args = parser.parse_args()
    print("| steps | file | ingest, GB | s | ingest --stream, GB | s |\n|---|---|---|---|---|---|")
    sizes = [(int(float(word)), True) for word in args.steps.split(",") if word]
    sizes += [(int(float(word)), False) for word in args.streamed.split(",") if word]
    for steps, whole in sizes:
        with tempfile.TemporaryDirectory() as name:
            for kind, path in write(Path(name), steps).items():
                run = [
                    sys.executable,
                    "-m",
                    "rewardwrap",
                    "ingest",
                    str(path),
                    "--out",
                    f"{name}/out",
                ]
                found = [*(peak(run) if whole else ("–", "–")), *peak([*run, "--stream"])]
                shown = " | ".join(
                    x if isinstance(x, str) else f"{x:.2f}" if i % 2 == 0 else f"{x:.0f}"
                    for i, x in enumerate(found)
                )
                print(f"| {steps:,} | {kind} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
