"""Agreement of views: the votes of one wording judge the answers to another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.core.episode import Episode
from rewardwrap.scores.agreement import vote

LAST = np.array([True])


def said(view: int, answer: float, right: float = 0.0) -> Episode:
    info = {"view": np.array([float(view)]), "answer": np.array([answer])}
    return Episode(np.zeros((2, 1)), np.zeros(1), np.array([right]), LAST, ~LAST, info)


def test_the_worked_example_of_the_paper() -> None:
    group = [said(0, a) for a in (0, 0, 1)] + [said(1, a) for a in (0, 2, 2)]
    assert rw.Agreement()(group).tolist() == [0, 0, 0, 1, 0, 0]


def test_ties_go_to_the_earliest_and_nobody_votes_without_an_answer() -> None:
    assert vote(np.array([3.0, 1.0, 1.0, 3.0])) == 3.0
    assert vote(np.array([np.nan, 2.0])) == 2.0
    group = [said(0, np.nan), said(0, 1), said(1, np.nan), said(1, np.nan)]
    assert rw.Agreement()(group).tolist() == [0, 0, 0, 0]


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3)), min_size=2, max_size=9),
    st.permutations(range(4)),
)
def test_names_of_answers_mean_nothing_and_labels_are_not_read(
    pairs: Sequence[tuple[int, int]], names: Sequence[int]
) -> None:
    group = [said(view, answer) for view, answer in [(0, 0), (1, 0), *pairs]]
    want = rw.Agreement()(group)
    assert set(want.tolist()) <= {0.0, 1.0}
    renamed = [said(int(e.info["view"][0]), names[int(e.info["answer"][0])]) for e in group]
    assert rw.Agreement()(renamed).tolist() == want.tolist()
    labelled = [said(int(e.info["view"][0]), e.info["answer"][0], right=1.0) for e in group]
    assert rw.Agreement()(labelled).tolist() == want.tolist()


def test_functions_say_answer_and_view_too() -> None:
    score = rw.Agreement(answer=lambda e: e.info["answer"], view=lambda e: e.info["view"])
    group = [said(0, 1), said(1, 1)]
    assert score(group).tolist() == rw.Agreement()(group).tolist() == [1, 1]


def test_lanes_of_a_group_show_its_views_and_are_compared_within_them() -> None:
    rule = rw.Grouped("agreement", group=4, views=({"view": 0}, {"view": 1}))
    venv = rw.make_grouped("rewardwrap/Verify-v0", rule, n_envs=8, seed=3)
    obs = venv.reset()
    assert (obs[:4, :8] == obs[0, :8]).all()
    assert (obs[0] == obs[1]).all()
    assert (obs[2] == obs[3]).all()
    words = [venv.get_attr("_words")[k].tolist() for k in (0, 2)]
    assert words[0] == words[1]
    _, paid, dones, infos = venv.step(np.array([0, 1, 0, 0, 2, 2, 2, 2]))
    assert dones.all()
    assert paid.tolist() == [0.5, -0.5, 0, 0, 0, 0, 0, 0]
    assert [info["view"] for info in infos] == [0, 0, 1, 1] * 2
    again = rw.from_config(rule.to_config())
    assert again.to_config() == rule.to_config()


def test_bad_input_is_one_sentence() -> None:
    with pytest.raises(rw.RewardValueError, match="at least two views, got 2 episodes of one"):
        rw.Agreement()([said(0, 1), said(0, 1)])
    with pytest.raises(rw.RewardValueError, match="answer must be a whole number or NaN, got 0.5"):
        rw.Agreement()([said(0, 0.5), said(1, 1)])
    with pytest.raises(rw.RewardValueError, match='info must have "word", got view, answer'):
        rw.Agreement(answer="word")([said(0, 1), said(1, 1)])
    with pytest.raises(rw.ConfigError, match="multiple of the views, 2, got 3. Use 4"):
        rw.Grouped("agreement", group=3, views=({"view": 0}, {"view": 1}))
    with pytest.raises(rw.ConfigError, match="views must be arguments of the environment"):
        rw.Grouped("agreement", views=(0, 1))  # type: ignore[arg-type]
