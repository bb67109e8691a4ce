"""Answers about leaves of trees, against as many about chains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rewardwrap.annotate.teachers import Teacher, answers
from rewardwrap.annotate.trees import tree_pairs
from rewardwrap.data import EpisodeStore
from rewardwrap.nets.network import build
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.tables import pairs_table, returns_of
from rewardwrap.nets.trainer import fit
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.branching import covariance, left_over, pairs_of_leaves, swung

CLAIM = (
    "At equal numbers of answers, leaves of a tree become known better than chains, by more the more there "
    "are (the authors' model, exactly); members fitted to 64 answers about trees of Pendulum disagree less "
    "over new episodes and pick the better of 16 more often."
)
SOURCE = "Qiu et al., 2024, arXiv 2402.10184"
BUDGET = 1.0
SEEDS = 5
OBJECT = "rewardwrap.training.trees:grow_tree"
USE = "rewardwrap fit preferences DIR --topology tree"
ANSWERS, OF, MEMBERS = 64, 16, 5
SHAPES = {"tree": (4, 2, 10, 16), "chain": (1, OF, 40, 16)}
"""Partings, ways, steps between them, starts: 256 leaves of 40 steps each."""


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    row = {}
    for meant in (6, 10):
        depth = meant // 2 if small else meant
        leaves = 2**depth
        judged = pairs_of_leaves(2000, depth, 2, rng, by_depth=False)
        for name in SHAPES:
            tree = name == "tree"
            asked = pairs_of_leaves(3 * leaves // 4, depth, 2, rng, by_depth=tree)
            row[f"left_{name}_{meant}"] = left_over(covariance(depth, 2, tree=tree), asked, judged)
    starts = 2 if small else 16
    new = swung(1, OF, 40, 2 if small else 40, seed=1000 * seed + 700)
    pairs = answers(Teacher(), tree_pairs(new), 400, seed=seed)[0]
    picked = {}
    for name, shape in SHAPES.items():
        store = swung(*shape[:3], starts, seed=1000 * seed)
        net = _fitted(store, seed, epochs=1 if small else 80)
        paid = returns_of(net, pairs_table(net, pairs)).detach().numpy()
        gap = paid[..., 1] - paid[..., 0]
        gap = gap / np.sqrt(np.square(gap).mean(axis=1, keepdims=True))
        row[f"spread_{name}"] = float(gap.var(axis=0).mean())
        row[f"right_{name}"] = float(((gap.mean(axis=0) > 0) == (pairs.preferred > 0.5)).mean())
        picked[name] = _picks(net, new)
    won = (picked["tree"] > picked["chain"]) + 0.5 * (picked["tree"] == picked["chain"])
    row["won"] = float(won.mean())
    return row


def _fitted(store: EpisodeStore, seed: int, epochs: int):
    labels = answers(Teacher(), tree_pairs(store), ANSWERS, seed=seed)[0]
    net = build(store, ("obs", "action"), hidden=(32,), members=MEMBERS, seed=seed)
    net.normalise(net.encode(store.transitions()))
    fit(net, BradleyTerry(), pairs_table(net, labels), epochs=epochs, lr=3e-3, batch=32,
        weight_decay=0.1, seed=seed)  # fmt: skip
    return net


def _picks(net, new: EpisodeStore) -> np.ndarray:
    """The true return of the episode of each start that the network prefers."""
    paid = np.add.reduceat(net.freeze()(new.transitions()), new.first_step).reshape(-1, OF)
    true = new.returns().reshape(-1, OF)
    found: np.ndarray = true[np.arange(len(true)), paid.argmax(axis=1)]
    return found


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    known = [
        {
            "tree": r["left_tree_6"],
            "three quarters of chain": 0.75 * r["left_chain_6"],
            # cross-multiplied: the shares that the tree's are of the chain's
            "few": r["left_tree_6"] * r["left_chain_10"],
            "many": r["left_tree_10"] * r["left_chain_6"],
        }
        for r in rows
    ]
    state = together(
        [
            higher(known, "three quarters of chain", "tree"),
            higher(known, "few", "many"),
            higher(rows, "spread_chain", "spread_tree"),
            higher(rows, "won", 0.5),
        ]
    )
    model = "; ".join(
        f"{2**depth:,} leaves: tree {mean(rows, f'left_tree_{depth}'):.2f}, chain "
        f"{mean(rows, f'left_chain_{depth}'):.2f}"
        for depth in (6, 10)
    )
    return state, (
        f"variance of differences left over, of 1: {model}; Pendulum, {ANSWERS} answers each: spread of "
        f"members tree {mean(rows, 'spread_tree'):.3f}, chain {mean(rows, 'spread_chain'):.3f}, new pairs "
        f"in the true order {mean(rows, 'right_tree'):.3f} and {mean(rows, 'right_chain'):.3f}, duels won "
        f"by the tree's {mean(rows, 'won'):.2f}"
    )
