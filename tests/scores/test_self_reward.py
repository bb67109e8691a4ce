"""The whole times its parts: signs, bounds, and a judge that may not change."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.core.episode import Episode

LAST = np.array([False, True])
EPISODE = Episode(np.zeros((3, 1)), np.zeros(2), np.zeros(2), LAST, ~LAST & LAST)
unit = st.floats(-1, 1)


def judged(whole: float, parts: Any, **options: Any) -> Any:
    return rw.SelfReward(lambda es: [whole] * len(es), lambda es: [parts] * len(es), **options)


def test_the_worked_numbers_of_both_forms() -> None:
    (paper,) = judged(0.6, [0.95, -0.5]).shares([EPISODE])
    np.testing.assert_allclose(paper, [0.76, -0.40], atol=1e-12)
    (code,) = judged(0.6, [0.95, -0.5, np.nan], form="code").shares([EPISODE])
    np.testing.assert_allclose(code, [0.78, 0.20, 0.40], atol=1e-12)


@given(unit, st.lists(unit, min_size=1, max_size=5))
def test_a_part_keeps_its_sign_and_stays_in_its_bounds(whole: float, parts: Any) -> None:
    (paper,) = judged(whole, parts).shares([EPISODE])
    assert (np.abs(paper) <= 1.0).all()
    assert (paper * np.array(parts) >= 0.0).all()
    (code,) = judged(whole, parts, form="code").shares([EPISODE])
    assert ((code >= 0.0) & (code <= 1.0)).all()
    (better,) = judged(min(1.0, whole + 0.1), parts, form="code").shares([EPISODE])
    assert (better >= code).all()
    assert judged(-1.0, parts)([EPISODE]).tolist() == [0.0]


def test_an_episode_is_paid_the_mean_of_its_parts_and_nothing_without_any() -> None:
    score = rw.SelfReward(lambda es: [1.0, 1.0], lambda es: [[1.0, np.nan, 0.0], [np.nan]])
    assert score([EPISODE, EPISODE]).tolist() == [0.5, 0.0]


def test_the_best_of_overlapping_parts_counts_in_the_form_of_the_code() -> None:
    layers = np.array([[0.5, -1.0], [np.nan, -1.0]])
    (code,) = judged(1.0, layers, form="code").shares([EPISODE])
    assert code.tolist() == [0.75, 0.5]
    with pytest.raises(rw.RewardValueError, match="parts must not overlap, got shape"):
        judged(1.0, layers)([EPISODE])


def test_a_judge_that_learns_meanwhile_is_refused() -> None:
    judge = torch.nn.Linear(1, 1)
    score = judged(1.0, [1.0], judge=judge)
    assert score([EPISODE]).tolist() == [1.0]
    judge.load_state_dict(copy.deepcopy(judge.state_dict()))
    assert score([EPISODE]).tolist() == [1.0]
    with torch.no_grad():
        judge.bias += 1e-3
    with pytest.raises(rw.RewardValueError, match="judge must stay as it was, got other weights"):
        score([EPISODE])


def test_bad_input_is_one_sentence() -> None:
    with pytest.raises(rw.RewardValueError, match=r"whole must lie in \[-1, 1\], got 1.5"):
        judged(1.5, [0.0])([EPISODE])
    with pytest.raises(rw.RewardValueError, match=r"parts must lie in \[-1, 1\], got -2"):
        judged(0.5, [0.0, -2.0])([EPISODE])
    with pytest.raises(rw.RewardValueError, match="a row for each of 2 episodes, got 1"):
        rw.SelfReward(lambda es: [0.0, 0.0], lambda es: [[0.0]])([EPISODE, EPISODE])
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"form": "both"}, "form must be"),
        ({"judge": 3}, r"judge must have a state_dict\(\), got int"),
        ({"parts": 3}, "parts must be a function of finished episodes, got 3"),
    ]
    for options, sentence in wrong:
        with pytest.raises(rw.ConfigError, match=sentence):
            rw.SelfReward(**{"whole": len, "parts": len, **options})
