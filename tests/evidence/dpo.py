"""A policy read as a reward, beside a reward network, on the same pairs and out of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from gymnasium import spaces

from rewardwrap.data import EpisodeStore, Fragments, Preferences
from rewardwrap.nets.network import build
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.objectives.dpo import DirectPreference
from rewardwrap.nets.tables import pairs_table
from rewardwrap.nets.trainer import fit
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.swinging import accuracy

CLAIM = (
    "Fitted to the same pairs, the reward implied by a policy orders pairs of five shifted inputs worse "
    "than an explicit reward network, by more than it does in the distribution."
)
SOURCE = "Lin et al., 2024, arXiv 2409.03650; Rafailov et al., 2023, arXiv 2305.18290"
BUDGET = 0.3
SEEDS = 10
STEPS, ACTIONS = 6, 3
SHIFTS = {
    "scale 3": {"scale": 3.0},
    "scale 0.3": {"scale": 0.3},
    "shift 2": {"shift": 2.0},
    "first + 2": {"moved": 0},
    "second + 2": {"moved": 1},
}


def run(seed: int, *, small: bool = False) -> Row:
    count, pairs = (20, 30) if small else (150, 300)
    store = _matching(count, seed)
    labels = _asked(store, pairs, seed)
    tests = {
        name: _asked(_matching(count, 100 * i + seed, **how), 50 if small else 400, 7)
        for i, (name, how) in enumerate(({"same": {}} | SHIFTS).items(), start=1)
    }
    row = {}
    for name in ("explicit", "implicit"):
        options = {"hidden": (32,), "seed": seed}
        net = (
            build(store, **options)
            if name == "explicit"
            else DirectPreference().network(store, ("obs", "action"), **options)
        )
        net.normalise(net.encode(store.transitions()))
        table = pairs_table(net, labels)
        fit(net, BradleyTerry(), table, epochs=1 if small else 60, lr=5e-3, batch=64, seed=seed)
        found = {test: accuracy(net, judged) for test, judged in tests.items()}
        row[f"same_{name}"] = found.pop("same")
        row[f"shifted_{name}"] = float(np.mean(list(found.values())))
    row["same_apart"] = abs(row["same_explicit"] - row["same_implicit"])
    return row


def _matching(
    count: int, seed: int, *, scale: float = 1.0, shift: float = 0.0, moved: int | None = None
) -> EpisodeStore:
    """Paid for choosing the largest of three numbers; the task stays, its inputs move."""
    rng = np.random.default_rng(seed)
    episodes = []
    for i in range(count):
        obs = rng.normal(size=(STEPS + 1, ACTIONS)) * scale + shift
        if moved is not None:
            obs[:, moved] += 2.0
        action = rng.integers(ACTIONS, size=STEPS)
        chosen = np.take_along_axis(obs[:-1], action[:, None], axis=1)[:, 0]
        ends = np.arange(STEPS) == STEPS - 1
        episodes.append(
            {
                "obs": obs,
                "action": action,
                "reward": chosen - obs[:-1].mean(axis=1),
                "terminated": ends,
                "truncated": np.zeros(STEPS, bool),
                "id": f"{seed}-{i}",
            }
        )
    return EpisodeStore.from_episodes(episodes, action_space=spaces.Discrete(ACTIONS))


def _asked(store: EpisodeStore, count: int, seed: int) -> Preferences:
    rng, zero = np.random.default_rng(seed), np.zeros(count, int)
    a, b = (
        Fragments(store, rng.integers(len(store), size=count), zero, zero + STEPS) for _ in "ab"
    )
    return Preferences(a, b, 0.5 + 0.5 * np.sign(b.returns() - a.returns()))


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    gaps = [
        {what: row[f"{what}_explicit"] - row[f"{what}_implicit"] for what in ("same", "shifted")}
        for row in rows
    ]
    state = together([higher(gaps, "shifted", 0.0), higher(gaps, "shifted", "same", by=0.005)])
    same, shifted = (
        f"{mean(rows, f'{what}_explicit'):.3f} explicit, {mean(rows, f'{what}_implicit'):.3f} implicit"
        for what in ("same", "shifted")
    )
    return state, f"new pairs in order: {same} in distribution; {shifted} shifted"
