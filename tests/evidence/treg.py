"""Hints about steps beside preferences of clips, made by two policies of the preferences themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from gymnasium import spaces

from rewardwrap.data import EpisodeStore, Fragments, Preferences
from rewardwrap.nets.objectives.treg import TReg, contrast
from rewardwrap.nets.trainer import fit
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.swinging import accuracy

CLAIM = (
    "At equal preferences, hints that two policies of the preferred and the rejected clips give move credit "
    "to the planted step that decided, and put no fewer new pairs in order."
)
SOURCE = "Zhou et al., 2024, arXiv 2412.02685"
BUDGET = 0.2
SEEDS = 10
PAIRS, TEST, STEPS, KEY, NOISE = 60, 400, 12, 4, 4


def run(seed: int, *, small: bool = False) -> Row:
    store, asked, judged = _chains(seed, PAIRS, 40 if small else TEST)
    row = {}
    for name, alpha in (("plain", 0.0), ("hinted", 0.5)):
        rule = TReg(alpha=alpha, seed=seed)
        net = rule.network(store, ("obs", "action"), hidden=(32,), seed=seed)
        net.normalise(net.encode(store.transitions()))
        table = rule.table(net, asked)
        fit(net, rule, table, epochs=1 if small else 80, lr=5e-3, batch=20, seed=seed)
        batch = store.transitions()
        with torch.no_grad():
            paid = net(net.prepare(net.encode(batch)))[0].numpy().reshape(-1, STEPS)
        did = np.asarray(store.action).reshape(-1, STEPS)
        credit = np.array([abs(_gap(paid[:, t], did[:, t])) for t in range(STEPS)])
        row[f"credit_{name}"] = float(credit[KEY] / credit.sum())
        row[f"pairs_{name}"] = accuracy(net, judged)
    shuffled = np.random.default_rng(seed).permutation(asked.preferred)
    row["shuffled"] = float(contrast(Preferences(asked.a, asked.b, shuffled), seed=seed).mean())
    return row


def _gap(paid: np.ndarray, did: np.ndarray) -> float:
    return float(paid[did == 1].mean() - paid[did == 0].mean())


def _chains(seed: int, pairs: int, test: int) -> tuple[EpisodeStore, Preferences, Preferences]:
    """Two actions a step, the place and some noise in sight; the action of one step decides."""
    rng = np.random.default_rng(seed)
    count = 2 * (pairs + test)
    did = rng.integers(2, size=(count, STEPS))
    where = np.eye(STEPS + 1)[None].repeat(count, axis=0)
    seen = np.concatenate([where, rng.normal(size=(count, STEPS + 1, NOISE))], axis=2)
    ends = np.arange(STEPS) == STEPS - 1
    store = EpisodeStore.from_episodes(
        [
            {
                "obs": seen[i],
                "action": did[i],
                "reward": np.where(np.arange(STEPS) == KEY, did[i], 0.0),
                "terminated": ends,
                "truncated": np.zeros(STEPS, bool),
                "id": str(i),
            }
            for i in range(count)
        ],
        action_space=spaces.Discrete(2),
    )
    zero = np.zeros(pairs + test, int)
    a, b = (Fragments(store, np.arange(k, count, 2), zero, zero + STEPS) for k in (0, 1))
    whole = Preferences(a, b, 0.5 + 0.5 * np.sign(b.returns() - a.returns()))
    return store, whole.select(np.arange(pairs)), whole.select(np.arange(pairs, pairs + test))


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    floor = [{**row, "floor": row["pairs_plain"] - 0.01} for row in rows]
    state = together(
        [higher(rows, "credit_hinted", "credit_plain"), higher(floor, "pairs_hinted", "floor")]
    )
    more = sum(row["credit_hinted"] > row["credit_plain"] for row in rows)
    credit, pairs = (
        f"{mean(rows, f'{what}_hinted'):.3f} against {mean(rows, f'{what}_plain'):.3f}"
        for what in ("credit", "pairs")
    )
    return state, (
        f"share of credit on the step that decided {credit} of preferences alone, more in {more} of "
        f"{len(rows)} seeds; new pairs in order {pairs}; shuffled labels give hints of mean "
        f"{mean(rows, 'shuffled'):+.3f}"
    )
