"""Whether a stream of episodes still is what a reward model was judged on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import stats

from rewardwrap.data import EpisodeStore
from rewardwrap.evaluate.models.monitor import monitor
from rewardwrap.nets.folder import Model
from rewardwrap.nets.reward_recipe import fit_regression
from tests.evidence.harness.judging import Row, State, mean, together, within
from tests.evidence.worlds.swinging import swinging

CLAIM = (
    "100 windows of ten clean episodes raise an alarm of any kind in about one of twenty streams at most; a "
    "reward that is "
    "shifted by one deviation of the episodes' mean residual is found within 20 episodes in 95 % of them, "
    "and another relation (6 cos of the angle added) in all."
)
SOURCE = "the function sheet RM_MODULE (drift of what is learned); Mann and Whitney, 1947"
BUDGET = 1.0
OBJECT = "rewardwrap.evaluate.models.monitor:monitor"
USE = "rewardwrap monitor MODEL STREAM --json"
SEEDS = 10
EPISODES, STEPS, STREAMS = 300, 20, 40
CLEAN, LONG = 3, 1000
"""Streams without a change of each model, and their episodes."""


def run(seed: int, *, small: bool = False) -> Row:
    store = swinging(30 if small else EPISODES, seed=seed, steps=STEPS)
    net_of = fit_regression(store, seed=seed, epochs=2 if small else 60, hidden=(32, 32))
    plain = {"sha256": "", "objective": "regression", "data": {}}
    model = Model(None, plain, net_of.metrics, net_of.net)  # type: ignore[arg-type]
    long, clean = (60, 1) if small else (LONG, CLEAN)
    pool = swinging(clean * long, seed=500 + 10 * seed, steps=STEPS)
    rows = np.array(net_of.metrics["stream"]["rows"], np.float64)[:, 0]
    draws = np.random.default_rng(seed)
    found = [
        _raised(model, _shifted(_some(pool, draws, 20), rows.std()))
        for _ in range(4 if small else STREAMS)
    ]
    moved = _some(pool, draws, 20)
    cosine = moved.transitions().obs[:, 0].astype(np.float64)
    return {
        "clean": float(
            np.mean(
                [_any(model, pool.select(slice(i * long, (i + 1) * long))) for i in range(clean)]
            )
        ),
        "shift": float(np.mean(found)),
        "other": float(_raised(model, replace(moved, reward=moved.reward + 6 * cosine))),
        "reference": float(len(rows)),
        "r2": float(net_of.metrics["heldout"]["r2"]),
    }


def _any(model: Model, stream: EpisodeStore) -> bool:
    return bool(monitor(model, stream).alarms)


def _raised(model: Model, stream: EpisodeStore) -> bool:
    return any(alarm.kind == "relation" for alarm in monitor(model, stream).alarms)


def _some(pool: EpisodeStore, draws: np.random.Generator, count: int) -> EpisodeStore:
    return pool.select(draws.choice(len(pool), count, replace=False))


def _shifted(store: EpisodeStore, by: Any) -> EpisodeStore:
    return replace(store, reward=store.reward + float(by))


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    streams = CLEAN * len(rows)
    false = int(np.clip(round(mean(rows, "clean") * streams), 0, streams))
    few = stats.binomtest(false, streams, 0.05, alternative="greater").pvalue > 0.05
    state = together(
        [
            "shown" if few else "contradicted",
            within(rows, "shift", 0.95, 1.0),
            within(rows, "other", 1.0, 1.0),
        ]
    )
    return state, (
        f"alarms: {false} of {streams} clean streams of {LONG} episodes, "
        f"{mean(rows, 'shift'):.0%} of {len(rows) * STREAMS} streams shifted by one deviation within 20 "
        f"episodes, {mean(rows, 'other'):.0%} with 6 cos added (reference of "
        f"{mean(rows, 'reference'):.0f} episodes, held-out R2 {mean(rows, 'r2'):.4f})"
    )
