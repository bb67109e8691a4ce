"""HER is paid the composed reward for new goals: equal to a hand computation, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from stable_baselines3 import DQN, HerReplayBuffer
from stable_baselines3.common.envs import BitFlippingEnv
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

import rewardwrap as rw

GAMMA = 0.9


def distance(obs: Any) -> Any:
    return -np.abs(obs["achieved_goal"].astype(float) - obs["desired_goal"]).sum(axis=-1)


def phi(obs: Any) -> Any:
    return 5 + distance(obs)


NEAR = rw.function(lambda next_obs: distance(next_obs))
POTENTIAL = rw.Potential(phi, gamma=GAMMA).named("closer")
EFFORT = rw.function(lambda action: -0.1 * action)
REWARDS = {
    "env": rw.EnvReward(),
    "algebra": (2 * rw.EnvReward() + rw.Constant(-0.5)).clip(-2, 2) - 0.25 * NEAR,
    "potential": rw.EnvReward() + POTENTIAL + rw.Constant(1.0).named("bonus"),
    "effort": rw.EnvReward() + EFFORT,
}


def by_hand(name: str, env: Any, obs: Any, action: Any, nxt: Any, done: Any) -> Any:
    own = env.compute_reward(nxt["achieved_goal"], nxt["desired_goal"], None).astype(float)
    if name == "env":
        return own
    if name == "algebra":
        return np.clip(2 * own - 0.5, -2, 2) - 0.25 * distance(nxt)
    if name == "effort":
        return own - 0.1 * action
    return own + 1 + GAMMA * np.where(done, 0.0, phi(nxt)) - phi(obs)


def bits(lanes: int, reward: Any, *, inside: bool) -> VecEnv:
    def made() -> Any:
        env = Monitor(BitFlippingEnv(n_bits=4, max_steps=6, continuous=False))
        return rw.wrap(env, reward) if inside else env

    venv = DummyVecEnv([made] * lanes)
    return venv if inside else rw.wrap(venv, reward)


def learner(venv: VecEnv, **kwargs: Any) -> DQN:
    return DQN(
        "MultiInputPolicy",
        venv,
        gamma=GAMMA,
        seed=0,
        buffer_size=200,
        learning_starts=20,
        replay_buffer_class=HerReplayBuffer,
        replay_buffer_kwargs=kwargs,
    )


@pytest.mark.parametrize("name", REWARDS)
@pytest.mark.parametrize("inside", [False, True])
def test_relabelled_rewards_equal_a_hand_computation(name: str, inside: bool) -> None:
    venv = bits(2, REWARDS[name], inside=inside)
    copies = name in ("potential", "effort")
    model = learner(venv, copy_info_dict=copies, n_sampled_goal=4)
    rw.check(venv, model)
    model.learn(60, callback=rw.LogTerms())
    buffer: Any = model.replay_buffer
    data = buffer.sample(64)
    obs = {k: v.numpy() for k, v in data.observations.items()}
    nxt = {k: v.numpy() for k, v in data.next_observations.items()}
    # a step that a limit cut goes on; SB3 hands the ends of the task alone
    done = data.dones.numpy()[:, 0] > 0
    action = data.actions.numpy()[:, 0].astype(float)
    env = BitFlippingEnv(n_bits=4, continuous=False)
    want = by_hand(name, env, obs, action, nxt, done)
    np.testing.assert_allclose(data.rewards.numpy()[:, 0], want, rtol=1e-5, atol=1e-6)


def test_one_step_is_answered_like_many_and_terms_add_up() -> None:
    env = rw.wrap(BitFlippingEnv(n_bits=3, continuous=False), REWARDS["algebra"])
    env.reset()
    nxt, paid, *_, info = env.step(0)
    assert env.compute_reward(nxt["achieved_goal"], nxt["desired_goal"], info) == pytest.approx(
        paid
    )
    goals = np.array([nxt["achieved_goal"]] * 4), np.array([nxt["desired_goal"]] * 4)
    many = env.compute_reward(*goals, [info] * 4)
    np.testing.assert_allclose(many, np.full(4, paid))


WRONG = {
    "memory": rw.EnvReward() + rw.EpisodeSum(rw.EnvReward()),
    "learning": rw.EnvReward().normalize(),
    "noise": rw.Gaussian(rw.EnvReward(), sigma=1.0),
    "observation": rw.EnvReward()
    + rw.function(lambda next_obs: next_obs["observation"].sum(axis=-1)),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("inside", [False, True])
def test_what_cannot_be_answered_is_refused_before_training(name: str, inside: bool) -> None:
    venv = bits(1, WRONG[name].fresh(), inside=inside)
    model = learner(venv)
    for refusal in (
        lambda: rw.check(venv, model),
        lambda: rw.check(venv, "her"),
        lambda: model.learn(30, callback=rw.LogTerms()),
        lambda: model.learn(60),
    ):
        with pytest.raises(rw.StackError, match="HerReplayBuffer must get the composed reward"):
            refusal()


def test_a_potential_needs_what_a_step_started_from() -> None:
    venv = bits(1, REWARDS["potential"], inside=False)
    model = learner(venv)
    for refusal in (lambda: rw.check(venv, model), lambda: model.learn(60)):
        with pytest.raises(rw.StackError, match="copy_info_dict=True"):
            refusal()
