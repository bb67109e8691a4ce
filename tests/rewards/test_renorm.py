"""ReNorm: the split of signs, the two forms' sums, and its contract."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
import rewardwrap_envs  # noqa: F401  registers StepChain
from rewardwrap.testing import check_reward

shares = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def log(process: Any, right: bool) -> dict[str, Any]:
    steps = len(process)
    last = np.arange(steps) == steps - 1
    return {
        "obs": np.zeros(steps + 1), "action": np.zeros(steps), "reward": last * float(right),
        "terminated": last, "truncated": ~last & last, "info": {"judged": np.array(process)},
    }  # fmt: skip


def paid(process: Any, right: bool, **fields: Any) -> Any:
    return rw.relabel(rw.ReNorm(rw.Native("judged"), **fields), log(process, right))


def test_the_worked_numbers() -> None:
    right, wrong = paid([0.5, 1.0, 0.8], True), paid([0.5, 1.0, 0.8], False)
    np.testing.assert_allclose(wrong, [-0.5, 0.0, -0.2])
    assert (right.sum(), wrong.sum()) == (pytest.approx(2.3), pytest.approx(-0.7))


@given(shares, st.booleans(), st.floats(-2, 2))
def test_it_sums_to_what_is_written_on_every_step(process: Any, right: bool, mu: float) -> None:
    steps = len(process)
    everywhere = sum(p + right - mu for p in process)
    assert paid(process, right, mu=mu).sum() == pytest.approx(everywhere, abs=1e-9)
    once = paid(process, right, mu=mu, per_step=False).sum()
    assert once == pytest.approx(everywhere - right * (steps - 1), abs=1e-9)


@given(shares, shares)
def test_no_wrong_episode_is_worth_more_than_a_right_one(right: Any, wrong: Any) -> None:
    assert paid(wrong, False).max() <= 0
    assert paid(right, True).sum() >= -1e-12 >= paid(wrong, False).sum() - 1e-9


def test_it_is_paid_alike_while_an_environment_runs() -> None:
    env = rw.wrap(gym.make("rewardwrap/StepChain-v0"), rw.ReNorm(rw.Native("process_score")))
    env.reset(seed=0)
    rewards = [float(env.step(action)[1]) for action in (0, 1, 0, 0, 2)]
    np.testing.assert_allclose(rewards, [-0.2, -0.1, -0.2, -0.2, 4.0])


def test_bad_input_is_one_sentence() -> None:
    with pytest.raises(rw.RewardValueError, match=r"process must lie in \[0, 1\], got 1.5"):
        paid([0.5, 1.5], True)
    with pytest.raises(rw.RewardValueError, match="outcome must be 0 or 1, got 2"):
        rw.relabel(rw.ReNorm(rw.Native("judged"), 2 * rw.EnvReward()), log([0.5], True))
    with pytest.raises(rw.ConfigError, match="mu must be a finite number"):
        rw.ReNorm(rw.EnvReward(), mu=float("nan"))


def test_it_keeps_the_contract() -> None:
    share, right = rw.Constant(0.5), rw.Constant(1.0)
    assert check_reward(rw.ReNorm(share, right)) == ()
