"""Yes or no to each of several principles, against one preference."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np

from rewardwrap.data import EpisodeStore, Fragments, Preferences
from rewardwrap.data.principle_table import Judged
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.principle_recipe import fit_principles
from rewardwrap.nets.tables import pairs_table
from rewardwrap.nets.trainer import fit
from rewardwrap.rewards.principles import Principles
from tests.evidence.harness.judging import Row, State, higher, mean, together, within
from tests.evidence.worlds.swinging import LENGTH, fresh, swinging

CLAIM = (
    "One network of binary principles, a third of whose answers are missing, orders clips under a mix of "
    "principles as well as a preference model trained on that mix does, and under another mix, chosen at run "
    "time, better."
)
SOURCE = "Wang et al. (RLBFF), 2025, arXiv 2509.21319"
BUDGET = 0.5
SEEDS = 10
NAMES, SAID = ("upright", "gentle", "still"), 2 / 3
MIXES: dict[str, dict[str, float]] = {
    "trained": {"upright": 1.0},
    "other": {"gentle": 1.0, "still": 1.0},
}


def run(seed: int, *, small: bool = False) -> Row:
    count, epochs = (40, 1) if small else (240, 50)
    store = swinging(8 if small else 40, seed=seed)
    unseen = swinging(8 if small else 40, seed=1000 + seed)
    clips, judged = _clips(store, count, seed), _clips(unseen, count, seed)
    told, truth = _features(clips), _features(judged)
    level = np.median(told, axis=1)
    said = (told > level[:, None]).astype(float).T
    said[np.random.default_rng(seed).random(said.shape) > SAID] = np.nan
    fitted = fit_principles(
        store, Judged(clips, NAMES, said), hidden=(32,), seed=seed, epochs=epochs, heldout=0.1
    )
    half = count // 2
    first, second = clips.select(np.arange(half)), clips.select(np.arange(half, 2 * half))
    mixed = _mixed(MIXES["trained"], told)
    better = 0.5 + 0.5 * np.sign(mixed[half : 2 * half] - mixed[:half])
    net = fresh(store, seed=seed)
    table = pairs_table(net, Preferences(first, second, better))
    fit(net, BradleyTerry(), table, epochs=epochs, lr=3e-3, batch=32, seed=seed)
    score = _paid(net.freeze(), unseen, judged)
    yes = (truth > level[:, None]).astype(float)
    row = {}
    with tempfile.TemporaryDirectory() as folder:
        fitted.save(folder)
        for name, mix in MIXES.items():
            right = _mixed(mix, yes)
            row[f"principles_{name}"] = _ordered(
                _paid(Principles(folder, mix), unseen, judged), right
            )
            row[f"preferences_{name}"] = _ordered(score, right)
        ways = {
            how: Principles(folder, combine=how)(unseen.transitions())
            for how in ("all", "mean", "any")
        }
    row["in_order"] = float(((ways["all"] <= ways["mean"]) & (ways["mean"] <= ways["any"])).mean())
    return row


def _mixed(mix: dict[str, float], each: np.ndarray) -> np.ndarray:
    """Weighted mean over the principles' rows."""
    weight = np.array([mix.get(name, 0.0) for name in NAMES])
    return weight @ each / weight.sum()


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


def _paid(pays: Any, store: EpisodeStore, clips: Fragments) -> np.ndarray:
    return pays(store.transitions())[clips.rows].sum(axis=1)


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
            within(rows, "in_order", 1.0, 1.0),
        ]
    )
    told = "; ".join(
        f"{mean(rows, f'principles_{name}'):.2f} against {mean(rows, f'preferences_{name}'):.2f} under "
        f"the {name} mix"
        for name in MIXES
    )
    return state, f"clips in order, principles against preferences: {told}"
