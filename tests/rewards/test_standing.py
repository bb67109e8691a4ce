"""A reward as what a state is worth."""

from __future__ import annotations

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.testing import check_reward

ENV = "rewardwrap/PushBall-v0"
NEAR = rw.Distance("ball_distance", scale=0.5)


def near(obs):
    """The same in plain arithmetic on observations."""
    return np.exp(-np.hypot(obs[:, 4] - obs[:, 0], obs[:, 5] - obs[:, 1]))


@pytest.mark.parametrize("lanes", [1, 3])
def test_a_reward_as_phi_pays_what_a_function_pays(lanes):
    both = rw.Potential(NEAR, gamma=0.9).named("a") + rw.Potential(near, gamma=0.9).named("b")
    env = rw.make(ENV, both, n_envs=lanes, seed=0)
    env.seed(0)
    env.action_space.seed(0)
    env.reset()
    for _ in range(70):  # over the time limit
        env.step(np.array([env.action_space.sample() for _ in range(lanes)]))
        _, a, b, _ = env.reward_terms.T
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_field_as_a_reward_is_the_field():
    log = {
        "obs": [[0.0] * 4, [1.0] * 4, [2.0] * 4],
        "action": [0, 0],
        "reward": [1, 1],
        "terminated": [0, 0],
        "truncated": [0, 1],
    }
    paid = [
        rw.relabel(rw.Potential(phi, gamma=0.9), log, env="CartPole-v1")
        for phi in ("cart_position", rw.Field("cart_position"), {"field": "cart_position"})
    ]
    np.testing.assert_array_equal(paid[0], paid[1])
    np.testing.assert_array_equal(paid[0], paid[2])


def test_krc_of_parts_is_a_potential_and_survives_its_file():
    parts = [rw.Field("align"), rw.Field("speed"), NEAR]
    reward = rw.Potential(1.0 + rw.KRC(parts), gamma=0.98)
    again = rw.from_config(reward.to_config())
    assert again.to_config() == reward.to_config()
    assert isinstance(again.phi, rw.Reward)


def test_it_keeps_the_contract():
    far = rw.function(lambda next_obs: np.abs(next_obs[:, 0]))
    worth = 1.0 + rw.KRC([rw.Distance(far, scale=0.5), rw.SignedDistance(far, scale=2.0)])
    check_reward(rw.Potential(worth, gamma=0.9))


@pytest.mark.parametrize(
    ("phi", "got"),
    [
        (rw.EnvReward(), "EnvReward"),
        (rw.Field("x") + rw.function(lambda action: action[:, 0]), "Function"),
        (rw.Field("x").named("x"), "Named"),
        (rw.RND(), "RND"),
    ],
)
def test_what_looks_at_more_than_a_state_is_refused(phi, got):
    with pytest.raises(rw.ConfigError, match=f"observations and info alone, got {got}"):
        rw.Potential(phi, gamma=0.9)


def test_weights_by_field_name_stay_weights():
    # "speed" might be a tag one day; a number says that it is a field
    assert rw.Potential({"field": 0.5}, gamma=0.9).phi == {"field": 0.5}
