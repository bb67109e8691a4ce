"""Queries from a grammar: the result alone is never found, rungs lead to it and can be taken away.

The paper's rungs (it runs, its columns, its neighbouring tokens) lie too far apart for a policy that begins
with nothing: it ends on texts that look like a query and do not run. How far a parser gets is the rung
between, which a language model brings along. Two more faults hid it on seeds kept aside (100 to 107): without
a bonus for entropy the policy was sure too soon, and pay divided by the group's deviation blows up what
hardly differs. Nine of ten seeds answer all questions, one none. A schema changes nothing but names here, so
imitation is behind only where its queries are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import rewardwrap as rw
from rewardwrap.core.episode import Episode
from rewardwrap.scores.till import in_logs
from rewardwrap_envs.queries import END, TOKENS
from rewardwrap_envs.query_build import FULL, QueryBuild
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.linear import chances, wonder

CLAIM = (
    "Paid for the right rows alone a policy finds no query; a ladder of partial rewards finds it, and the "
    "policy keeps it when the rungs are annealed away; on a schema that it was never asked about it is "
    "better than imitation of four wanted queries."
)
SOURCE = "Pourreza et al., 2025, arXiv 2503.23157"
BUDGET = 1
SEEDS = 10
USE = (
    "rewardwrap train rewardwrap/QueryBuild-v0 "
    "--score '{ladder: {parts: {right: [right, 3], parses: [parses, 4], schema: [schema, 1]}}}' --group 8"
)
SEEN, UNSEEN = (0, 1, 2), (3,)
GROUP, LIMIT, BATCHES, RATE, ENTROPY = 8, 10, 220, 2.0, 0.1
TAUGHT = (4, 24)
"""How many questions' wanted queries are imitated instead."""
RIGHT: dict[str, Any] = {"right": ("right", 3.0)}
PAPER = {"runs": ("runs", 1.0), "schema": ("schema", 1.0), "likeness": ("likeness", 1.0)}
RUNGS = {**PAPER, "parses": ("parses", 4.0)}


def about(env: QueryBuild) -> Any:
    """1, the schema, the wanted column and that of the condition."""
    return np.concatenate([[1.0], env._obs()[:10]])


def written(weights: Any, asked: Any, rng: np.random.Generator | None) -> tuple[Any, Any, Any]:
    """Tokens ``(n, LIMIT)``, their chances at each place, and how many were written before the end.

    Args:
        weights: ``(FULL + 1, 11, tokens)``: how many tokens stand, what is asked, the next token.
        asked: ``(n, 11)``.
        rng: Draws; None takes the likeliest.
    """
    tokens, table = np.full((len(asked), LIMIT), END), []
    for place in range(LIMIT):
        chance = chances(asked, weights[min(place, FULL)])
        draw = 0.5 if rng is None else rng.random(len(asked))[:, None]
        drawn = (chance.cumsum(axis=1)[:, :-1] < draw).sum(axis=1)
        tokens[:, place] = chance.argmax(axis=1) if rng is None else drawn
        table.append(chance)
    ends = tokens == END
    return tokens, table, np.where(ends.any(axis=1), ends.argmax(axis=1) + 1, LIMIT)


def finished(env: QueryBuild, tokens: Any) -> Episode:
    """What the environment says of a text; nothing where it has no end."""
    ended = np.arange(len(tokens)) == len(tokens) - 1
    over = ended & (tokens[-1] == END)
    info = env._info(tokens.tolist() if over[-1] else None)
    return Episode(
        np.zeros((len(tokens) + 1, 1)), tokens, info["right"] * ended, over, ended & ~over,
        {name: value * ended for name, value in info.items()},
    )  # fmt: skip


def train(weights: Any, score: Any, rng: np.random.Generator, *, batches: int) -> None:
    """REINFORCE on the pay of groups of one question, one step uphill for every four groups."""
    rule = rw.Grouped(score, group=GROUP)
    for batch in range(batches):
        envs = [question(SEEN, int(rng.integers(2**31))) for _ in range(4)]
        envs = [env for env in envs for _ in range(GROUP)]
        asked = np.array([about(env) for env in envs])
        tokens, table, lengths = written(weights, asked, rng)
        texts = zip(envs, tokens, lengths, strict=True)
        paid = in_logs(rule, [finished(env, text[:length]) for env, text, length in texts])
        pay = np.array([row.sum() for row in paid])[:, None]
        calm = ENTROPY * (1.0 - batch / batches)
        for place, chance in enumerate(table):
            gain = pay * (np.eye(len(TOKENS))[tokens[:, place]] - chance)
            gain -= calm * np.array([wonder(row) for row in chance])
            weights[min(place, FULL)] += (
                RATE / GROUP * asked.T @ (gain * (place < lengths)[:, None])
            )


def question(schemas: Sequence[int], seed: int) -> QueryBuild:
    """What is asked with this seed."""
    env = QueryBuild(schemas=tuple(schemas))
    env.reset(seed=seed)
    return env


def finds(weights: Any, schemas: Sequence[int]) -> float:
    """Share of questions about these schemas that the likeliest tokens answer."""
    envs = [question(schemas, seed) for seed in range(60)]
    tokens, _, lengths = written(weights, np.array([about(env) for env in envs]), None)
    texts = zip(envs, tokens, lengths, strict=True)
    return float(np.mean([finished(env, text[:n]).reward.sum() for env, text, n in texts]))


def imitated(weights: Any, rng: np.random.Generator, count: int) -> None:
    """Likelihood of the wanted queries of a few questions, uphill."""
    envs = [question(SEEN, int(rng.integers(2**31))) for _ in range(count)]
    asked, gold = np.array([about(env) for env in envs]), np.array([env.gold for env in envs])
    for _ in range(200):
        for place in range(FULL):
            gain = np.eye(len(TOKENS))[gold[:, place]] - chances(asked, weights[place])
            weights[place] += asked.T @ gain / count


def blank() -> Any:
    return np.zeros((FULL + 1, 11, len(TOKENS)))


def run(seed: int, *, small: bool = False) -> Row:
    row, batches = {}, 5 if small else BATCHES
    for name, rungs in (("alone", {}), ("paper", PAPER), ("ladder", RUNGS)):
        over = batches * 4 * GROUP * 9 // 10
        score = rw.Ladder({**RIGHT, **rungs}, anneal=dict.fromkeys(rungs, (1, 0)), over=over)
        weights = blank()
        train(weights, score, np.random.default_rng(seed), batches=batches)
        row[name], row[f"{name}_unseen"] = finds(weights, SEEN), finds(weights, UNSEEN)
    row["rungs_left"] = 1.0 - min(1.0, score._judged[0] / score.over)
    for count in TAUGHT:
        weights = blank()
        imitated(weights, np.random.default_rng(seed), count)
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
            higher(rows, "ladder_unseen", f"imitated_{few}_unseen", by=0.1),
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
