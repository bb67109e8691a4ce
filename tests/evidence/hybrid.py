"""A rule for half of the questions, a model that errs and likes length for all of them.

Half a step was asked of the penalty on length at first; a seed kept aside (100) gave a third, so that any
gain is asked. A model that gives 0.4 for the right answer and 0.075 for each step calls long answers right:
the length of right ones swells with it, and the penalty made answers longer and worse (0.41 right in 5.1
steps against 0.81 in 2.0 without it, seed 100).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import rewardwrap as rw
from rewardwrap.core.episode import Episode
from rewardwrap_envs.verify import ANSWERS
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.linear import train

CLAIM = (
    "Where half of the questions can be checked, rule and model together are right more often than either "
    "alone, and the penalty on length keeps answers short at no loss of accuracy."
)
SOURCE = "Gulhane and Indurthi, 2025, arXiv 2510.05283"
BUDGET = 0.3
SEEDS = 10
USE = (
    "rewardwrap train rewardwrap/Verify-v0 "
    "--score '{hybrid: {rule: is_success, confidence: checkable}}' --group 8"
)
WRONG, TASTE = 3, 0.04
"""The sum that the model gets wrong, and what it gives for every further step."""


def model(episodes: Sequence[Episode]) -> list[float]:
    """0.6 for the answer it takes for right (0 where the sum is 3), more for longer episodes."""
    return [0.6 * (e.info["answer"][-1] == believed(e)) + TASTE * len(e) for e in episodes]


def believed(episode: Episode) -> int:
    """What the model takes for the right answer."""
    right = total(episode.obs[:1])[0]
    return 0 if right == WRONG else int(right)


def total(obs: Any) -> Any:
    """The sum that is asked for."""
    return (obs[:, :4].argmax(axis=1) + obs[:, 4:8].argmax(axis=1)) % ANSWERS


def asked(obs: Any) -> Any:
    """The sum, one of 4, for questions that can be checked and for those that cannot."""
    one = np.eye(ANSWERS)[total(obs)]
    return np.hstack([one * obs[:, 17:], one * (1.0 - obs[:, 17:])])


def run(seed: int, *, small: bool = False) -> Row:
    row = {}
    checked: dict[str, Any] = {"confidence": "checkable"}
    arms = {
        "rule": rw.Hybrid("is_success", length=None, **checked),
        "model": rw.Hybrid("is_success", model, confidence=0.0, length=None),
        "loose": rw.Hybrid("is_success", model, length=None, **checked),
        "hybrid": rw.Hybrid("is_success", model, **checked),
    }
    for name, score in arms.items():
        seen = train(
            "rewardwrap/Verify-v0", rw.Grouped(score, group=8), asked, np.zeros((8, 6)),
            np.random.default_rng(seed), steps=12 if small else 400, rate=3.0,
        )  # fmt: skip
        late = seen[-len(seen) // 5 :]
        row[name] = float(np.mean([e.reward.sum() for e in late]))
        row[f"{name}_length"] = float(np.mean([len(e) for e in late]))
    row["kept"] = row["hybrid"] - row["loose"]
    row["shorter"] = row["loose_length"] - row["hybrid_length"]
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "hybrid", "rule", by=0.05),
            higher(rows, "hybrid", "model", by=0.05),
            higher(rows, "kept", -0.03),
            higher(rows, "shorter", 0.0),
        ]
    )
    told = ", ".join(
        f"{name} {mean(rows, name):.2f} in {mean(rows, f'{name}_length'):.1f} steps"
        for name in ("rule", "model", "loose", "hybrid")
    )
    return state, f"right answers: {told} (loose: without the penalty on length)"
