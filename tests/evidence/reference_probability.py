"""Traces that make a reference likely, taught without a verifier of answers.

The reward grades the trace, never the answer that followed it, so it can teach no more than the reader of
the pad knows: one that follows its pad less (1.5 instead of 4) ended at 0.55 of the answers right, where the
verifier, which trains the reader too, reached 1.0 (seeds 100 and 101, kept aside to set this). The paper's
mean over tokens was expected to teach more than their product; the rows tell both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import rewardwrap as rw
from rewardwrap.core.episode import Episode
from rewardwrap.scores import Return
from rewardwrap_envs.verify import ANSWERS, WORK
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.linear import chances, train

CLAIM = (
    "Paid for how likely its trace makes a reference answer, a policy learns the trace that makes it likely, "
    "and without a verifier answers rightly at least 0.9 times as often as with one."
)
SOURCE = "Yu et al., 2025, arXiv 2506.18254"
BUDGET = 0.3
SEEDS = 10
OBJECT = "rewardwrap.scores.reference_probability:ReferenceProbability"
READS, DISTRACTED = 4.0, 1.0
"""How far the policy that is trained already follows its pad, and how far the word of the wording."""


def sees(obs: Any) -> Any:
    """The pad, that it is empty, and the word."""
    return np.hstack([obs[:, 12:16], 1.0 - obs[:, 12:16].sum(axis=1, keepdims=True), obs[:, 8:12]])


def worded(obs: Any) -> Any:
    """One observation under each of the four words: the tokens of a reference."""
    rows = np.repeat(obs[None], ANSWERS, axis=0)
    rows[:, 8:12] = np.eye(ANSWERS)
    return rows


def right(episode: Episode) -> Any:
    """The reference: the right answer, once for each word."""
    start = episode.obs[0]
    return np.full(ANSWERS, (start[:4].argmax() + start[4:8].argmax()) % ANSWERS)


def run(seed: int, *, small: bool = False) -> Row:
    row = {}
    for name, fields in (("mean", {}), ("product", {"form": "product"}), ("verifier", None)):
        weights = np.zeros((9, 6))
        weights[:4, :4] = READS * np.eye(4)
        weights[5:, :4] = DISTRACTED * np.random.default_rng(seed).normal(size=(4, 4))

        def policy(obs: Any, actions: Any, known: Any = weights) -> Any:
            answers = chances(sees(obs), known, range(ANSWERS))
            return answers[np.arange(len(obs)), actions.astype(int)]

        score: Any = Return()
        if fields is not None:
            score = rw.ReferenceProbability(
                policy,
                lambda e: (worded(e.obs[-1]), right(e)),
                bare=lambda e: (worded(e.obs[0]), right(e)),
                **fields,  # type: ignore[arg-type]
            )
        seen = train(
            "rewardwrap/Verify-v0", rw.Grouped(score, group=8), sees, weights,
            np.random.default_rng(seed), steps=12 if small else 300, rate=2.0,
        )  # fmt: skip
        parts = {
            "first": seen[: len(seen) // 50 + 1],
            "early": seen[len(seen) // 50 : len(seen) // 10],
            "late": seen[-len(seen) // 5 :],
        }
        for when, part in parts.items():
            row[f"{name}_{when}"] = float(np.mean([e.reward.sum() for e in part]))
            row[f"{name}_works_{when}"] = float(np.mean([(e.action == WORK).any() for e in part]))
    row["reached"] = row["mean_late"] / row["verifier_late"]
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "mean_works_late", "mean_works_first", by=0.3),
            higher(rows, "mean_late", "mean_first", by=0.1),
            higher(rows, "reached", 0.9),
        ]
    )
    told = ", ".join(
        f"{name} {mean(rows, f'{name}_late'):.2f} ({mean(rows, f'{name}_works_late'):.2f} work)"
        for name in ("mean", "product", "verifier")
    )
    early = ", ".join(
        f"{name} {mean(rows, f'{name}_works_early'):.2f}" for name in ("mean", "product")
    )
    begun = f"{mean(rows, 'mean_first'):.2f} ({mean(rows, 'mean_works_first'):.2f} work)"
    return (
        state,
        f"right answers: at first {begun}; late, paid by {told}; work early on, paid by {early}",
    )
