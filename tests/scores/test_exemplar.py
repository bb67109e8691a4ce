"""Grades against an exemplar: bands, antisymmetry, starts that have none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.core.episode import Episode
from rewardwrap.scores.exemplar import BANDS


def episode(total: float, start: float = 0.0, steps: int = 2) -> Episode:
    last = np.arange(steps) == steps - 1
    obs = np.full((steps + 1, 2), start)
    obs[1:] += 1
    return Episode(obs, np.zeros(steps), total * last, last, ~last & last)


def test_the_worked_number_is_grade_4() -> None:
    exemplar = rw.Exemplar([episode(10.0)], scale=10.0)
    graded = [episode(total) for total in (4.0, 8.0, 10.0, 12.0, 16.0)]
    assert exemplar.grades(graded).tolist() == [1, 2, 3, 4, 5]
    assert exemplar(graded).tolist() == [-1, -0.5, 0, 0.5, 1]


@given(st.floats(-9, 9), st.floats(-9, 9), st.floats(0.1, 10))
def test_to_swap_the_two_is_to_swap_the_sign(one: float, other: float, scale: float) -> None:
    assume(all(abs(abs(one - other) / scale - b) > 1e-9 for b in BANDS))
    (mine,) = rw.Exemplar([episode(other)], scale=scale)([episode(one)])
    (theirs,) = rw.Exemplar([episode(one)], scale=scale)([episode(other)])
    assert mine == -theirs
    (higher,) = rw.Exemplar([episode(other)], scale=scale)([episode(one + 1)])
    assert higher >= mine


def test_every_start_has_its_own_exemplar_and_the_best_counts() -> None:
    exemplar = rw.Exemplar([episode(1.0, 0.0), episode(5.0, 0.0), episode(2.0, 7.0)])
    assert exemplar([episode(5.0, 0.0), episode(5.0, 7.0), episode(2.0, 7.0)]).tolist() == [0, 1, 0]
    assert rw.Exemplar([episode(1.0, -0.0)])([episode(1.0, 0.0)]).tolist() == [0.0]


def test_a_start_without_an_exemplar_pays_0_and_is_counted() -> None:
    exemplar = rw.Exemplar([episode(1.0)])
    with pytest.warns(rw.RewardwrapWarning, match="an episode of every start, got none"):
        assert exemplar([episode(9.0, 3.0), episode(9.0)]).tolist() == [0.0, 1.0]
    assert exemplar([episode(9.0, 4.0)]).tolist() == [0.0]
    assert exemplar.missing == 2


def test_what_breaks_the_rules_is_graded_last() -> None:
    exemplar = rw.Exemplar([episode(1.0)], valid=lambda episodes: [len(e) < 3 for e in episodes])
    assert exemplar([episode(9.0), episode(9.0, steps=4)]).tolist() == [1.0, -1.0]


def test_nested_observations_and_stores_and_mappings_are_read() -> None:
    log = {**episode(1.0).columns(), "obs": {"a": np.zeros((3, 2)), "b": np.zeros(3, int)}}
    assert rw.relabel(rw.Exemplar([log]), {**log, "reward": [0, 2]}).tolist() == [0.0, 1.0]
    store = rw.EpisodeStore.from_episodes([episode(1.0), episode(2.0, 3.0)])
    assert rw.Exemplar(store)([episode(1.0), episode(3.0, 3.0)]).tolist() == [0.0, 1.0]


def test_bad_input_is_one_sentence() -> None:
    cases: list[tuple[Any, dict[str, Any], str]] = [
        ([], {}, "store must hold an episode, got none"),
        ([episode(1.0)], {"bands": (0.1, -0.1, 0.2, 0.3)}, "four rising numbers"),
        ([episode(1.0)], {"bands": (0.0,)}, "four rising numbers"),
        ([episode(1.0)], {"scale": 0.0}, "scale must be above 0, got 0.0"),
        ([3.0], {}, "must have obs, action, reward, terminated, truncated, got float"),
        ([{"obs": [0]}], {}, "got obs. Add action"),
        (episode(1.0).columns(), {}, "store must hold episodes, got a dict"),
    ]
    for store, fields, sentence in cases:
        with pytest.raises(rw.ConfigError, match=sentence):
            rw.Exemplar(store, **fields)
