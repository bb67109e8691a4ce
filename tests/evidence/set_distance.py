"""A set's distance to a reference keeps the spread that a reward of single episodes loses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import rewardwrap as rw
from rewardwrap.core.episode import Episode
from tests.evidence.harness.judging import Row, State, higher, mean, together, within
from tests.evidence.worlds.grouped import train

CLAIM = (
    "Closeness to the reference's mean ends in one place; credits of the Frechet distance reproduce the "
    "reference's spread within a fifth, and end more diverse."
)
SOURCE = "Bai et al., 2025, arXiv 2504.15217"
BUDGET = 3
OBJECT = "rewardwrap.scores.set_distance:SetDistance"
MEAN, SPREAD = 1.0, 3.0


def end(episode: Episode) -> float:
    """The cell in which it ended."""
    return 10.0 * float(episode.obs[-1][0])


def near(episodes: Sequence[Episode]) -> list[float]:
    """A reward of single episodes: closeness to the mean of the reference."""
    return [-((end(e) - MEAN) ** 2) for e in episodes]


def keys(obs: Any) -> list[Any]:
    """Cell and time; the goal says nothing here."""
    cells = np.round(obs[:, ::2] * (10, 30)).astype(int)
    return list(map(tuple, cells.tolist()))


def run(seed: int, *, small: bool = False) -> Row:
    target = rw.SetDistance((MEAN, SPREAD**2), features=end)
    grid = list(np.random.default_rng(0).normal(MEAN, SPREAD, 200))
    diversity = rw.SetDistance(grid, kind="vendi", features=end)
    row = {}
    for name, score in (("set", target), ("single", near)):
        found = train(
            "rewardwrap/Reach-v0", score, np.random.default_rng(seed),
            steps=30 if small else 2500, rate=0.3, scaled=True, group=16, keys=keys,
        )  # fmt: skip
        late = found.late()
        row[f"sd_{name}"] = float(np.std([end(e) for e in late]))
        row[f"fd_{name}"] = target.distance(late)
        row[f"vendi_{name}"] = diversity.distance(late[-200:])
    row["share"] = row["sd_set"] / SPREAD
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            within(rows, "share", 0.8, 1.2),
            higher([{"left": 0.3 * SPREAD - row["sd_single"]} for row in rows], "left", 0.0),
            higher(rows, "fd_single", "fd_set"),
            higher(rows, "vendi_set", "vendi_single"),
        ]
    )
    told = ", ".join(
        f"{name} {mean(rows, f'sd_{name}'):.1f} (distance {mean(rows, f'fd_{name}'):.2f}, "
        f"diversity {mean(rows, f'vendi_{name}'):.1f})"
        for name in ("set", "single")
    )
    return state, f"standard deviation of the ends, {SPREAD:g} in the reference: {told}"
