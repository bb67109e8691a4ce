"""Queries from a grammar: the result alone is never found, rungs lead to it and can be taken away.

The paper's rungs (it runs, its columns, its neighbouring tokens) lie too far apart for a policy that begins
with nothing: it ended on texts that look like a query and do not run, on all of seeds 100 to 103, kept aside.
How far a parser gets is the rung between; a language model brings that with it. Two more faults hid it:
without a bonus for entropy the policy was sure too soon, and pay divided by the group's deviation blows up
what hardly differs. A ladder was expected to beat the imitation of wanted queries on an unseen schema; a
schema changes nothing but names here, so that a few queries that cover the grammar do as well.
"""

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
USE = (
    "rewardwrap train rewardwrap/QueryBuild-v0 "
    "--score '{ladder: {parts: {right: [right, 3], parses: [parses, 4], schema: [schema, 1]}}}' --group 8"
)
SEEN, UNSEEN = (0, 1, 2), (3,)
TAUGHT = (4, 24)
"""How many questions' wanted queries are imitated instead."""
RIGHT: dict[str, Any] = {"right": ("right", 3.0)}
PAPER = {"runs": ("runs", 1.0), "schema": ("schema", 1.0), "likeness": ("likeness", 1.0)}
RUNGS = {**PAPER, "parses": ("parses", 4.0)}


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


def imitated(rng: np.random.Generator, weights: Any, count: int) -> None:
    """Likelihood of the wanted queries of so many questions, uphill."""
    env, rows, tokens = QueryBuild(schemas=SEEN), [], []
    for _ in range(count):
        env.reset(seed=int(rng.integers(2**31)))
        for token in env.gold:
            rows.append(places(env._obs()[None])[0])
            tokens.append(token)
            env.step(np.int64(token))
    for _ in range(200):
        weights += np.array(rows).T @ (np.eye(9)[tokens] - chances(np.array(rows), weights)) / count


def run(seed: int, *, small: bool = False) -> Row:
    row, steps = {}, 20 if small else 2500
    arms = {"alone": {}, "paper": PAPER, "ladder": RUNGS}
    for name, rungs in arms.items():
        # 8 000 to 10 000 episodes are over in these steps
        anneal = dict.fromkeys(rungs, (1, 0))
        score = rw.Ladder({**RIGHT, **rungs}, anneal=anneal, over=20 if small else 7000)
        weights = np.zeros((99, 9))
        train(
            "rewardwrap/QueryBuild-v0", rw.Grouped(score, group=8), places, weights,
            np.random.default_rng(seed), steps=steps, rate=2.0, entropy=0.1, env_kwargs={"schemas": SEEN},
        )  # fmt: skip
        row[name], row[f"{name}_unseen"] = finds(weights, SEEN), finds(weights, UNSEEN)
    row["rungs_left"] = 1.0 - min(1.0, score._judged[0] / score.over)
    for count in TAUGHT:
        weights = np.zeros((99, 9))
        imitated(np.random.default_rng(seed), weights, count)
        row[f"imitated_{count}"] = finds(weights, SEEN)
        row[f"imitated_{count}_unseen"] = finds(weights, UNSEEN)
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    few, many = TAUGHT
    state = together(
        [
            higher(rows, "ladder", "alone", by=0.5),
            higher(rows, "ladder", 0.8),
            higher(rows, "ladder_unseen", 0.8),
            higher([{"left": 0.01 - row["rungs_left"]} for row in rows], "left", 0.0),
        ]
    )
    told = ", ".join(
        f"{name} {mean(rows, key):.2f} ({mean(rows, f'{key}_unseen'):.2f} on the unseen schema)"
        for name, key in (
            ("alone", "alone"), ("the paper's rungs", "paper"), ("with the parser's", "ladder"),
            (f"{few} wanted queries imitated", f"imitated_{few}"),
            (f"{many} imitated", f"imitated_{many}"),
        )
    )  # fmt: skip
    return state, f"questions answered by the right rows: {told}"
