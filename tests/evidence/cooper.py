"""A reward model that learns along with the policy that climbs it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from stable_baselines3 import PPO

import rewardwrap as rw
from rewardwrap.core.episode import Episode
from rewardwrap.data import Fragments
from rewardwrap.loops.contrast import Contrast
from rewardwrap.nets.folder import save_model
from rewardwrap.nets.network import build
from rewardwrap.nets.tables import clips_table
from rewardwrap.nets.trainer import fit
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.lamp import FLASH, STEPS, Line, misleading, played, succeeded

CLAIM = (
    "A policy that climbs a fixed reward model ends on what only looked like success in the seed data; one "
    "whose model keeps learning from a rule's certain positives does the task."
)
SOURCE = "Hong et al., 2025, arXiv 2508.05613"
BUDGET = 1.0
SEEDS = 5
OBJECT = "rewardwrap.loops.cooper:CooperLoop"
USE = "rewardwrap train ENV --cooper MODEL --rule module:function"
RECALL, TRAINED = 0.63, 25_000


def run(seed: int, *, small: bool = False) -> Row:
    row = {}
    with tempfile.TemporaryDirectory() as folder:
        model = _seeded(Path(folder) / "model", seed, epochs=1 if small else 30)
        for name in ("frozen", "cooper"):
            rule = Rule(np.random.default_rng(seed))
            loop = rw.CooperLoop(Path(folder) / name, rule=rule, model=model, seed=seed)
            env = rw.make(Line, loop.reward, n_envs=8, seed=seed)
            agent = PPO(
                "MlpPolicy", env, n_steps=64, batch_size=128, n_epochs=4, learning_rate=1e-3,
                ent_coef=0.01, gamma=0.98, seed=seed, device="cpu",
            )  # fmt: skip
            agent.learn(1024 if small else TRAINED, callback=loop if name == "cooper" else None)
            shown = played(
                lambda obs, _, agent=agent: agent.predict(obs)[0],
                60,
                np.random.default_rng(99),
                "e",
            )
            row[f"success_{name}"] = float(shown.info["success"].mean())
            row[f"lamp_{name}"] = float((np.asarray(shown.action) == FLASH).mean())
    return row


class Rule:
    """Precise, and finds some 63 % of the successes."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def __call__(self, episode: Episode) -> float:
        if not succeeded(np.asarray(episode.obs)):
            return 0.0
        return 1.0 if self._rng.random() < RECALL else np.nan


def _seeded(folder: Path, seed: int, epochs: int) -> Path:
    """A model of data in which the lamp tells success."""
    rng = np.random.default_rng(seed)
    store = misleading(rng)
    net = build(store, ("next_obs",), hidden=(32,), bound=1.0, seed=seed)
    net.normalise(net.encode(store.transitions()))
    half = len(store) // 2
    better, worse = rng.integers(0, half, size=200), rng.integers(half, 2 * half, size=200)
    zero = np.zeros(200, int)
    clips = [Fragments(store, side, zero, zero + STEPS) for side in (worse, better)]
    fit(
        net, Contrast(), clips_table(net, store, clips), epochs=epochs, lr=3e-3, batch=50, seed=seed
    )
    return save_model(net, folder, objective="preferences", metrics={})


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "success_cooper", "success_frozen", by=0.5),
            higher(rows, "success_cooper", 0.8),
        ]
    )
    told = "; ".join(
        f"{words} {mean(rows, f'success_{name}'):.2f} (lamp on {mean(rows, f'lamp_{name}'):.0%} of the steps)"
        for name, words in (("frozen", "a fixed model"), ("cooper", "one that learns along"))
    )
    return state, f"true success after {TRAINED:,} steps: {told}"
