"""Episode borders on every host: who ended decides whether the potential of the last state counts."""

from __future__ import annotations

from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import rewardwrap as rw
from rewardwrap.adapters import sb3
from rewardwrap.adapters.sb3 import RewardVecEnv
from rewardwrap.core.few_lanes import FewLanes

GAMMA = 0.9
ENDS = {"terminated": (True, False), "truncated": (False, True), "both": (True, True)}
HOSTS = ["single", "sync_next_step", "sync_same_step", "sync_disabled", "dummy", "logged"]
# SB3 hands out float32
NEAR = {"rel": 1e-6, "abs": 1e-6}


class Climb(gym.Env[Any, Any]):
    """Observes its height 1, 2, 3 ..., always pays 1, and ends at the third step the way it is told."""

    observation_space = gym.spaces.Box(0.0, 100.0, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, end: str = "terminated") -> None:
        self.end = ENDS[end]
        self.height = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.height = 1
        return np.array([self.height], np.float32), {}

    def step(self, action: Any) -> Any:
        self.height += 1
        terminated, truncated = self.end if self.height == 4 else (False, False)
        return np.array([self.height], np.float32), 1.0, terminated, truncated, {}


def height(obs: Any) -> Any:
    """Phi(s) = the height."""
    return obs[:, 0].astype(float)


SHAPING = rw.Potential(height, gamma=GAMMA).named("climb")
FLAGS = rw.function(lambda terminated, truncated: 1.0 * terminated + 10.0 * truncated)
PAID = {
    "terminated": [2 * GAMMA - 1, 3 * GAMMA - 2, -3.0],
    "truncated": [2 * GAMMA - 1, 3 * GAMMA - 2, 4 * GAMMA - 3],
    "both": [2 * GAMMA - 1, 3 * GAMMA - 2, -3.0],
}


def tape(lanes: int) -> np.ndarray:
    return np.zeros((6, lanes), int)


