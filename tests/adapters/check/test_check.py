"""`rw.check` lets honest stacks pass, and names the layer of all others."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import A2C, DQN, PPO, SAC
from stable_baselines3.common.torch_layers import FlattenExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnvWrapper, VecMonitor, VecNormalize

import rewardwrap as rw

BONUS = rw.EnvReward() + rw.Constant(5.0).named("bonus")


def pendulums(n: int = 2) -> DummyVecEnv:
    return DummyVecEnv([lambda: gym.make("Pendulum-v1")] * n)


class Odd(gym.Env[Any, Any]):
    """Pays whatever it is told to."""

    observation_space = gym.spaces.Box(-1, 1, (2,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, reward: Any, *, reuse: bool = False) -> None:
        self._reward = reward
        self._reuse = reuse
        self._obs = np.zeros(2, np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        return self._seen(), {}

    def step(self, action: Any) -> Any:
        return self._seen(), self._reward, False, False, {}

    def _seen(self) -> Any:
        return self._obs if self._reuse else self._obs.copy()


class Halved(VecEnvWrapper):
    """A layer above ours that pays half."""

    def reset(self) -> Any:
        return self.venv.reset()

    def step_wait(self) -> Any:
        obs, rewards, dones, infos = self.venv.step_wait()
        return obs, rewards / 2, dones, infos


@pytest.mark.parametrize("algo", ["ppo", "a2c", DQN, PPO])
def test_an_honest_stack_passes(algo: Any) -> None:
    rw.check(rw.make("CartPole-v1", BONUS, n_envs=2), algo)


def test_an_honest_single_env_passes() -> None:
    rw.check(rw.wrap(gym.make("CartPole-v1"), BONUS), A2C)
    rw.check(gym.make("Pendulum-v1"))


@pytest.mark.parametrize("mode", [*gym.vector.AutoresetMode])
def test_an_honest_vector_env_passes(mode: gym.vector.AutoresetMode) -> None:
    options = {"vectorization_mode": "sync", "vector_kwargs": {"autoreset_mode": mode}}
    envs = gym.make_vec("CartPole-v1", num_envs=3, **options)
    rw.check(rw.wrap(envs, BONUS))


def test_sac_over_vecnormalize_is_refused_and_the_reverse_passes() -> None:
    with pytest.raises(rw.StackError, match="VecNormalize below RewardVecEnv"):
        rw.check(rw.wrap(VecNormalize(pendulums()), BONUS), SAC)
    rw.check(VecNormalize(rw.wrap(pendulums(), BONUS)), SAC)
    rw.check(VecMonitor(rw.wrap(pendulums(), BONUS)), "sac")


@pytest.mark.parametrize("algo", [SAC, PPO])
def test_a_layer_above_that_pays_something_else_is_named(algo: Any) -> None:
    with pytest.raises(rw.StackError, match="Halved"):
        rw.check(Halved(rw.wrap(pendulums(), BONUS)), algo)


def test_reward_wrappers_around_ours_are_named() -> None:
    doubled = gym.wrappers.TransformReward
    env = gym.make("CartPole-v1")
    with pytest.raises(rw.StackError, match="TransformReward above"):
        rw.check(doubled(rw.wrap(env, BONUS), lambda r: 2 * r))
    with pytest.raises(rw.StackError, match="TransformReward below"):
        rw.check(rw.wrap(doubled(env, lambda r: 2 * r), BONUS))
    with pytest.raises(rw.StackError, match="TransformReward below"):
        rw.check(DummyVecEnv([lambda: rw.wrap(doubled(env, lambda r: 2 * r), BONUS)]), PPO)


def test_her_without_compute_reward_is_refused() -> None:
    with pytest.raises(rw.StackError, match="HerReplayBuffer"):
        rw.check(rw.make("CartPole-v1", BONUS), "her")


def test_an_env_that_reuses_its_buffer_is_refused() -> None:
    for env in (Odd(1.0, reuse=True), rw.wrap(Odd(1.0, reuse=True), BONUS)):
        with pytest.raises(rw.StackError, match="Odd must return a new observation"):
            rw.check(env)
    with pytest.raises(rw.StackError, match="Odd must return a new observation"):
        rw.check(rw.wrap(DummyVecEnv([lambda: Odd(1.0, reuse=True)]), BONUS), PPO)


@pytest.mark.parametrize("reward", [np.nan, np.inf, np.array([1.0]), "1", None])
def test_a_reward_that_is_no_finite_number_is_refused(reward: Any) -> None:
    for env in (Odd(reward), rw.wrap(Odd(reward), BONUS)):
        with pytest.raises(rw.RewardValueError, match="reward of Odd must be"):
            rw.check(env)


def test_float32_is_refused_where_nothing_casts_it() -> None:
    with pytest.raises(rw.RewardValueError, match="float32"):
        rw.check(Odd(np.float32(1)))
    rw.check(rw.wrap(Odd(np.float32(1)), BONUS))


def test_spaces_that_the_learner_cannot_take_are_refused() -> None:
    with pytest.raises(rw.StackError, match="SAC must fit the spaces"):
        rw.check(rw.make("CartPole-v1", BONUS), "sac")


def test_a_model_with_another_discount_is_refused() -> None:
    venv = rw.make("CartPole-v1", rw.EnvReward() + rw.Potential({"bias": 1.0}, gamma=0.9))
    with pytest.raises(rw.GammaMismatch, match=r"0\.99"):
        rw.check(venv, PPO("MlpPolicy", venv, gamma=0.99))


def test_checking_teaches_the_reward_nothing() -> None:
    reward = rw.EnvReward().normalize()
    venv = rw.make("CartPole-v1", reward, n_envs=2)
    before = reward.state_dict()
    rw.check(venv, "ppo")
    for name, array in reward.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def played(venv: Any) -> list[float]:
    venv.reset()
    return [float(venv.step([np.ones(1)])[1][0]) for _ in range(30)]


def test_a_run_is_the_same_whether_or_not_somebody_checked() -> None:
    def made() -> Any:
        return rw.make("Pendulum-v1", rw.EnvReward().normalize(), seed=0)

    def trained(check: bool) -> Any:
        venv = rw.make("Pendulum-v1", BONUS, n_envs=2)
        model = SAC("MlpPolicy", venv, seed=0, learning_starts=30, buffer_size=100)
        if check:
            rw.check(venv, model)
        return model.learn(100).policy.state_dict()["actor.mu.bias"].numpy()

    venv = made()
    rw.check(venv, "ppo")
    assert played(venv) == played(made())
    np.testing.assert_array_equal(trained(True), trained(False))


class Shown(gym.Env[Any, Any]):
    """Shows samples of a space."""

    action_space = gym.spaces.Discrete(2)

    def __init__(self, space: gym.spaces.Box) -> None:
        self.observation_space = space

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> Any:
        return self.observation_space.sample(), 1.0, False, False, {}


CUBE = gym.spaces.Box(-1, 1, (3, 4, 5))
TINY = gym.spaces.Box(0, 255, (7, 7, 3), np.uint8)
FLAT = {"features_extractor_class": FlattenExtractor}


@pytest.mark.parametrize(
    ("space", "policy", "options"),
    [(CUBE, "MlpPolicy", {}), (TINY, "MlpPolicy", {}), (TINY, "CnnPolicy", FLAT)],
)
def test_a_model_is_checked_with_its_own_policy_and_settings(
    space: Any, policy: str, options: Any
) -> None:
    venv = rw.wrap(DummyVecEnv([lambda: Shown(space)]), BONUS)
    rw.check(venv, PPO(policy, venv, n_steps=32, batch_size=32, policy_kwargs=options))
    rw.check(venv, "ppo")
