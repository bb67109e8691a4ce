"""SB3's vector environments: two paths, two kinds of workers, one reward."""

from __future__ import annotations

import copy
import pickle
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecFrameStack, VecNormalize

import rewardwrap as rw
from rewardwrap.adapters import sb3
from rewardwrap.core.few_lanes import FewLanes
from rewardwrap.core.stream import Stream
from rewardwrap.testing import Chain, DictChain, ImageChain, OddChain
from rewardwrap.testing.examples import HERE

fork = partial(SubprocVecEnv, start_method="fork")
BRIGHT = rw.Potential(f"{HERE}:brightness", gamma=0.9).named("bright")
REWARD = rw.EnvReward() + BRIGHT + rw.Constant(-1.0).named("time")
UPRIGHT = rw.Potential({"pole_angle": -1.0, "bias": 0.5}, gamma=0.99)
NEAR = {"rtol": 1e-6, "atol": 1e-6}


def played(venv: Any, steps: int = 40, *, seed: int | None = 0) -> tuple[Any, Any, list[Any]]:
    """Rewards, terms and reported sums of one tape of actions."""
    if seed is not None:
        venv.seed(seed)
        venv.reset()
    venv.action_space.seed(0)
    paid, terms, sums = [], [], []
    for _ in range(steps):
        actions = np.array([venv.action_space.sample() for _ in range(venv.num_envs)])
        _, reward, dones, infos = venv.step(actions)
        paid.append(reward)
        terms.append(venv.reward_terms.copy())
        sums += [infos[i]["episode_terms"] for i in np.flatnonzero(dones)]
    return np.array(paid), np.array(terms), sums


def assert_same(one: Any, other: Any) -> None:
    np.testing.assert_allclose(one[0], other[0], **NEAR)
    np.testing.assert_allclose(one[1], other[1], **NEAR)
    assert len(one[2]) == len(other[2]) > 0
    for a, b in zip(one[2], other[2], strict=True):
        assert a == pytest.approx(b, rel=1e-6, abs=1e-6)


def test_lanes_in_this_process_and_in_workers_pay_the_same() -> None:
    make = partial(gym.make, "CartPole-v1", max_episode_steps=9)
    reward = rw.EnvReward() + UPRIGHT.named("upright")
    one, other = (rw.wrap(build([make] * 2), reward) for build in (DummyVecEnv, fork))
    assert one.task.fields.keys() == other.task.fields.keys() >= {"pole_angle"}
    assert_same(played(one), played(other))
    other.close()


