"""The whole matrix of hosts and layers: wrong stacks are refused with the layer named, right ones pass."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import (
    Autoreset,
    ClipReward,
    NormalizeReward,
    RecordEpisodeStatistics,
    TimeLimit,
    TransformReward,
)
from gymnasium.wrappers import vector as vector_wrappers
from stable_baselines3.common.atari_wrappers import EpisodicLifeEnv
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import (
    DummyVecEnv,
    SubprocVecEnv,
    VecEnvWrapper,
    VecFrameStack,
    VecMonitor,
    VecNormalize,
)

import rewardwrap as rw

R = rw.EnvReward() + rw.Constant(-0.5).named("time")


class Game(gym.Env[Any, Any]):
    """Pays 2, 4, 6 ..., loses a life every fourth step, is over with the second life; three lives left."""

    observation_space = gym.spaces.Box(-100, 100, (2,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self) -> None:
        self.t = 0
        self.ale = self

    def lives(self) -> int:
        return 3 - self.t // 4

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.t = 0
        return self._obs(), {}

    def step(self, action: Any) -> Any:
        self.t += 1
        return self._obs(), 2.0 * self.t, self.lives() == 0, False, {}

    def _obs(self) -> Any:
        return np.array([self.t, 1], np.float32)


class AddsInStep(gym.Wrapper[Any, Any, Any, Any]):
    """Changes rewards without being a RewardWrapper."""

    def step(self, action: Any) -> Any:
        obs, reward, *rest = self.env.step(action)
        return obs, float(reward) + 0.01, *rest


class AddsAtEnd(gym.Wrapper[Any, Any, Any, Any]):
    """A bonus on the last step alone."""

    def step(self, action: Any) -> Any:
        obs, reward, terminated, truncated, info = self.env.step(action)
        return obs, float(reward) + 10.0 * (terminated or truncated), terminated, truncated, info


class Repeat(gym.Wrapper[Any, Any, Any, Any]):
    """Action repeat."""

    def step(self, action: Any) -> Any:
        total = 0.0
        for _ in range(2):
            obs, reward, terminated, truncated, info = self.env.step(action)
            total += float(reward)
            if terminated or truncated:
                break
        return obs, total, terminated, truncated, info


class Lives(EpisodicLifeEnv):
    """SB3's own, under another name."""


class Doubled(VecEnvWrapper):
    """A VecEnv layer that pays twice as much."""

    def reset(self) -> Any:
        return self.venv.reset()

    def step_wait(self) -> Any:
        obs, rewards, dones, infos = self.venv.step_wait()
        return obs, 2 * rewards, dones, infos


class Hurried(VecEnvWrapper):
    """A VecEnv layer that repeats actions."""

    def reset(self) -> Any:
        return self.venv.reset()

    def step_async(self, actions: Any) -> None:
        self.actions = actions
        self.venv.step_async(actions)

    def step_wait(self) -> Any:
        _, first, _, _ = self.venv.step_wait()
        self.venv.step_async(self.actions)
        obs, second, dones, infos = self.venv.step_wait()
        return obs, first + second, dones, infos


Lane = Callable[[], gym.Env[Any, Any]]
HOSTS: dict[str, Callable[[Lane], Any]] = {
    "single": lambda lane: lane(),
    **{
        f"sync {mode.name}": lambda lane, mode=mode: SyncVectorEnv([lane] * 2, autoreset_mode=mode)
        for mode in AutoresetMode
    },
    "async": lambda lane: AsyncVectorEnv([lane] * 2),
    "dummy": lambda lane: DummyVecEnv([lane] * 2),
    "subproc": lambda lane: SubprocVecEnv([lane] * 2, start_method="fork"),
}
BELOW: dict[str, Callable[[Any], Any]] = {
    "ClipReward": lambda env: ClipReward(env, -1, 1),
    "NormalizeReward": NormalizeReward,
    "TransformReward": lambda env: TransformReward(env, lambda r: 2 * r),
    "AddsInStep": AddsInStep,
    "AddsAtEnd": AddsAtEnd,
    "AddsInStep ": lambda env: TimeLimit(Monitor(AddsInStep(env)), 50),
    "Autoreset": Autoreset,
    "EpisodicLifeEnv": EpisodicLifeEnv,
    "Lives": lambda env: Monitor(Lives(env)),
}
HONEST: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda env: env,
    "TimeLimit": lambda env: TimeLimit(env, 5),
    "Monitor": lambda env: Monitor(TimeLimit(env, 5)),
    "frame skip": lambda env: Monitor(Repeat(env)),
    "statistics": RecordEpisodeStatistics,
}


def lane(*layers: Callable[[Any], Any]) -> gym.Env[Any, Any]:
    env: Any = Game()
    for layer in layers:
        env = layer(env)
    return env


def ours(env: Any) -> Any:
    return rw.wrap(env, R)


def closing(env: Any, sentence: str | None) -> None:
    try:
        if sentence is None:
            rw.check(env)
            return
        with pytest.raises(rw.StackError, match=sentence):
            rw.check(env)
    finally:
        env.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("name", BELOW)
@pytest.mark.parametrize("host", HOSTS)
def test_a_layer_below_that_hides_the_own_reward_is_named(host: str, name: str) -> None:
    closing(ours(HOSTS[host](partial(lane, BELOW[name]))), f"{name.strip()} below")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("name", BELOW)
