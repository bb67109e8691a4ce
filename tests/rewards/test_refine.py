from __future__ import annotations

from functools import cache

import gymnasium as gym
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
import rewardwrap_envs  # noqa: F401 - registers StepChain
from rewardwrap.core import tree
from rewardwrap.core.info import ColumnInfo
from rewardwrap.core.transitions import Transitions
from rewardwrap.testing import check_reward

ETA = 0.85
USEFUL, REPEAT, ANSWER = 0, 1, 2
SCORE = {USEFUL: 0.8, REPEAT: 0.9, ANSWER: 0.0}
CAP = 20
process = rw.Native("process_score")
probabilities = st.lists(st.floats(0, 1), min_size=2, max_size=12)


def clip_only(base=process, eta=ETA):
    return (base - eta).minimum(0)


def test_clip_pays_nothing_for_a_good_step_and_what_a_bad_one_lacks(log):
    paid = rw.relabel(clip_only(rw.EnvReward()), log([0.8, 0.9, 0.6]))
    np.testing.assert_allclose(paid, [-0.05, 0.0, -0.25], atol=1e-12)


def test_refine_pays_the_outcome_and_the_difference_of_clipped_scores(log, play):
    episode = log([0, 0, 0, 1], process_score=[0.8, 0.9, 0.6, 0.0])
    late = rw.refine(process, eta=ETA, alpha=0.1)
    now = rw.refine(process, eta=ETA, alpha=0.1, align="next")
    np.testing.assert_allclose(rw.relabel(now, episode), [-0.005, 0.025, -0.025, 1.0], atol=1e-12)
    np.testing.assert_allclose(rw.relabel(late, episode), [0.0, -0.005, 0.025, 0.975], atol=1e-12)
    np.testing.assert_allclose(play(late, episode)[0], rw.relabel(late, episode), atol=1e-12)


def test_truncation_pays_no_outcome_and_the_score_still_owed_if_it_is_an_end(log):
    episode = log([0] * 4, process_score=[0.8, 0.9, 0.6, 0.0], terminated=False, truncated=True)
    paid = rw.relabel(rw.refine(process, eta=ETA, alpha=1, on_truncation="terminal"), episode)
    np.testing.assert_allclose(paid, [0.0, -0.05, 0.25, -0.25], atol=1e-12)
    # else the clipped score of the last step, -0.85, stays owed: V(s_T) holds it
    paid = rw.relabel(rw.refine(process, eta=ETA, alpha=1), episode)
    np.testing.assert_allclose(paid, [0.0, -0.05, 0.25, -0.25 + 0.85], atol=1e-12)


@given(p=probabilities, eta=st.floats(0, 1))
def test_the_refined_sum_is_the_first_clipped_score_whatever_the_length(log, p, eta):
    episode = log([0] * len(p), process_score=p)
    total = rw.relabel(rw.refine(process, eta=eta, alpha=1), episode).sum()
    assert total == pytest.approx(min(p[0] - eta, 0), abs=1e-9)
    assert -eta - 1e-9 <= total <= 1e-9


@given(p=probabilities, extra=probabilities)
def test_more_steps_never_raise_the_sum_of_clip(log, p, extra):
    short = rw.relabel(clip_only(rw.EnvReward()), log(p)).sum()
    long = rw.relabel(clip_only(rw.EnvReward()), log(p + extra)).sum()
    assert long <= short + 1e-12 <= 2e-12


def test_the_outcome_is_neither_clipped_nor_shifted(log):
    episode = log([5.0, -3.0, 100.0], process_score=[1.0, 1.0, 1.0])
    assert rw.relabel(rw.refine(process, eta=ETA), episode).tolist() == [5.0, -3.0, 100.0]


