"""Queries from a grammar: the result alone is never found, rungs lead to it and can be taken away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import rewardwrap as rw
from rewardwrap_envs.query_build import QueryBuild
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.linear import chances, train

CLAIM = (
    "Paid for the right rows alone a policy finds no query; a ladder of partial rewards finds it, and the "
    "policy keeps it when the rungs are annealed away, on a schema that it was never asked about too."
)
SOURCE = "Pourreza et al., 2025, arXiv 2503.23157"
BUDGET = 1
SEEDS = 10
USE = "rewardwrap train rewardwrap/QueryBuild-v0 --score ladder.yml --group 8"
SEEN, UNSEEN = (0, 1, 2), (3,)
TAUGHT = 4
"""Questions whose wanted queries are imitated instead."""
RUNGS = {"runs": ("runs", 1.0), "schema": ("schema", 1.0), "likeness": ("likeness", 1.0)}
PARTS: dict[str, Any] = {"right": ("right", 3.0), **RUNGS}


def places(obs: Any) -> Any:
    """How many tokens stand, each with the schema, the wanted column and that of the condition."""
    about = np.hstack([np.ones((len(obs), 1)), obs[:, :10]])
    return (obs[:, 28:37, None] * about[:, None, :]).reshape(len(obs), -1)


def finds(weights: Any, schemas: tuple[int, ...]) -> float:
    """Share of all questions about these schemas that the likeliest tokens answer."""
    right = []
    for schema in schemas:
        for asked in range(3):
            for where in {1, 2} - {asked}:
                env = QueryBuild(schemas=(schema,))
                env.reset(seed=0)
                env._asked, env._where = asked, where
                over, steps, info = False, 0, {"right": 0.0}
                while not over and steps < 10:
                    row = places(env._obs()[None])
                    _, _, over, _, info = env.step(np.int64((row @ weights)[0].argmax()))
                    steps += 1
                right.append(info["right"])
    return float(np.mean(right))


def imitated(rng: np.random.Generator, weights: Any) -> None:
    """Likelihood of the wanted queries of a few questions, uphill."""
    env, rows, tokens = QueryBuild(schemas=SEEN), [], []
    for _ in range(TAUGHT):
        env.reset(seed=int(rng.integers(2**31)))
        for token in env.gold:
            rows.append(places(env._obs()[None])[0])
            tokens.append(token)
            env.step(np.int64(token))
    for _ in range(200):
        weights += np.array(rows).T @ (np.eye(9)[tokens] - chances(np.array(rows), weights))


def run(seed: int, *, small: bool = False) -> Row:
    row, blank = {}, np.zeros((99, 9))
    steps = 20 if small else 2500
    ladder = rw.Ladder(PARTS, anneal=dict.fromkeys(RUNGS, (1, 0)), over=steps * 2)
    alone = rw.Ladder({"right": ("right", 3.0)})
    for name, score in (("alone", alone), ("ladder", ladder)):
        weights = blank.copy()
        train(
            "rewardwrap/QueryBuild-v0", rw.Grouped(score, group=8, scaled=True), places, weights,
            np.random.default_rng(seed), steps=steps, rate=1.0, env_kwargs={"schemas": SEEN},
        )  # fmt: skip
        row[name], row[f"{name}_unseen"] = finds(weights, SEEN), finds(weights, UNSEEN)
    weights = blank.copy()
    imitated(np.random.default_rng(seed), weights)
    row["imitated"], row["imitated_unseen"] = finds(weights, SEEN), finds(weights, UNSEEN)
    row["rungs_left"] = 1.0 - min(1.0, ladder._judged[0] / ladder.over)
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "ladder", "alone", by=0.5),
            higher(rows, "ladder", 0.8),
            higher(rows, "ladder_unseen", 0.8),
            higher([{"left": 0.01 - row["rungs_left"]} for row in rows], "left", 0.0),
        ]
    )
    told = ", ".join(
        f"{name} {mean(rows, name):.2f} ({mean(rows, f'{name}_unseen'):.2f} on the unseen schema)"
        for name in ("alone", "ladder", "imitated")
    )
    return state, f"questions answered by the right rows: {told}; imitated: {TAUGHT} wanted queries"