@pytest.mark.parametrize("host", ["sync NEXT_STEP", "dummy", "subproc"])
def test_and_so_it_is_below_wrapped_lanes(host: str, name: str) -> None:
    closing(HOSTS[host](partial(lane, BELOW[name], ours)), f"{name.strip()} below")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("name", HONEST)
@pytest.mark.parametrize("host", HOSTS)
def test_honest_layers_below_pass(host: str, name: str) -> None:
    closing(ours(HOSTS[host](partial(lane, HONEST[name]))), None)
    if host not in ("single", "async"):
        closing(HOSTS[host](partial(lane, HONEST[name], ours, Monitor)), None)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("host", HOSTS)
def test_a_reward_that_is_put_on_twice_is_refused(host: str) -> None:
    for inside, outside in (((ours, Monitor), ours), ((Monitor,), lambda env: ours(ours(env)))):
        env = HOSTS[host](partial(lane, *inside))
        try:
            with pytest.raises(rw.StackError, match="must (pay|hold) one re"):
                rw.check(outside(env))
        finally:
            env.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("host", ["single", "sync SAME_STEP", "dummy", "subproc"])
@pytest.mark.parametrize("name", ["ClipReward", "NormalizeReward", "AddsInStep", "AddsAtEnd"])
def test_a_layer_above_in_the_lane_is_named(host: str, name: str) -> None:
    closing(HOSTS[host](partial(lane, ours, BELOW[name], Monitor)), f"{name} above RewardWrapper")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("host", ["single", "sync SAME_STEP", "dummy", "subproc"])
def test_action_repeat_above_is_named(host: str) -> None:
    closing(
        HOSTS[host](partial(lane, ours, Repeat)), "Repeat above RewardWrapper, which steps it 2"
    )


@pytest.mark.parametrize("mode", AutoresetMode)
@pytest.mark.parametrize(
    "layer",
    [
        lambda e: vector_wrappers.ClipReward(e, -0.1, 0.1),
        vector_wrappers.NormalizeReward,
        lambda e: vector_wrappers.TransformReward(e, lambda r: r + 1),
    ],
)
def test_vector_layers_are_named_above_and_below(mode: AutoresetMode, layer: Any) -> None:
    made = partial(SyncVectorEnv, [lane] * 2, autoreset_mode=mode)
    closing(layer(ours(made())), "Reward above VectorRewardWrapper")
    closing(ours(layer(made())), "Reward below VectorRewardWrapper")
    closing(vector_wrappers.RecordEpisodeStatistics(ours(made())), None)
    closing(ours(vector_wrappers.RecordEpisodeStatistics(made())), None)


@pytest.mark.parametrize("layer", [Doubled, Hurried])
def test_venv_layers_are_named_above_and_below(layer: Any) -> None:
    venv = partial(DummyVecEnv, [lane] * 2)
    closing(layer(ours(venv())), f"{layer.__name__} above RewardVecEnv")
    if layer is Doubled:
        closing(ours(layer(venv())), "Doubled below RewardVecEnv")
    closing(layer(DummyVecEnv([partial(lane, ours)])), f"{layer.__name__} above RewardWrapper")


@pytest.mark.parametrize("options", [{}, {"norm_obs": False}, {"training": False}])
def test_vecnormalize_stands_above_and_not_below(options: Any) -> None:
    venv = partial(DummyVecEnv, [lane] * 2)
    closing(VecNormalize(ours(venv()), **options), None)
    with pytest.raises(rw.StackError, match="VecNormalize below"):
        rw.check(rw.wrap(VecNormalize(venv(), **options), "env"))
    closing(rw.wrap(VecNormalize(venv(), norm_reward=False), "env"), None)


def test_the_usual_venv_layers_pass() -> None:
    venv = partial(DummyVecEnv, [lane] * 2)
    for layer in (VecMonitor, lambda v: VecFrameStack(v, 2)):
        closing(layer(ours(venv())), None)
        closing(ours(VecMonitor(venv())), None)
        closing(layer(DummyVecEnv([partial(lane, ours)] * 2)), None)


LATE = {
    "EpisodeSum": rw.EpisodeSum(rw.EnvReward()),
    "terminal": rw.EnvReward()
    + rw.Potential(lambda o: o[:, 0], gamma=1.0, on_truncation="terminal"),
}


@pytest.mark.parametrize("name", LATE)
def test_a_limit_above_a_reward_that_pays_at_the_end_is_named(name: str) -> None:
    env = TimeLimit(rw.wrap(Game(), LATE[name]), 3)
    closing(env, "TimeLimit above RewardWrapper")
    closing(DummyVecEnv([lambda: Monitor(env)]), "TimeLimit above RewardWrapper")
    closing(rw.wrap(TimeLimit(Game(), 3), LATE[name]), None)
    closing(TimeLimit(rw.wrap(Game(), R), 3), None)


def test_the_cure_for_lives_records_the_return_of_the_game() -> None:
    env = EpisodicLifeEnv(rw.wrap(Monitor(Game()), R))
    rw.check(env)
    env.reset()
    found, games = [], []
    for _ in range(40):
        *_, terminated, truncated, info = env.step(0)
        if "episode" in info:
            games.append(info["episode"]["r"])
            found.append(info["episode_terms"]["env"])
        if terminated or truncated:
            env.reset()
    assert found == games == [sum(2.0 * t for t in range(1, 13))] * len(games)


def test_autoreset_above_passes() -> None:
    rw.check(Autoreset(rw.wrap(Game(), R)))