def test_the_pieces_compose_to_the_same():
    spelled = rw.EnvReward() + (0.1 * clip_only().delta()).named("process")
    refined = rw.refine(process, eta=ETA, alpha=0.1)
    env = [gym.make("rewardwrap/StepChain-v0") for _ in range(2)]
    one, other = rw.wrap(env[0], spelled), rw.wrap(env[1], refined)
    one.reset(seed=0), other.reset(seed=0)
    for action in (REPEAT, USEFUL, USEFUL, USEFUL, ANSWER):
        (_, a, *_, info), (_, b, *_, same) = one.step(action), other.step(action)
        assert a == pytest.approx(b, abs=1e-12)
        assert info["reward_terms"]["process"] == pytest.approx(same["reward_terms"]["process"])


def test_terms_are_recorded_under_the_names_of_the_parts():
    terms = rw.wrap(gym.make("rewardwrap/StepChain-v0"), rw.refine(process, eta=ETA)).term_names
    assert terms == ("env", "refine", "process", "shaped")
    named = rw.refine(process.named("judge"), outcome=rw.Constant(1.0), eta=ETA)
    terms = rw.wrap(gym.make("rewardwrap/StepChain-v0"), named).term_names
    assert terms == ("env", "refine", "outcome", "judge", "shaped")


def test_yaml_says_it_in_one_line():
    text = "refine: {process: {native: process_score}, eta: 0.85, alpha: 0.1}"
    made = rw.from_config(yaml.safe_load(text))
    assert made.to_config() == rw.refine(process, eta=ETA, alpha=0.1).to_config()
    assert rw.from_config(made.to_config()).to_config() == made.to_config()


@pytest.mark.parametrize("options", [{"eta": float("inf")}, {"eta": 1, "alpha": -1}])
def test_bad_options_are_refused(options):
    with pytest.raises(rw.ConfigError, match="Refine: (eta|alpha) must .*, got "):
        rw.refine(process, **options)


def test_it_keeps_the_contract():
    assert check_reward(rw.refine(process, eta=0.1, alpha=0.5), info=("process_score",)) == ()
    ahead = rw.refine(process, eta=0.1, alpha=0.5, align="next")
    assert check_reward(ahead, info=("process_score",)) == ()


def _row(action, *, success, first, capped):
    return Transitions(
        obs=np.zeros((1, 1)),
        action=np.array([action]),
        next_obs=np.zeros((1, 1)),
        reward=np.array([float(success)]),
        terminated=np.array([action == ANSWER]),
        truncated=np.array([capped and action != ANSWER]),
        first=np.array([first]),
        info=ColumnInfo({"process_score": np.array([SCORE[action]])}),
    )


def best_episode(reward):
    """Value, length and success of the best episode on StepChain; the shortest of equally good."""
    kept = {}

    @cache
    def best(useful, steps, at):
        found = []
        for action in (USEFUL, REPEAT, ANSWER):
            done = min(useful + (action == USEFUL), 3)
            success, capped = action == ANSWER and done == 3, steps + 1 == CAP
            row = _row(action, success=success, first=steps == 0, capped=capped)
            carry, value = reward.step(kept[at], row)
            value, length = float(value[0]), steps + 1
            if action != ANSWER and not capped:
                after = tuple(np.round(np.concatenate([[0.0], *tree.leaves(carry)]), 9))
                kept.setdefault(after, carry)
                rest, length, success = best(done, steps + 1, after)
                value += rest
            found.append((round(value, 9), -length, success))
        value, length, success = max(found)
        return value, -length, success

    kept["start"] = reward.init(1)
    return best(0, 0, "start")


@pytest.mark.parametrize(
    ("reward", "length", "success"),
    [
        (rw.EnvReward(), 4, True),
        (rw.EnvReward() + 0.1 * process, 20, True),
        (rw.EnvReward() + 1.0 * process, 20, False),
        (rw.EnvReward() + 0.1 * clip_only(), 4, True),
        (rw.EnvReward() + 0.1 * process.delta(), 5, True),
        (rw.refine(process, eta=ETA, alpha=0.1), 5, True),
    ],
    ids=["success", "plain_0.1", "plain_1", "clip", "delta", "clip_and_delta"],
)
def test_the_best_episode_on_step_chain_has_the_known_length(reward, length, success):
    _, *found = best_episode(reward)
    assert found == [length, success]