@pytest.fixture(params=["scalar path", "batch path"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Lanes for SB3: two in a loop of scalars, or twelve in one batch."""
    lanes = 2 if request.param == "scalar path" else 12
    monkeypatch.setattr(sb3, "FEW", 10)
    return lanes


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("host", HOSTS)
def test_only_a_terminal_state_has_no_potential(host: str, end: str, play: Any) -> None:
    got = play(host, partial(Climb, end), SHAPING, tape(2))
    want = np.array(2 * PAID[end])[:, None].repeat(2, axis=1)
    np.testing.assert_allclose(got.terms["climb"], want, rtol=1e-6)
    np.testing.assert_allclose(got.reward, want, rtol=1e-6)


@pytest.mark.parametrize("end", ENDS)
def test_sb3_lanes_end_the_same_on_both_paths(end: str, path: int, play: Any) -> None:
    got = play("dummy", partial(Climb, end), SHAPING, tape(path))
    want = np.array(2 * PAID[end])[:, None].repeat(path, axis=1)
    np.testing.assert_allclose(got.reward, want, rtol=1e-6)


def test_two_and_twelve_lanes_take_the_two_paths(path: int, play: Any) -> None:
    from stable_baselines3.common.vec_env import DummyVecEnv

    venv = RewardVecEnv(DummyVecEnv([Climb] * path), SHAPING)
    assert isinstance(venv._lanes, FewLanes) == (path == 2)


@pytest.mark.parametrize("host", HOSTS)
def test_with_both_flags_a_reward_sees_terminated_alone(host: str, play: Any) -> None:
    for end, flag in {"terminated": 1.0, "truncated": 10.0, "both": 1.0}.items():
        got = play(host, partial(Climb, end), FLAGS, tape(1))
        assert got.reward[:, 0].tolist() == [0.0, 0.0, flag] * 2


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("host", HOSTS)
def test_the_discounted_shaping_of_an_episode_telescopes(host: str, end: str, play: Any) -> None:
    got = play(host, partial(Climb, end), rw.EnvReward() + SHAPING, tape(2))
    discounted = (GAMMA ** np.arange(3)) @ got.terms["climb"][3:]
    last = GAMMA**3 * 4.0 if end == "truncated" else 0.0
    np.testing.assert_allclose(discounted, last - 1.0, rtol=1e-6)


@pytest.mark.parametrize("host", HOSTS)
def test_the_reported_sums_are_those_of_one_episode(host: str, play: Any) -> None:
    got = play(host, Climb, rw.EnvReward() + SHAPING, tape(2))
    assert sorted(got.sums) == [(2, 0), (2, 1), (5, 0), (5, 1)]
    climb = sum(PAID["terminated"])
    for sums in got.sums.values():
        assert sums == pytest.approx({"env": 3.0, "climb": climb, "shaped": 3 + climb}, **NEAR)


@pytest.mark.parametrize("host", HOSTS)
def test_a_learner_that_does_not_bootstrap_may_zero_the_potential_at_a_time_limit(
    host: str, play: Any
) -> None:
    shaping = rw.Potential(height, gamma=GAMMA, on_truncation="terminal")
    got = play(host, partial(Climb, "truncated"), shaping, tape(1))
    np.testing.assert_allclose(got.reward[:3, 0], PAID["terminated"], rtol=1e-6)


def next_step(reward: rw.Reward, steps: int, lanes: int = 1, **options: Any) -> Any:
    env = SyncVectorEnv([Climb] * lanes, autoreset_mode=AutoresetMode.NEXT_STEP)
    wrapped = rw.wrap(env, reward, **options)
    wrapped.reset(seed=0)
    for _ in range(steps):
        result = wrapped.step(np.zeros(lanes, int))
    return wrapped, result


def test_a_row_that_only_resets_pays_nothing_and_leaves_the_sums() -> None:
    env, (_, paid, *_) = next_step(rw.EnvReward() + SHAPING, 3)
    sums = env.episode_terms.copy()
    assert paid[0] == pytest.approx(1.0 - 3.0)
    _, paid, terminated, truncated, info = env.step(np.zeros(1, int))
    assert paid[0] == 0.0
    assert not terminated[0]
    assert not truncated[0]
    assert "episode_terms" not in info
    np.testing.assert_array_equal(env.reward_terms, 0.0)
    np.testing.assert_array_equal(env.episode_terms, sums)
    env.step(np.zeros(1, int))
    np.testing.assert_allclose(env.episode_terms[0, 0], 1.0)


def test_a_row_that_only_resets_teaches_a_normaliser_nothing() -> None:
    reward = rw.EnvReward().normalize(gamma=GAMMA)
    env, _ = next_step(reward, 3)
    known = reward.state_dict()
    env.step(np.zeros(1, int))
    for name, array in reward.state_dict().items():
        np.testing.assert_array_equal(array, known[name])
    env.step(np.zeros(1, int))
    assert any((reward.state_dict()[name] != known[name]).any() for name in known)


def test_reset_rows_are_cut_out_before_a_function_sees_them() -> None:
    seen = []
    # the first calls ask more, to learn what the function means
    env, _ = next_step(rw.function(lambda obs: seen.append(len(obs)) or np.zeros(len(obs))), 40, 2)
    seen.clear()
    for _ in range(8):
        env.step(np.zeros(2, int))
    assert seen == [2] * 6


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED])
def test_a_reset_in_the_middle_starts_over(mode: AutoresetMode) -> None:
    env = rw.wrap(SyncVectorEnv([Climb] * 2, autoreset_mode=mode), SHAPING)
    env.reset(seed=0)
    env.step(np.zeros(2, int))
    env.reset(seed=0)
    _, paid, *_ = env.step(np.zeros(2, int))
    np.testing.assert_allclose(paid, PAID["terminated"][0])
    np.testing.assert_allclose(env.episode_terms[:, -1], PAID["terminated"][0])
