"""How long reading, saving and gathering one million steps take: ``python tests/data/speed.py``.

Steps of 17 observations and 6 actions (HalfCheetah's sizes) in episodes of 1000. Prints the median
of three in one process; a plain ``np.save``/``np.load`` of the same bytes stands beside it.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rewardwrap.data import EpisodeStore, sample_fragments
from rewardwrap.data.readers import read
from rewardwrap.data.reading import Reading
from rewardwrap.data.report import inspect

STEPS, LENGTH = 1_000_000, 1000


def made(seed: int = 0) -> EpisodeStore:
    rng = np.random.default_rng(seed)
    episodes = STEPS // LENGTH
    return EpisodeStore(
        obs=rng.normal(size=(STEPS + episodes, 17)).astype(np.float32),
        action=rng.uniform(-1, 1, (STEPS, 6)).astype(np.float32),
        reward=rng.normal(size=STEPS),
        terminated=np.zeros(STEPS, bool),
        truncated=np.arange(STEPS) % LENGTH == LENGTH - 1,
        lengths=np.full(episodes, LENGTH),
        ids=np.arange(episodes).astype(str),
        source=np.full(episodes, "made"),
    )


def row(name: str, work: Callable[[], Any]) -> None:
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    print(f"| {name} | {statistics.median(seconds):.2f} | {max(seconds):.2f} |", flush=True)


def files(store: EpisodeStore, folder: Path) -> None:
    batch, episode = store.transitions(), np.repeat(np.arange(len(store)), store.lengths)
    flags = {"terminated": batch.terminated, "truncated": batch.truncated}
    own = {"obs": batch.obs, "action": batch.action, "reward": batch.reward}
    np.savez(folder / "log.npz", **own, **flags, next_obs=batch.next_obs, episode=episode)
    with h5py.File(folder / "log.hdf5", "w") as file:
        file["observations"], file["actions"] = batch.obs, batch.action
        file["rewards"] = batch.reward
        file["terminals"], file["timeouts"] = batch.terminated, batch.truncated
    columns = {f"obs_{i}": batch.obs[:, i] for i in range(17)}
    columns |= {f"action_{i}": batch.action[:, i] for i in range(6)}
    table = pa.table(columns | {"reward": batch.reward, "episode": episode})
    pq.write_table(table, folder / "log.parquet")


def main() -> None:
    store = made()
    print("| what | median s | worst s |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "obs.npy", store.obs)
        row("control: np.load of the observations alone", lambda: np.load(folder / "obs.npy"))
        row("save", lambda: store.save(folder / "store"))
        row("load", lambda: EpisodeStore.load(folder / "store"))
        row("transitions", store.transitions)
        row("split by episode", lambda: store.split(0.2, seed=0))
        clips = sample_fragments(store, 10_000, 50, seed=0)
        row("gather 10 000 clips of 50 steps", clips.transitions)
        row("report", lambda: inspect(Reading(store, ""), source=""))
        files(store, folder)
        for suffix in ("npz", "hdf5", "parquet"):
            row(f"read {suffix}", lambda s=suffix: read(folder / f"log.{s}"))  # type: ignore[misc]


if __name__ == "__main__":
    main()
