"""Judges with planted faults: what both orders, checks that must carry the verdict, and votes are worth."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from rewardwrap.annotate.annotator import Query
from rewardwrap.annotate.judge import Judge
from rewardwrap.annotate.reports import Reports
from rewardwrap.annotate.rubric import Criterion
from rewardwrap.annotate.scripted import Said, Scripted
from rewardwrap.data import EpisodeStore, Fragments
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.ford import counts, play

CLAIM = (
    "Of a judge that is hasty, goes by the place, makes quotes up and misreads, the answers in both orders "
    "whose checks carry the verdict are fewer and more often right than bare ones, and more votes make more "
    "of them right."
)
SOURCE = "Chen et al. (RM-R1), 2025, arXiv 2505.02387; Zhou et al. (Libra), 2025, arXiv 2507.21645"
BUDGET = 1
SEEDS = 10
OBJECT = "rewardwrap.annotate.judge:Judge"
USE = 'rewardwrap judge DATA --principle "prefer low energy" --out ANSWERS.jsonl'
PRINCIPLE = "never touch water; prefer low total effort"
RUBRIC = (
    Criterion("c1", "never touch water", 3.0),
    Criterion("c2", "prefer low total effort", 1.0),
)
WORDED = (Criterion("c1", "stays dry", 3.0), Criterion("c2", "spends little", 1.0))
"""The same in words that no figure is held against."""
HASTY, PLACE, MADE_UP, MISREAD = 0.2, 0.2, 0.15, 0.1
VOTES = (1, 3, 9)
QUESTIONS = 400
"""Of each way, to teach with."""


class Faulty:
    """The scripted judge with faults: each answer is drawn by its words, as a model's would be.

    Args:
        seed: Of the faults.
        checks: Whether it is asked for checks, or for a bare verdict.
    """

    model = "faulty"

    def __init__(self, seed: int, *, checks: bool) -> None:
        self.seed, self.checks, self.asked = seed, checks, 0

    def complete(self, request: Any) -> Said:
        self.asked += 1
        prompt = request.messages[-1]["content"]
        drawn = hashlib.sha256(f"{self.seed} {request.seed} {prompt}".encode()).digest()
        rng = np.random.default_rng(list(drawn[:8]))
        exact = prompt
        for words, stated in zip(WORDED, RUBRIC, strict=True):
            exact = exact.replace(f": {words.text}", f": {stated.text}")
        if not self.checks:
            rubric = "\n".join(f"{c.id} (weight {c.weight:g}): {c.text}" for c in RUBRIC)
            exact = f"{rubric}\n{exact}"
        message = {"role": "user", "content": exact}
        said = json.loads(Scripted().complete(type("Asked", (), {"messages": [message]})).text)
        fault = rng.random()
        any_side = str(rng.choice(["1", "2"]))
        if fault < HASTY:
            # right reasons, and a verdict that was not taken from them
            said["better"] = any_side
        elif fault < HASTY + PLACE:
            said["better"] = "1"
            for row in said["checks"]:
                row["better"] = "1"
        elif fault < HASTY + PLACE + MADE_UP:
            said["better"] = any_side
            for row in said["checks"]:
                row |= {"better": any_side, "evidence": ["careful steps", "a splash"]}
        elif fault < HASTY + PLACE + MADE_UP + MISREAD:
            # quotes are there, and everything follows: nobody can tell
            said["better"] = any_side
            for row in said["checks"]:
                row["better"] = any_side
        return Said(json.dumps(said if self.checks else {"better": said["better"]}))


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    episodes = play(np.zeros((18, 3)), 60 if small else 240, rng)[0]
    store = EpisodeStore.from_episodes(episodes)
    # weights of the rubric, not ranks: a dry episode above a wet one, then effort
    worth = np.array(
        [-1000.0 * (e.info["water"].sum() > 0) - e.info["effort"].sum() for e in episodes]
    )
    row: Row = {}
    tested = _pairs(store, 10 if small else 100, rng)
    right = np.sign(worth[tested.b.episode] - worth[tested.a.episode])
    once = Faulty(seed, checks=False)
    bare = Judge(once, Reports(), PRINCIPLE)
    one_way = np.array(
        [_once(bare, a, b) for a, b in zip(Reports()(tested.a), Reports()(tested.b), strict=False)]
    )
    row |= _rated("once", one_way, right)
    row |= _rated("orders", bare.answer(tested), right)
    for votes in VOTES[:1] if small else VOTES:
        careful = Judge(Faulty(seed, checks=True), Reports(), PRINCIPLE, votes=votes, rubric=WORDED)
        row |= _rated(f"votes_{votes}", careful.answer(tested), right)
    if small:
        row |= {
            f"votes_{v}_{k}": row[f"votes_1_{k}"]
            for v in VOTES
            for k in ("right", "answered", "score")
        }
    asked = 20 if small else QUESTIONS
    unseen = play(np.zeros((18, 3)), 60 if small else 240, rng)[0]
    for name, per, rubric in (("bare", 1, None), ("checked", 2, WORDED)):
        teach = _pairs(store, asked // per, rng)
        judge = Judge(
            Faulty(seed + 1, checks=rubric is not None), Reports(), PRINCIPLE, rubric=rubric
        )
        if per == 1:
            texts = zip(Reports()(teach.a), Reports()(teach.b), strict=True)
            said = np.array([_once(judge, a, b) for a, b in texts])
        else:
            said = judge.answer(teach)
        row[f"taught_{name}"] = _taught(store, teach, said, unseen)
    return row


def _once(judge: Judge, a: str, b: str) -> float:
    """The first order alone, as a judge without manners is asked."""
    found = judge._ask((a, b), 0, {})
    return float("nan") if found is None else found


def _pairs(store: EpisodeStore, count: int, rng: np.random.Generator) -> Query:
    a, b = (rng.integers(len(store), size=count) for _ in range(2))
    b = np.where(a == b, (b + 1) % len(store), b)
    return Query(*(Fragments(store, x, np.zeros(count, int), store.lengths[x]) for x in (a, b)))


def _rated(name: str, said: Any, right: Any) -> Row:
    """Share right among sure answers, share of sure answers, and share right with a coin for the rest."""
    judged = right != 0
    sure = judged & ~np.isnan(said) & (said != 0.5)
    hits = np.sign(said[sure] - 0.5) == right[sure]
    answered = sure.sum() / judged.sum()
    accuracy = float(hits.mean()) if sure.any() else 0.5
    return {
        f"{name}_right": accuracy,
        f"{name}_answered": float(answered),
        f"{name}_score": float(answered * accuracy + (1 - answered) * 0.5),
    }


def _taught(store: EpisodeStore, pairs: Query, said: Any, unseen: Any) -> float:
    """Pairs of unseen episodes that a linear Bradley-Terry model of these answers puts in order."""
    features = counts(list(store))
    kept = ~np.isnan(said)
    gap, better = (features[pairs.b.episode] - features[pairs.a.episode])[kept], said[kept]
    weights = np.zeros(features.shape[1])
    for _ in range(300):
        chance = 1.0 / (1.0 + np.exp(-np.clip(gap @ weights, -30, 30)))
        weights += 0.3 * (gap.T @ (better - chance) / max(1, kept.sum()) - 3e-3 * weights)
    paid = counts(unseen) @ weights
    worth = np.array(
        [-1000.0 * (e.info["water"].sum() > 0) - e.info["effort"].sum() for e in unseen]
    )
    one, other = (np.subtract.outer(x, x) for x in (paid, worth))
    return float((one * other > 0)[other != 0].mean())


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "votes_1_right", "once_right", by=0.1),
            higher(rows, "votes_1_right", "orders_right"),
            higher(rows, "votes_3_score", "votes_1_score"),
            higher(rows, "votes_9_score", "votes_3_score"),
            higher(
                [{"apart": r["taught_checked"] - r["taught_bare"]} for r in rows], "apart", -0.02
            ),
        ]
    )
    ways = {"asked once": "once", "both orders": "orders", "with checks": "votes_1"}
    told = ", ".join(
        f"{name} {mean(rows, way + '_right'):.2f} of {mean(rows, way + '_answered'):.0%} answered"
        for name, way in ways.items()
    )
    votes = ", ".join(f"{mean(rows, f'votes_{v}_score'):.2f}" for v in VOTES)
    return state, (
        f"right: {told}; with a coin for the rest, of 1, 3 and 9 votes: {votes}; a model taught by "
        f"{QUESTIONS} questions with checks orders {mean(rows, 'taught_checked'):.2f} of unseen pairs, by as "
        f"many bare ones {mean(rows, 'taught_bare'):.2f}"
    )
