"""Yes or no to each of several principles, against one preference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from rewardwrap.data import EpisodeStore, Fragments, Preferences
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.objectives.outcome import Outcome
from rewardwrap.nets.tables import clips_table, pairs_table
from rewardwrap.nets.trainer import fit
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.swinging import LENGTH, fresh, swinging

CLAIM = (
    "Models of binary principles order clips under a mix of principles as well as a preference model "
    "trained on that mix does, and under another mix, chosen at run time, better."
)
SOURCE = "Wang et al. (RLBFF), 2025, arXiv 2509.21319"
BUDGET = 0.5
SEEDS = 10
OBJECT = "rewardwrap.nets.objectives.outcome:Outcome"
USE = "rewardwrap fit outcome DIR --out MODEL, once for each principle"
MIXES = {"trained": np.array([1.0, 0.0, 0.0]), "other": np.array([0.0, 0.5, 0.5])}


def run(seed: int, *, small: bool = False) -> Row:
    count, epochs = (40, 1) if small else (240, 50)
    store = swinging(8 if small else 40, seed=seed)
    unseen = swinging(8 if small else 40, seed=1000 + seed)
    clips, judged = _clips(store, count, seed), _clips(unseen, count, seed)
    told, truth = _features(clips), _features(judged)
    level = np.median(told, axis=1)
    options = {"epochs": epochs, "lr": 3e-3, "batch": 32, "seed": seed}
    chances = []
    for k in range(len(told)):
        net = fresh(store, seed=seed + k)
        said = torch.as_tensor((told[k] > level[k]).astype(np.float32))
        fit(net, Outcome(), clips_table(net, store, (clips,)).having(success=said), **options)
        chances.append(1 / (1 + np.exp(-_paid(net, unseen, judged) / LENGTH)))
    row = {}
    half = count // 2
    first, second = clips.select(np.arange(half)), clips.select(np.arange(half, 2 * half))
    mixed = MIXES["trained"] @ told
    better = 0.5 + 0.5 * np.sign(mixed[half : 2 * half] - mixed[:half])
    net = fresh(store, seed=seed)
    table = pairs_table(net, Preferences(first, second, better))
    fit(net, BradleyTerry(), table, **options)
    score = _paid(net, unseen, judged)
    yes = (truth > level[:, None]).astype(float)
    for name, mix in MIXES.items():
        row[f"principles_{name}"] = _ordered(mix @ np.array(chances), mix @ yes)
        row[f"preferences_{name}"] = _ordered(score, mix @ yes)
    return row


def _clips(store: EpisodeStore, count: int, seed: int) -> Fragments:
    rng = np.random.default_rng(seed)
    episode = rng.integers(len(store), size=count)
    begin = rng.integers(int(store.lengths.min()) - LENGTH + 1, size=count)
    return Fragments(store, episode, begin, np.full(count, LENGTH))


def _features(clips: Fragments) -> np.ndarray:
    """Upright, gentle, still: ``(3, n)``."""
    batch = clips.store.transitions()
    obs, action = np.asarray(batch.obs)[clips.rows], np.asarray(clips.store.action)[clips.rows]
    lean = np.abs(np.arctan2(obs[..., 1], obs[..., 0]))
    each = (lean, np.abs(action[..., 0]), np.abs(obs[..., 2]))
    return np.array([-one.mean(axis=1) for one in each])


def _paid(net: Any, store: EpisodeStore, clips: Fragments) -> np.ndarray:
    return net.freeze()(store.transitions())[clips.rows].sum(axis=1)


def _ordered(score: np.ndarray, truth: np.ndarray) -> float:
    """Share of pairs that differ in truth which the score puts in order."""
    gap, true = (np.subtract.outer(x, x) for x in (score, truth))
    return float((gap * true > 0)[true != 0].mean())


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    apart = [{"apart": row["principles_trained"] - row["preferences_trained"]} for row in rows]
    state = together(
        [
            higher(apart, "apart", -0.03),
            higher(rows, "principles_other", "preferences_other", by=0.1),
        ]
    )
    told = "; ".join(
        f"{mean(rows, f'principles_{name}'):.2f} against {mean(rows, f'preferences_{name}'):.2f} under "
        f"the {name} mix"
        for name in MIXES
    )
    return state, f"clips in order, principles against preferences: {told}"
