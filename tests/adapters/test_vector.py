"""Gymnasium's vector environments: three autoreset modes, masks, buffers, processes."""

from __future__ import annotations

from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

import rewardwrap as rw
from rewardwrap.testing import Chain, DictChain, OddChain, ReusingChain
from rewardwrap.testing.examples import HERE

NEXT, SAME, OFF = AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP, AutoresetMode.DISABLED
BRIGHT = rw.Potential(f"{HERE}:brightness", gamma=0.9).named("bright")
REWARD = rw.EnvReward() + BRIGHT
FIELDS = [
    "env",
    {"potential": {"phi": {"pole_angle": -1.0, "bias": 0.5}, "gamma": 0.99}, "name": "upright"},
]


def short_cart_pole() -> Any:
    return gym.make("CartPole-v1", max_episode_steps=8)


def sync(make: Any = Chain, lanes: int = 2, mode: AutoresetMode = NEXT, **options: Any) -> Any:
    return SyncVectorEnv([make] * lanes, autoreset_mode=mode, **options)


@pytest.mark.parametrize("host", ["async_next_step", "async_same_step"])
def test_lanes_in_other_processes_read_named_fields(host: str, play: Any, tape: Any) -> None:
    actions = tape(short_cart_pole(), steps=20, lanes=2)
    want = play("single", short_cart_pole, FIELDS, actions)
    got = play(host, short_cart_pole, FIELDS, actions)
    got.agrees_with(want, 1e-9)
    assert np.abs(got.terms["upright"]).min() > 0
    assert got.sums


@pytest.mark.parametrize("build", [SyncVectorEnv, partial(AsyncVectorEnv, shared_memory=False)])
def test_a_reset_mask_starts_those_lanes_alone(build: Any) -> None:
    env = rw.wrap(build([Chain] * 3, autoreset_mode=OFF), REWARD)
    env.reset(seed=0)
    env.step(np.array([2, 2, 1]))
    obs, _, terminated, truncated, _ = env.step(np.array([2, 2, 1]))
    ended = terminated | truncated
    assert ended.tolist() == [True, True, False]
    options = {"reset_mask": ended.copy()}
    obs, _ = env.reset(options=options)
    phi = obs.mean(axis=1, dtype=float)
    after, paid, *_ = env.step(np.array([1, 0, 1]))
    want = 0.9 * after.mean(axis=1, dtype=float) - phi
    np.testing.assert_allclose(env.reward_terms[:, 1], want)
    np.testing.assert_allclose(paid, want + env.reward_terms[:, 0])
    np.testing.assert_allclose(env.episode_terms[:2], env.reward_terms[:2])
    assert env.episode_terms[2, 0] > env.reward_terms[2, 0]
    env.close()


def test_the_mask_of_the_caller_may_be_reused() -> None:
    env = rw.wrap(sync(lanes=2, mode=OFF), REWARD)
    env.reset(seed=0)
    mask = np.array([True, False])
    env.step(np.array([1, 1]))
    env.reset(options={"reset_mask": mask})
    mask[:] = True
    env.step(np.array([1, 1]))
    assert env.episode_terms[1, 0] > env.reward_terms[1, 0]
    assert env.episode_terms[0, 0] == env.reward_terms[0, 0]


@pytest.mark.parametrize("mode", [None, "sometimes"])
def test_an_unknown_autoreset_mode_is_refused(mode: Any) -> None:
    env = sync()
    env.metadata = {**env.metadata, "autoreset_mode": mode}
    with pytest.raises(rw.StackError, match="autoreset_mode.*NEXT_STEP, SAME_STEP, DISABLED"):
        rw.wrap(env, REWARD)


def test_a_mode_given_by_its_name_is_understood() -> None:
    env = sync(mode=SAME)
    env.metadata = {**env.metadata, "autoreset_mode": SAME.value}
    rw.wrap(env, REWARD)


class Forgetful(gym.vector.VectorWrapper):
    """A SAME_STEP vector env that does not say where its episodes ended."""

    def step(self, actions: Any) -> Any:
        *result, info = super().step(actions)
        return *result, {k: v for k, v in info.items() if "final" not in k}


def test_a_lost_terminal_observation_is_refused() -> None:
    env = rw.wrap(Forgetful(sync(mode=SAME)), REWARD)
    env.reset(seed=0)
    env.step(np.array([2, 2]))
    with pytest.raises(rw.StackError, match="final_obs"):
        env.step(np.array([2, 2]))


@pytest.mark.parametrize("mode", [NEXT, SAME, OFF])
def test_the_sums_of_an_episode_come_in_the_layout_of_gymnasium(mode: AutoresetMode) -> None:
    env = rw.wrap(sync(lanes=3, mode=mode), REWARD)
    env.reset(seed=0)
    *_, info = env.step(np.array([2, 0, 1]))
    assert "episode_terms" not in info
    first = env.reward_terms.copy()
    *_, info = env.step(np.array([2, 0, 1]))
    sums = info["episode_terms"]
    np.testing.assert_array_equal(info["_episode_terms"], [True, False, False])
    assert list(sums) == ["env", "_env", "bright", "_bright", "shaped", "_shaped"]
    for k, name in enumerate(env.term_names):
        np.testing.assert_array_equal(sums[f"_{name}"], [True, False, False])
        np.testing.assert_allclose(sums[name], [first[0, k] + env.reward_terms[0, k], 0, 0])
        assert sums[name].dtype == np.float64


