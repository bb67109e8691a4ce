"""Rungs under an outcome: what each is worth, and that the outcome stays on top."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.core.episode import Episode
from rewardwrap_envs.query_build import QueryBuild

LAST = np.array([True])
PAPER = {
    "exec": ("exec", 3.0), "judge": ("judge", 2.0, "unless:exec"), "syntax": ("syntax", 1.0),
    "schema": ("schema", 1.0), "ngram": ("ngram", 1.0), "form": ("form", 1.0),
}  # fmt: skip


def done(**parts: float) -> Episode:
    info = {name: np.array([value]) for name, value in parts.items()}
    return Episode(np.zeros((2, 1)), np.zeros(1), np.zeros(1), LAST, ~LAST, info)


def every(value: float, **others: float) -> Episode:
    return done(**{**dict.fromkeys(PAPER, value), **others})


def test_the_gold_query_gets_the_maximum_of_seven() -> None:
    free = rw.Ladder(PAPER, outcome="exec", outcome_dominates=False)
    assert free([every(1.0)]).tolist() == [7.0]
    assert free.most == 7.0
    assert free([every(1.0, exec=0.0)]).tolist() == [6.0]
    assert free([done(**{**dict.fromkeys(PAPER, 0.0), "schema": 1 / 3})])[0] == pytest.approx(1 / 3)
    # the paper's weights let a query that fails beat one that succeeds
    assert free([every(0.0, exec=1.0)])[0] < free([every(1.0, exec=0.0)])[0]


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5), st.integers(0, 20))
def test_whoever_has_the_outcome_is_above_all_who_have_not(rungs: list[float], seen: int) -> None:
    ladder = rw.Ladder(PAPER, outcome="exec", anneal={"schema": (1, 0), "form": (0, 3)}, over=10)
    names = [name for name in PAPER if name != "exec"]
    for _ in range(seen):
        ladder([every(0.0)])
    some = dict(zip(names, rungs, strict=True))
    worst, best = ladder([every(0.0, exec=1.0), every(1.0, exec=0.0)])
    assert worst > best
    assert ladder([done(exec=1.0, **some)])[0] >= worst
    assert ladder([done(exec=0.0, **some)])[0] <= best + 1e-12


def test_annealing_counts_episodes_that_taught_and_no_others() -> None:
    ladder = rw.Ladder(
        {"right": ("right", 1.0), "runs": ("runs", 0.5)}, anneal={"runs": (1, 0)}, over=4
    )
    failed = done(right=0.0, runs=1.0)
    assert [ladder([failed] * 2)[0] for _ in range(3)] == [0.5, 0.25, 0.0]
    assert ladder.peek([failed])[0] == ladder([done(right=1.0, runs=1.0)])[0] - 1.0 == 0.0


def test_the_rungs_of_a_query_rise_on_the_way_to_it() -> None:
    env = QueryBuild(schemas=(1,))
    env.reset(seed=0)
    plays = {"empty": [8], "gold": env.gold, "other": [*env.gold[:1], 4, *env.gold[2:5], 4, 7, 8]}
    infos = {}
    for name, play in plays.items():
        env.reset(seed=0)
        infos[name] = [env.step(np.int64(token)) for token in play][-1][-1]
    score = rw.Ladder(
        {k: (k, w) for k, w in (("right", 3.0), ("runs", 1.0), ("schema", 1.0), ("likeness", 1.0))}
    )
    paid = score([done(**{k: float(v) for k, v in info.items()}) for info in infos.values()])
    assert paid[0] < paid[2] < paid[1] == pytest.approx(score.most)


def test_bad_input_is_one_sentence() -> None:
    for parts, fields, sentence in (
        ({"runs": ("runs", 1.0)}, {}, 'outcome must be one of the parts, got "right" beside runs'),
        ({"right": "right"}, {}, "must be .what, weight of at least 0., got 'right'"),
        ({"right": ("right", -1.0)}, {}, "weight of at least 0"),
        ({"right": ("right", 1.0, "unless:luck")}, {}, "must name another after"),
        ({"right": ("right", 1.0)}, {"anneal": {"runs": (1, 0)}}, "two factors of at least 0"),
        ({"right": ("right", 1.0)}, {"over": 0}, "over must be at least 1, got 0"),
    ):
        with pytest.raises(rw.ConfigError, match=sentence):
            rw.Ladder(parts, **fields)  # type: ignore[arg-type]
    with pytest.raises(rw.RewardValueError, match=r"right must lie in \[0, 1\], got 2"):
        rw.Ladder({"right": ("right", 1.0)})([done(right=2.0)])
    ladder = rw.Grouped({"ladder": {"parts": {"right": ["right", 3.0], "runs": ["runs", 1.0]}}})
    assert rw.from_config(ladder.to_config()).to_config() == ladder.to_config()
