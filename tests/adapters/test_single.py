"""One environment: rebuilt from JSON, copied in mid-episode, and never paid anything but one float."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import cloudpickle
import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from stable_baselines3 import PPO
from stable_baselines3.common.env_checker import check_env as sb3_check_env

import rewardwrap as rw
from rewardwrap.testing import Chain, OddChain, ReusingChain
from rewardwrap.testing.examples import HERE

UPRIGHT = rw.Potential({"pole_angle": -0.5, "bias": 1.0}, gamma=0.99).named("upright")
REWARD = rw.EnvReward() + 0.5 * UPRIGHT - rw.Constant(0.1).named("time")
CHAIN = rw.EnvReward() + rw.Potential(f"{HERE}:brightness", gamma=0.9).named("bright")


def cart_pole(reward: Any = REWARD, **options: Any) -> Any:
    return rw.wrap(gym.make("CartPole-v1"), reward, **options)


def paid(env: Any, steps: int = 30, *, seed: int | None = 0) -> list[float]:
    """What an env pays for one tape of actions; ``seed=None`` goes on where it stands."""
    if seed is not None:
        env.reset(seed=seed)
    rewards = []
    for action in np.random.default_rng(0).integers(0, 2, steps):
        _, reward, terminated, truncated, _ = env.step(int(action))
        rewards.append(reward)
        if terminated or truncated:
            env.reset()
    return rewards


def test_an_env_rebuilt_from_json_pays_the_same() -> None:
    env = cart_pole()
    text = env.spec.to_json()
    again = gym.make(EnvSpec.from_json(text))
    assert paid(again) == paid(env)
    assert gym.make(env.spec).spec.to_json() == text


def test_a_potential_on_a_field_of_hopper_survives_json() -> None:
    reward = rw.EnvReward() + rw.Potential("torso_z").named("height")
    env = rw.wrap(gym.make("Hopper-v5"), reward, gamma=0.99)
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    action = np.full(3, 0.3, np.float32)
    infos = []
    for each in (env, again):
        each.reset(seed=0)
        infos.append([each.step(action)[-1]["reward_terms"] for _ in range(5)])
    assert infos[0] == infos[1]
    assert infos[0][0]["height"] != 0.0


def test_evaluation_stays_evaluation_after_json() -> None:
    env = cart_pole(rw.EnvReward().normalize(), training=False)
    assert gym.make(EnvSpec.from_json(env.spec.to_json())).training is False


def test_a_lambda_trains_but_cannot_be_written() -> None:
    env = cart_pole(rw.EnvReward() + rw.function(lambda obs: -np.abs(obs[:, 2])).named("tilt"))
    PPO("MlpPolicy", env, n_steps=16, batch_size=16, n_epochs=1, device="cpu").learn(16)
    with pytest.raises((TypeError, ValueError), match="lambda|serializ|JSON|module:function"):
        env.spec.to_json()


@pytest.mark.parametrize(
    "duplicate",
    [
        copy.deepcopy,
        lambda e: pickle.loads(pickle.dumps(e)),
        lambda e: cloudpickle.loads(cloudpickle.dumps(e)),
    ],
    ids=["deepcopy", "pickle", "cloudpickle"],
)
@pytest.mark.parametrize("make", [Chain, ReusingChain, partial(gym.make, "CartPole-v1")])
def test_a_copy_made_in_mid_episode_goes_on_with_the_same_rewards(
    duplicate: Callable[[Any], Any], make: Callable[[], Any]
) -> None:
    toy = make in (Chain, ReusingChain)
    phi = f"{HERE}:brightness" if toy else {"pole_angle": 1.0, "bias": 5.0}
    reward = ["env", {"potential": {"phi": phi, "gamma": 0.9}, "weight": 0.5}]
    env = rw.wrap(make(), [*reward, {"function": f"{HERE}:outcome"}] if toy else reward)
    for steps in (0, 2, 3):
        env.reset(seed=0)
        for _ in range(steps):
            env.step(1)
        other = duplicate(env)
        assert paid(other, seed=None) == paid(env, seed=None)


# said of every wrapped env
@pytest.mark.filterwarnings("ignore:.*is different from the unwrapped version")
def test_both_environment_checkers_pass() -> None:
    env = rw.wrap(gym.make("rewardwrap/StepChain-v0"), rw.EnvReward() + rw.Constant(0.5))
    check_env(env, skip_render_check=True)
    sb3_check_env(env)


def layout(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: layout(each) for key, each in value.items()}
    return type(value), np.shape(value), getattr(value, "dtype", None)


def test_info_has_one_layout_in_reset_and_in_every_step() -> None:
    env = rw.wrap(Chain(), CHAIN)
    _, info = env.reset(seed=0)
    first = layout(info)
    assert set(info) == {*Chain().report(0.0), "reward_terms", "episode_terms"}
    assert list(info["reward_terms"]) == list(env.term_names) == ["env", "bright", "shaped"]
    assert not any(info["reward_terms"].values())
    for action in (0, 1, 2, 1):
        *_, info = env.step(action)
        assert layout(info) == first


def test_the_dicts_of_one_step_stay_what_they_were() -> None:
    env = rw.wrap(Chain(), CHAIN)
    kept = [env.reset(seed=0)[1], *(env.step(1)[-1] for _ in range(3))]
    frozen = copy.deepcopy(kept)
    env.reset()
    env.step(2)
    for info, before in zip(kept, frozen, strict=True):
        assert info["reward_terms"] == before["reward_terms"]
        assert info["episode_terms"] == before["episode_terms"]


def test_the_sums_of_an_episode_are_those_of_its_steps() -> None:
    env = rw.wrap(Chain(), CHAIN)
    env.reset(seed=0)
    steps = [env.step(1)[-1] for _ in range(4)]
    for name, total in steps[-1]["episode_terms"].items():
        assert total == pytest.approx(sum(info["reward_terms"][name] for info in steps))


@pytest.mark.parametrize("fresh_at_reset", [True, False])
@pytest.mark.parametrize(
    "config",
    [{"potential": {"phi": f"{HERE}:brightness", "gamma": 0.9}}, {"function": f"{HERE}:outcome"}],
)
def test_an_env_that_reuses_its_buffer_pays_what_its_copying_twin_pays(
    config: Any, fresh_at_reset: bool
) -> None:
    reusing = rw.wrap(ReusingChain(fresh_at_reset=fresh_at_reset), config)
    assert paid(reusing) == paid(rw.wrap(Chain(), config))


@pytest.mark.parametrize(
    "odd", [np.float32(0.5), np.float64(0.5), 2, np.int64(2), np.array(0.5), True]
)
def test_a_reward_of_any_number_class_is_paid_as_a_float(odd: Any) -> None:
    env = rw.wrap(OddChain(odd, at=1), CHAIN)
    env.reset(seed=0)
    _, reward, *_, info = env.step(1)
    assert type(reward) is float
    assert info["reward_terms"]["env"] == float(odd)
    assert {type(value) for value in info["reward_terms"].values()} == {float}


@pytest.mark.parametrize("odd", [np.array([0.5]), "0.5x", None, [1.0], np.zeros((1, 1))])
def test_a_reward_that_is_no_number_is_refused(odd: Any) -> None:
    env = rw.wrap(OddChain(odd), CHAIN)
    env.reset(seed=0)
    env.step(1)
    with pytest.raises(rw.RewardValueError, match="reward must be one number, got"):
        env.step(1)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_a_reward_that_is_not_finite_names_reward_lane_and_step(odd: float) -> None:
    env = rw.wrap(OddChain(odd, at=3), CHAIN)
    env.reset(seed=0)
    assert [env.step(action)[1] for action in (0, 1)]
    with pytest.raises(rw.RewardValueError, match='reward "env" must be finite.* lane 0 at step 2'):
        env.step(1)


def test_a_term_that_is_not_finite_is_named() -> None:
    broken = rw.function(lambda obs: np.where(obs[:, 1] < 2, 0.0, np.nan)).named("broken")
    env = rw.wrap(Chain(), rw.EnvReward() + 0.5 * broken)
    env.reset(seed=0)
    env.step(0)
    env.step(0)
    with pytest.raises(rw.RewardValueError, match='term "broken" must be finite, got nan'):
        env.step(0)


def test_another_weight_pays_from_the_next_step_on_and_is_read_back() -> None:
    env = rw.wrap(Chain(), rw.EnvReward() + rw.Constant(2.0).named("bonus"))
    env.reset(seed=0)
    version = env.reward_version
    assert env.step(0)[1] == 2.0
    written = env.set_weight("bonus", 3.0)
    assert env.step(0)[1] == 6.0
    assert (env.reward_version != version, written) == (True, env.reward.to_config())
    with pytest.raises(rw.UnknownName, match="bonus"):
        env.set_weight("bonsu", 1.0)


def test_the_weight_zero_records_exactly_zero() -> None:
    env = rw.wrap(Chain(), CHAIN)
    env.reset(seed=0)
    env.step(2)
    env.set_weight("bright", 0.0)
    *_, info = env.step(2)
    env_reward = info["reward_terms"]["env"]
    assert info["reward_terms"] == {"env": env_reward, "bright": 0.0, "shaped": env_reward}


@pytest.mark.parametrize(
    "term",
    [
        (rw.Constant(1.0) + rw.EnvReward()).named("both"),
        rw.Constant(1.0).named("inner").named("both"),
        rw.EnvReward().clip(0, 1).named("both"),
    ],
)
def test_a_term_without_one_weight_gets_none(term: rw.Reward) -> None:
    """Numbers go into the parts of a sum: setting one twice would multiply them."""
    env = rw.wrap(Chain(), rw.EnvReward() + term)
    before = env.reward.to_config()
    with pytest.raises(rw.ConfigError, match=r"must be a weight times a reward.*Use set_reward"):
        env.set_weight("both", 2.0)
    assert env.reward.to_config() == before


class Unnamed(rw.Reward):
    """A reward of a user who has not registered it."""

    def __init__(self, value: Any = None) -> None:
        object.__setattr__(self, "value", value)

    def __call__(self, batch: rw.Transitions) -> Any:
        return batch.reward + 1.0 if self.value is None else self.value  # type: ignore[attr-defined]


def test_a_class_that_is_not_registered_is_recorded_under_its_name() -> None:
    env = rw.wrap(Chain(), rw.EnvReward() + Unnamed())
    env.reset(seed=0)
    assert env.term_names == ("env", "unnamed", "shaped")
    assert env.step(0)[1] == 1.0


@pytest.mark.parametrize("value", [1.0, np.ones((1, 1)), np.ones(2)])
def test_anything_but_one_number_is_refused(value: Any) -> None:
    env = rw.wrap(Chain(), Unnamed(value))
    env.reset(seed=0)
    with pytest.raises(rw.RewardValueError, match=r"must .*shape \(1,\).*got [\(f]"):
        env.step(0)
