from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.adapters.offline import transitions
from rewardwrap.testing import check_reward

SCORES = [0.8, 0.9, 0.6, 0.0]
scores = st.lists(st.floats(-10, 10), min_size=2, max_size=12)
ends = st.sampled_from([(True, False), (False, True), (True, True)])


def delta(align="previous", **options):
    return rw.Delta(rw.EnvReward(), align=align, **options)


def test_the_paper_form_pays_the_difference_to_the_next_score(log):
    paid = rw.relabel(delta("next"), log(SCORES))
    np.testing.assert_allclose(paid, [-0.1, 0.3, 0.6, 0.0], atol=1e-12)


def test_the_causal_form_pays_it_one_step_later(log, play):
    paid = rw.relabel(delta(), log(SCORES))
    np.testing.assert_allclose(paid, [0.0, -0.1, 0.3, 0.6], atol=1e-12)
    np.testing.assert_allclose(play(delta(), log(SCORES))[0], paid, atol=1e-12)


@pytest.mark.parametrize("align", ["previous", "next"])
@pytest.mark.parametrize("word", ["terminal", "end"])
def test_a_truncation_that_is_an_end_pays_the_score_still_owed(log, align, word):
    reward = delta(align, on_truncation=word)
    cut = rw.relabel(reward, log(SCORES, terminated=False, truncated=True))
    np.testing.assert_array_equal(cut, rw.relabel(delta(align), log(SCORES)))
    assert reward.to_config()["delta"]["on_truncation"] == "terminal"


def test_a_truncation_leaves_the_last_score_owed(log, play):
    cut = log([*SCORES[:3], 0.5], terminated=False, truncated=True)
    np.testing.assert_allclose(rw.relabel(delta(), cut), [0, -0.1, 0.3, 0.1], atol=1e-12)
    np.testing.assert_allclose(play(delta(), cut)[0], [0, -0.1, 0.3, 0.1], atol=1e-12)


@given(p=scores, end=ends, align=st.sampled_from(["previous", "next"]))
def test_an_episode_pays_its_first_score_in_total(log, p, end, align):
    reward = delta(align, on_truncation="terminal")
    paid = rw.relabel(reward, log(p, terminated=end[0], truncated=end[1]))
    assert paid.sum() == pytest.approx(p[0], abs=1e-9)


@given(p=scores, gamma=st.floats(0, 1))
def test_a_cut_episode_and_what_it_owes_telescope(log, p, gamma):
    """A learner that bootstraps is paid the rest by V(s_T), which is worth the last score."""
    cut = log(p, terminated=False, truncated=True)
    discounts = gamma ** np.arange(len(p))
    paid = rw.relabel(delta(gamma=gamma), cut) @ discounts
    assert paid + gamma ** len(p) * p[-1] == pytest.approx(gamma * p[0], abs=1e-9)


@given(p=scores, align=st.sampled_from(["previous", "next"]))
def test_an_end_is_an_end_in_both_forms(log, p, align):
    one, other = (
        rw.relabel(delta(align, on_truncation=word), log(p)) for word in ("bootstrap", "terminal")
    )
    np.testing.assert_array_equal(one, other)


@given(p=scores, extra=scores)
def test_more_steps_never_change_the_sum(log, p, extra):
    longer = [p[0], *extra, *p[1:]]
    assert rw.relabel(delta(), log(longer)).sum() == pytest.approx(
        rw.relabel(delta(), log(p)).sum(), abs=1e-9
    )


def test_the_plain_sum_grows_with_every_step_which_is_the_cheat(log):
    short, long = log([0.8] * 3 + [0.0]), log([0.8] * 3 + [0.9] * 10 + [0.0])
    assert rw.relabel(rw.EnvReward(), long).sum() > rw.relabel(rw.EnvReward(), short).sum() + 8


@given(p=scores, gamma=st.floats(0, 1))
def test_below_one_the_discounted_sum_telescopes(log, p, gamma):
    discounts = gamma ** np.arange(len(p))
    late, now = (
        rw.relabel(delta(align, gamma=gamma), log(p)) @ discounts for align in ("previous", "next")
    )
    assert now == pytest.approx(p[0], abs=1e-9)
    assert late == pytest.approx(gamma * p[0], abs=1e-9)


@given(p=scores, k=st.integers(0, 10))
def test_what_is_left_from_a_step_on_is_its_score(log, p, k):
    k = min(k, len(p) - 2)
    assert rw.relabel(delta("next"), log(p))[k:].sum() == pytest.approx(p[k], abs=1e-9)


@pytest.mark.parametrize("align", ["previous", "next"])
def test_an_episode_of_one_step_pays_nothing(log, align):
    assert rw.relabel(delta(align), log([5.0])).tolist() == [0.0]


def test_a_cut_log_differs_from_the_whole_only_where_its_successor_is_missing(log):
    whole = log([*SCORES, 0.7, 0.4, 0.0])
    for steps in (1, 3, 5):
        part = log(whole["reward"][:steps], terminated=False)
        late, now = rw.relabel(delta(), part), rw.relabel(delta("next"), part)
        np.testing.assert_allclose(late, rw.relabel(delta(), whole)[:steps])
        np.testing.assert_allclose(now[:-1], rw.relabel(delta("next"), whole)[: steps - 1])
        assert now[-1] == whole["reward"][steps - 1]
        assert now.sum() == pytest.approx(SCORES[0])


def test_a_wrapped_env_starts_each_episode_afresh(log, play):
    episodes = [log([5.0, 1.0]), log([2.0]), log([3.0, 4.0, 9.0], terminated=False, truncated=True)]
    paid = play(delta(), episodes)
    assert [p.tolist() for p in paid] == [[0.0, 5.0], [0.0], [0.0, -1.0, -5.0]]
    paid = play(delta(on_truncation="terminal"), episodes)
    assert [p.tolist() for p in paid] == [[0.0, 5.0], [0.0], [0.0, -1.0, 4.0]]


def test_the_paper_form_is_refused_while_an_env_runs(log, play):
    with pytest.raises(rw.ConfigError, match='lookahead 1.*Delta\\(align="previous"\\)'):
        play(delta("next"), log(SCORES))
    with pytest.raises(rw.ConfigError, match='align must be "previous" while an env runs'):
        delta("next").step(delta("next").init(1), transitions(log([1.0])))


def test_looking_ahead_adds_up_over_nested_differences(log):
    twice = delta("next").delta(align="next")
    assert twice.lookahead == 2
    paid = rw.relabel(twice, log([1.0, 3.0, 0.0, 0.0]))
    # d = (-2, 3, 0, 0), whose own differences are (-5, 3, 0, 0)
    np.testing.assert_allclose(paid, [-5.0, 3.0, 0.0, 0.0])


@pytest.mark.parametrize(
    "options", [{"align": "later"}, {"gamma": 1.5}, {"gamma": float("nan")}, {"on_truncation": "x"}]
)
def test_bad_options_are_refused(options):
    with pytest.raises(rw.ConfigError, match="Delta: .* must .*, got "):
        rw.Delta(rw.EnvReward(), **options)


@pytest.mark.parametrize("align", ["previous", "next"])
def test_it_keeps_the_contract(align):
    assert check_reward(delta(align, gamma=0.9)) == ()
