"""Patterns alone as a reward: as good as the outcome where they cause it, and nothing where they do not.

At three times the step size and a third of the steps the outcome itself ended at chance (seed 100, which
was kept aside to set them): no yardstick for the patterns, which reached 0.98 there too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import rewardwrap as rw
from rewardwrap.core.episode import Episode
from rewardwrap_envs.verify import ANSWERS, DOODLE, WORK
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.linear import train

CLAIM = (
    "Paid for patterns of good work alone a policy reaches most of what the outcome teaches, where the "
    "patterns make an answer right; patterns that do not leave it at chance."
)
SOURCE = "Lv et al., 2025, arXiv 2505.22653"
BUDGET = 0.2
SEEDS = 10
USE = (
    "rewardwrap train rewardwrap/SearchQA-v0 "
    "--score '{reasoning_pattern: {patterns: [new_search, on_topic, grounded]}}' --group 8"
)


def worked(episode: Episode) -> bool:
    """Whether the sum was written on the pad."""
    return bool((episode.action == WORK).any())


def doodled(episode: Episode) -> bool:
    """Whether anything else was."""
    return bool((episode.action == DOODLE).any())


def copied(episode: Episode) -> bool:
    """Whether the answer is what the pad shows."""
    pad, answer = episode.obs[-1, 12:16], int(episode.action[-1])
    return bool(pad.any()) and answer < ANSWERS and bool(pad[answer])


def said_one(episode: Episode) -> bool:
    """Whether the answer is 1, whatever was asked."""
    return bool(episode.action[-1] == 1)


def outcome(episodes: Sequence[Episode]) -> list[float]:
    """The label."""
    return [float(e.reward.sum()) for e in episodes]


def pad(obs: Any) -> Any:
    """All that the policy sees: the pad, or that it is empty."""
    return np.hstack([obs[:, 12:16], 1.0 - obs[:, 12:16].sum(axis=1, keepdims=True)])


def run(seed: int, *, small: bool = False) -> Row:
    row = {}
    arms = {
        "outcome": outcome,
        "causal": rw.ReasoningPattern((worked, copied)),
        "idle": rw.ReasoningPattern((doodled, said_one)),
    }
    for name, score in arms.items():
        seen = train(
            "rewardwrap/Verify-v0", rw.Grouped(score, group=8), pad, np.zeros((5, 6)),
            np.random.default_rng(seed), steps=12 if small else 300, rate=2.0,
        )  # fmt: skip
        row[name] = float(np.mean(outcome(seen[-len(seen) // 5 :])))
    row["kept"] = row["causal"] - row["outcome"]
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "kept", -0.1),
            higher(rows, "causal", "idle", by=0.4),
            higher([{"low": 0.35 - row["idle"]} for row in rows], "low", 0.0),
        ]
    )
    told = ", ".join(f"{name} {mean(rows, name):.2f}" for name in ("outcome", "causal", "idle"))
    return state, f"right answers late in training (chance 0.25): {told}"