def test_reported_sums_stay_what_they_were() -> None:
    env = rw.wrap(sync(mode=SAME), REWARD)
    env.reset(seed=0)
    env.step(np.array([2, 2]))
    *_, info = env.step(np.array([2, 2]))
    kept = {k: v.copy() for k, v in info["episode_terms"].items()}
    for _ in range(3):
        env.step(np.array([2, 2]))
    for name, column in kept.items():
        np.testing.assert_array_equal(info["episode_terms"][name], column)


@pytest.mark.parametrize("make", [Chain, DictChain], ids=lambda m: m.__name__)
@pytest.mark.parametrize("mode", [NEXT, SAME, OFF])
def test_a_vector_env_without_copies_pays_the_same(mode: AutoresetMode, make: Any) -> None:
    reward = [REWARD.to_config(), {"function": f"{HERE}:outcome", "name": "seen"}]
    envs = [rw.wrap(sync(make, mode=mode, copy=copy), reward) for copy in (True, False)]
    moves = np.random.default_rng(0).integers(0, 3, (30, 2))
    for env in envs:
        env.reset(seed=0)
    for actions in moves:
        results = [env.step(actions) for env in envs]
        np.testing.assert_array_equal(results[0][1], results[1][1])
        np.testing.assert_array_equal(envs[0].reward_terms, envs[1].reward_terms)
        if mode is OFF and (ended := results[0][2] | results[0][3]).any():
            for env in envs:
                env.reset(options={"reset_mask": ended.copy()})


def test_a_native_vector_env_pays_what_its_lanes_would() -> None:
    env = rw.wrap(gym.make_vec("CartPole-v1", num_envs=3), FIELDS)
    obs, _ = env.reset(seed=0)
    moves = np.random.default_rng(0).integers(0, 2, (60, 3))
    dead, total, ends = np.zeros(3, bool), np.zeros(3), 0
    for actions in moves:
        before = 0.5 - obs[:, 2].astype(float)
        obs, paid, terminated, truncated, info = env.step(actions)
        after = np.where(terminated, 0.0, 0.5 - obs[:, 2].astype(float))
        want = np.where(dead, 0.0, 1.0 + 0.99 * after - before)
        np.testing.assert_allclose(paid, want, atol=1e-6)
        total = np.where(dead, 0.0, total + paid)
        dead = terminated | truncated
        if dead.any():
            ends += dead.sum()
            np.testing.assert_allclose(info["episode_terms"]["shaped"][dead], total[dead])
    assert ends > 3


@pytest.mark.filterwarnings("ignore::rewardwrap.RewardwrapWarning")
@pytest.mark.parametrize("mode", [NEXT, SAME])
def test_dict_observations_reach_the_potential(mode: AutoresetMode) -> None:
    phi = rw.Potential(lambda obs: obs["place"][:, 0].astype(float), gamma=1.0)
    env = rw.wrap(sync(DictChain, mode=mode), phi)
    obs, _ = env.reset(seed=0)
    start = obs["place"][:, 0].astype(float)
    _, paid, *_ = env.step(np.array([2, 1]))
    np.testing.assert_allclose(paid, [2.0, 1.0])
    _, paid, *_ = env.step(np.array([2, 1]))
    np.testing.assert_allclose(paid, [-2.0 - start[0], 1.0])


@pytest.mark.parametrize("mode", [NEXT, OFF])
def test_lanes_that_reuse_their_buffers_pay_the_same(mode: AutoresetMode, play: Any) -> None:
    host = {NEXT: "sync_next_step", OFF: "sync_disabled"}[mode]
    actions = np.random.default_rng(0).integers(0, 3, (30, 2))
    seen = {"function": f"{HERE}:outcome"}
    play(host, ReusingChain, seen, actions).agrees_with(play(host, Chain, seen, actions), 0.0)


def test_a_reward_that_is_not_finite_names_its_lane() -> None:
    lanes = [Chain, Chain, partial(OddChain, np.nan, at=2)]
    env = rw.wrap(SyncVectorEnv(lanes), REWARD)
    env.reset(seed=0)
    env.step(np.zeros(3, int))
    with pytest.raises(rw.RewardValueError, match='reward "env" must be finite.*lane 2 at step 1'):
        env.step(np.zeros(3, int))


def test_a_list_of_actions_is_an_array() -> None:
    env = rw.wrap(sync(), rw.function(f"{HERE}:effort"))
    env.reset(seed=0)
    assert env.step([1, 2])[1].tolist() == [-1.0, -4.0]


@rw.register("test_was_at")
class WasAt(rw.Reward):
    """Where the lane was before the step, as reported in info."""

    def __call__(self, batch: rw.Transitions) -> Any:
        return batch.info_before["position"].astype(float)


def test_a_reset_of_some_lanes_keeps_what_the_others_reported() -> None:
    env = rw.wrap(sync(mode=OFF), WasAt())
    env.reset(seed=0)
    assert env.step(np.array([2, 1]))[1].tolist() == [0.0, 0.0]
    _, paid, terminated, truncated, _ = env.step(np.array([2, 1]))
    assert (paid.tolist(), terminated.tolist()) == ([2.0, 1.0], [True, False])
    env.reset(options={"reset_mask": terminated | truncated})
    assert env.step(np.array([1, 1]))[1].tolist() == [0.25, 2.0]