@pytest.mark.filterwarnings("ignore::rewardwrap.RewardwrapWarning")
@pytest.mark.parametrize("make", [Chain, DictChain, ImageChain], ids=lambda m: m.__name__)
def test_eight_lanes_pay_the_same_in_a_loop_and_in_a_batch(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = rw.wrap(DummyVecEnv([make] * 8), REWARD)
    monkeypatch.setattr(sb3, "FEW", 0)
    many = rw.wrap(DummyVecEnv([make] * 8), REWARD)
    assert isinstance(few._lanes, FewLanes)
    assert isinstance(many._lanes, Stream)
    assert_same(played(few), played(many))


def test_rewards_are_float32_and_terms_are_float64() -> None:
    for lanes in (2, 40):
        venv = rw.wrap(DummyVecEnv([Chain] * lanes), REWARD)
        paid, terms, _ = played(venv, 5)
        assert paid.dtype == np.float32
        assert terms.dtype == np.float64
        assert terms.shape == (5, lanes, len(venv.term_names))
        np.testing.assert_allclose(terms[..., -1], paid, **NEAR)
        np.testing.assert_allclose(terms[..., :-1].sum(axis=-1), terms[..., -1])


@pytest.mark.parametrize("name", ["reward", "weight", "time", "bright"])
def test_writing_a_reward_with_set_attr_is_refused(name: str) -> None:
    venv = rw.wrap(DummyVecEnv([Chain]), REWARD)
    with pytest.raises(rw.ConfigError, match="set_reward or set_weight, got set_attr"):
        venv.set_attr(name, 5.0)


def test_other_attributes_reach_the_environments() -> None:
    venv = rw.wrap(DummyVecEnv([Chain] * 2), REWARD)
    venv.set_attr("mood", "fine")
    assert venv.get_attr("mood") == ["fine", "fine"]


@pytest.mark.parametrize("build", [DummyVecEnv, fork], ids=["dummy", "subproc"])
def test_a_weight_sent_to_wrapped_lanes_reaches_every_worker(build: Any) -> None:
    venv = build([lambda: Monitor(rw.wrap(Chain(), REWARD))] * 3)
    venv.reset()
    before = venv.step(np.ones(3, int))[3]
    versions = set(venv.get_attr("reward_version"))
    written = venv.env_method("set_weight", "time", 3.0)
    after = venv.step(np.ones(3, int))[3]
    now = set(venv.get_attr("reward_version"))
    venv.close()
    assert [info["reward_terms"]["time"] for info in before] == [-1.0] * 3
    assert [info["reward_terms"]["time"] for info in after] == [-3.0] * 3
    assert written[0] == written[1] == written[2] != REWARD.to_config()
    assert len(versions) == len(now) == 1
    assert versions != now


@pytest.mark.parametrize("lanes", [2, 40])
def test_a_weight_changes_from_the_next_step_on_and_carries_stay(lanes: int) -> None:
    changed, plain = (rw.wrap(DummyVecEnv([Chain] * lanes), REWARD) for _ in range(2))
    for venv in (changed, plain):
        venv.seed(0)
        venv.reset()
        venv.step(np.ones(lanes, int))
    changed.set_weight("bright", 3.0)
    for _ in range(3):
        paid = [venv.step(np.ones(lanes, int))[1] for venv in (changed, plain)]
        bright = plain.reward_terms[:, 1]
        np.testing.assert_allclose(changed.reward_terms[:, 1], 3 * bright)
        np.testing.assert_allclose(paid[0] - paid[1], 2 * bright, atol=1e-5)
    changed.set_weight("bright", 0.0)
    changed.step(np.ones(lanes, int))
    assert not changed.reward_terms[:, 1].any()
    with pytest.raises(rw.UnknownName, match="brihgt"):
        changed.set_weight("brihgt", 1.0)
    with pytest.raises(rw.ConfigError, match="must record the terms"):
        changed.set_reward(rw.EnvReward())


@pytest.mark.parametrize("lanes", [2, 40])
def test_dict_observations_reach_the_potential(lanes: int) -> None:
    phi = rw.Potential(lambda obs: obs["place"][:, 0].astype(float), gamma=1.0)
    venv = rw.wrap(DummyVecEnv([DictChain] * lanes), phi)
    venv.seed(0)
    start = venv.reset()["place"][:, 0].astype(float)
    np.testing.assert_allclose(venv.step(np.full(lanes, 2))[1], 2.0)
    np.testing.assert_allclose(venv.step(np.full(lanes, 2))[1], -2.0 - start)


@pytest.mark.parametrize("lanes", [2, 40])
def test_a_function_reads_images_as_they_are(lanes: int) -> None:
    seen = []

    def darkness(next_obs: Any) -> Any:
        seen.append((next_obs.dtype, next_obs.shape[1:]))
        return -next_obs.mean(axis=(1, 2, 3))

    venv = rw.wrap(DummyVecEnv([ImageChain] * lanes), rw.function(darkness))
    venv.seed(0)
    venv.reset()
    obs, paid, *_ = venv.step(np.ones((lanes, 2), int))
    np.testing.assert_allclose(paid, -obs.mean(axis=(1, 2, 3)))
    # the first call tries a single row too
    assert set(seen) == {(np.dtype(np.uint8), (36, 36, 1)), (np.dtype(np.uint8), (36, 1))}
    assert seen[-1] == (np.dtype(np.uint8), (36, 36, 1))


def test_named_fields_are_not_read_from_normalised_observations() -> None:
    lanes = DummyVecEnv([lambda: gym.make("CartPole-v1")])
    with pytest.raises(rw.StackError, match="normalise after"):
        rw.wrap(VecNormalize(lanes), UPRIGHT)
    with pytest.raises(rw.StackError, match="normalise after"):
        rw.wrap(VecNormalize(lanes), {"field": "pole_angle"})
    rw.wrap(VecNormalize(lanes, norm_obs=False), UPRIGHT)
    rw.wrap(VecNormalize(lanes), rw.EnvReward() + rw.Constant(1.0).named("bonus"))
    VecNormalize(rw.wrap(lanes, UPRIGHT)).reset()


def test_named_fields_are_not_read_from_stacked_frames() -> None:
    lanes = DummyVecEnv([lambda: gym.make("CartPole-v1")])
    with pytest.raises(rw.ConfigError, match="below what stacks"):
        rw.wrap(VecFrameStack(lanes, 2), UPRIGHT)


def test_a_reward_learns_only_while_training() -> None:
    reward = rw.EnvReward().normalize()
    venv = rw.wrap(DummyVecEnv([Chain] * 2), reward)
    venv.training = False
    played(venv, 5)
    assert not any(array.any() for array in reward.state_dict().values())
    venv.training = True
    played(venv, 5)
    assert any(array.any() for array in reward.state_dict().values())


@pytest.mark.parametrize("lanes", [2, 40])
@pytest.mark.parametrize("duplicate", [lambda v: pickle.loads(pickle.dumps(v)), copy.deepcopy])
def test_a_copied_stack_goes_on_with_the_same_rewards(duplicate: Any, lanes: int) -> None:
    venv = rw.wrap(DummyVecEnv([Chain] * lanes), REWARD)
    played(venv, 6)
    other = duplicate(venv)
    assert_same(played(venv, seed=None), played(other, seed=None))


@pytest.mark.parametrize("lanes", [3, 40])
def test_a_reward_that_is_not_finite_names_its_lane(lanes: int) -> None:
    venv = rw.wrap(DummyVecEnv([Chain] * (lanes - 1) + [partial(OddChain, np.nan)]), REWARD)
    venv.reset()
    venv.step(np.zeros(lanes, int))
    with pytest.raises(rw.RewardValueError, match=f'reward "env".*nan in lane {lanes - 1} at step'):
        venv.step(np.zeros(lanes, int))


def test_a_learner_stores_the_composed_reward() -> None:
    venv = rw.wrap(DummyVecEnv([Chain] * 2), rw.Constant(7.0))
    model = PPO("MlpPolicy", venv, n_steps=16, batch_size=16, n_epochs=1, device="cpu").learn(32)
    rewards = model.rollout_buffer.rewards
    # a truncated episode adds gamma * V(terminal observation)
    assert np.median(rewards) == 7.0


@pytest.mark.parametrize("lanes", [2, sb3.FEW + 1])
def test_a_list_of_actions_is_an_array(lanes: int) -> None:
    venv = rw.wrap(DummyVecEnv([Chain] * lanes), rw.function(f"{HERE}:effort"))
    venv.reset()
    assert venv.step([2] * lanes)[1].tolist() == [-4.0] * lanes
