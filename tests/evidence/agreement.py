"""Votes of another wording against votes of one's own, where each wording has a word that misleads.

Three of ten seeds take one of the four sums for another in both wordings, and agree upon it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import rewardwrap as rw
from rewardwrap.core.episode import Episode
from rewardwrap.scores.agreement import vote
from rewardwrap_envs.verify import ANSWERS
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.linear import train

CLAIM = (
    "A policy that leans on a word of the wording stays at chance under a majority vote of its own answers; "
    "agreement with the vote on another wording makes one that knows a little right as often as the labels "
    "do, without reading one."
)
SOURCE = "Zhang et al., 2025, arXiv 2508.00410"
BUDGET = 0.5
SEEDS = 10
USE = (
    "rewardwrap train rewardwrap/Verify-v0 "
    "--score '{grouped: {score: agreement, group: 16, views: [{view: 0}, {view: 1}]}}'"
)
VIEWS = ({"view": 0}, {"view": 1})
KNOWN, MISLED = 1.0, 1.5
"""What the policy begins with: how far it follows the sum, and how far the word.

It has to know something: begun at 0.5 and 2 agreement stayed at chance, at 0.7 and 1 it ended at 0.5 (two
seeds each, the same budget).
"""


def cues(obs: Any) -> Any:
    """The sum, one of 4, and the word, one of 4."""
    sums = (obs[:, :4].argmax(axis=1) + obs[:, 4:8].argmax(axis=1)) % ANSWERS
    return np.hstack([np.eye(ANSWERS)[sums], obs[:, 8:12]])


def gold(episodes: Sequence[Episode]) -> list[float]:
    """The label."""
    return [float(e.reward.sum()) for e in episodes]


def majority(episodes: Sequence[Episode]) -> Any:
    """1 for the most frequent answer within a view."""
    answers, views = (np.array([e.info[k][-1] for e in episodes]) for k in ("answer", "view"))
    votes = {view: vote(answers[views == view]) for view in set(views.tolist())}
    return answers == [votes[view] for view in views.tolist()]


def right(weights: Any) -> float:
    """Share of sums and words on which the likeliest answer is right."""
    rows = np.array([[*np.eye(4)[s], *np.eye(4)[w]] for s in range(4) for w in range(4)])
    return float(np.mean((rows @ weights)[:, :ANSWERS].argmax(axis=1) == np.repeat(range(4), 4)))


def run(seed: int, *, small: bool = False) -> Row:
    row = {}
    for name, score in (("gold", gold), ("majority", majority), ("agreement", rw.Agreement())):
        weights = np.zeros((8, 6))
        weights[:4, :4], weights[4:, :4] = KNOWN * np.eye(4), MISLED * np.eye(4)
        row["before"] = right(weights)
        rule = rw.Grouped(score, group=16, views=VIEWS)
        train(
            "rewardwrap/Verify-v0", rule, cues, weights, np.random.default_rng(seed),
            steps=5 if small else 450, rate=1.0, actions=range(ANSWERS),
        )  # fmt: skip
        row[name] = right(weights)
    row["lost"] = row["agreement"] - row["gold"]
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "agreement", "majority", by=0.3),
            higher(rows, "lost", -0.05),
            higher([{"low": 0.4 - row["majority"]} for row in rows], "low", 0.0),
        ]
    )
    told = ", ".join(f"{name} {mean(rows, name):.2f}" for name in ("majority", "agreement", "gold"))
    return state, f"right answers (before {mean(rows, 'before'):.2f}, chance 0.25): {told}"
