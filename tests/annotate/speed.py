"""How long an answer, a clip and a selection take: ``python tests/annotate/speed.py``.

Indicative on a loaded machine. An answer is ``record`` and ``work``, on disk with ``synchronous=FULL``.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import gymnasium as gym
import numpy as np

from rewardwrap.annotate.clips import Clips
from rewardwrap.annotate.selection import Candidates, select
from rewardwrap.annotate.serve import Labelling
from rewardwrap.data import EpisodeStore


def played(env_id: str, episodes: int, steps: int) -> EpisodeStore:
    """Random play, episodes that end early left out."""
    env = gym.make(env_id)
    env.action_space.seed(0)
    found = []
    for seed in range(episodes):
        obs, _ = env.reset(seed=seed)
        seen, done = [obs], []
        for _ in range(steps):
            action = env.action_space.sample()
            obs, *_ = env.step(action)
            seen.append(obs)
            done.append(action)
        flags = np.zeros(steps, bool)
        found.append({"obs": np.array(seen), "action": np.array(done), "reward": np.zeros(steps),
                      "terminated": flags, "truncated": flags})  # fmt: skip
    env.close()
    return EpisodeStore.from_episodes(found, source=env_id)


def answers(store: EpisodeStore, count: int) -> list[float]:
    """Seconds of each answer."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Labelling(store, Path(folder) / "j.sqlite", pairs=count).page() as page,
    ):
        session = page.desk.open("speed", ui_version="speed")
        work, taken = page.desk.work(session), []
        while work:
            start = time.perf_counter()
            page.desk.record(work[0].assignment, "left", ms=0, session=session, ui_version="speed")
            work = page.desk.work(session)
            taken.append(time.perf_counter() - start)
    return taken


def main() -> int:
    """Print the figures."""
    store = played("Pendulum-v1", 40, 200)
    taken = 1e3 * np.array(answers(store, 300))
    middle, late = np.quantile(taken, (0.5, 0.95))
    print(f"an answer, median of {len(taken)}: {middle:.1f} ms, 95 %: {late:.1f} ms")
    for env_id in ("Pendulum-v1", "HalfCheetah-v5", "Ant-v5"):
        clips = Clips(played(env_id, 1, 60), env_id)
        clips.show(0, 0, 50)
        start = time.perf_counter()
        for first in range(10):
            clips.show(0, first, 50)
        print(f"a clip of 50 steps, {env_id}: {(time.perf_counter() - start) * 100:.1f} ms")
    rng = np.random.default_rng(0)
    c = Candidates(
        np.arange(5000)[:, None], rng.normal(size=(5000, 3)), rng.normal(size=(5000, 200))
    )
    for strategy in ("disagreement", "k-center", "disagreement+k-center"):
        start = time.perf_counter()
        select(c, strategy, 500, seed=0, asked_features=rng.normal(size=(500, 200)))
        print(f"500 of 5000 pairs by {strategy}: {time.perf_counter() - start:.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
