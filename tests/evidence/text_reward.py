"""Preferences between sentences: a frozen transformer against the words, and an agent that is paid by it.

Steps and learning rate of the agents were changed (600 steps at rate 1 to 300 at rate 4) after seeds 0 and 1
had been looked at; those two are among the ten.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

import rewardwrap as rw
from rewardwrap.nets.text_recipe import _measures, fit_text
from rewardwrap.rewards.text_body import HASHED, MINILM
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.grouped import train
from tests.evidence.worlds.worded import told, triples

CLAIM = (
    "Fitted to preferences in some words, a head on a frozen transformer orders answers in other words "
    "better than a bag of words and than their length, and pays an agent that is told of in other words to "
    "succeed."
)
SOURCE = (
    "Ziegler et al., 2019, arXiv 1909.08593 (a scalar head on a language model without its own)"
)
BUDGET = 1
SEEDS = 10
USE = "rewardwrap fit preferences ANSWERS.jsonl --text prompt,chosen,rejected --out MODEL"
ENV = "rewardwrap/SearchQA-v0"
SHARE = 0.8


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    known = [row for row in triples(0) if rng.random() < SHARE]
    other = triples(1)
    row: Row = {}
    for name, body in (("transformer", HASHED if small else MINILM), ("words", HASHED)):
        fitted = fit_text(known, body=body, seed=seed)
        row[f"{name}_heldout"] = fitted.metrics["heldout"]["pair_accuracy"]
        row[f"{name}_other"] = _measures(fitted.head, other)["pair_accuracy"]
        with tempfile.TemporaryDirectory() as folder:
            fitted.save(folder)
            paid = rw.TextReward(folder, partial(told, words=1))
            row[f"{name}_success"] = _success(_mean_of(paid), seed, steps=10 if small else 300)
    longer = fitted.metrics["length"]["pair_accuracy"]
    row["length_heldout"] = longer
    row["length_other"] = float(
        np.mean([0.5 + 0.5 * np.sign(len(c) - len(r)) for _, c, r in other])
    )
    row["length_other"] = max(row["length_other"], 1.0 - row["length_other"])
    outcome = lambda episodes: [e.reward.sum() for e in episodes]  # noqa: E731
    row["true_success"] = _success(outcome, seed, steps=10 if small else 300)
    return row


def _mean_of(reward: rw.Reward) -> Any:
    """What a step is paid on average: a sum would pay for staying."""
    return lambda episodes: [reward.over_time(e.transitions()).mean() for e in episodes]


def _success(score: Any, seed: int, *, steps: int) -> float:
    """Share of the last episodes with the right answer."""
    keys = lambda obs: [tuple(r) for r in np.asarray(obs)[:, [0, 1, 4, 5, 6]].tolist()]  # noqa: E731
    learned = train(ENV, score, np.random.default_rng(seed), steps=steps, rate=4.0, keys=keys)
    return float(np.mean([e.reward.sum() for e in learned.late()]))


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "transformer_other", "words_other", by=0.05),
            higher(rows, "transformer_other", "length_other", by=0.05),
            higher(rows, "transformer_success", "words_success", by=0.1),
        ]
    )
    told = "; ".join(
        f"{what}: " + ", ".join(f"{name} {mean(rows, f'{name}_{key}'):.2f}" for name in names)
        for what, key, names in (
            ("pairs of unseen prompts in order", "heldout", ("transformer", "words", "length")),
            ("in other words", "other", ("transformer", "words", "length")),
            ("success of an agent", "success", ("transformer", "words", "true")),
        )
    )
    return state, (
        f"{told} (true: paid by the outcome). The agents' steps and learning rate were changed, from 600 "
        "at 1 to 300 at 4, after looking at seeds 0 and 1, which are among the ten"
    )
