"""Noise as a setting of a training: where it lies, that it is kept, that rewards do not see it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack, VecNormalize

from rewardwrap.adapters.layers import layers
from rewardwrap.adapters.sb3 import RewardVecEnv
from rewardwrap.evaluate.certificate.rollout import true_returns
from rewardwrap.training import bundle
from rewardwrap.training.agent import Settings, build
from rewardwrap.training.evaluation import Protocol, evaluate
from rewardwrap.training.refusal import refuse_unfit
from rewardwrap_policies.errors import NoiseError
from rewardwrap_policies.noisy_frames import VecNoisyFrames

ROW = {"n_timesteps": 100, "n_steps": 32, "batch_size": 32, "n_envs": 2}


def _settings(**changes: Any) -> Settings:
    given = {"env": "CartPole-v1", "algo": "ppo", "reward": {"env": {}}, "row": ROW, "seed": 0}
    return Settings(**{**given, "noise": 0.2, **changes})


def test_noise_lies_above_the_reward_and_below_stack_and_normaliser() -> None:
    agent = build(_settings(row={**ROW, "normalize": True, "frame_stack": 2}))
    env = agent.model.get_env()
    assert env is not None
    assert [type(layer) for layer in layers(env)] == [
        VecNormalize, VecFrameStack, VecNoisyFrames, RewardVecEnv, DummyVecEnv,
    ]  # fmt: skip
    agent.close()
    refuse_unfit(_settings())


def test_a_reward_reads_the_clean_frame() -> None:
    for noise in (0.0, 5.0):
        settings = _settings(noise=noise, reward={"field": "pole_angle"})
        agent = build(settings)
        env = agent.eval_env(1)
        env.seed(3)
        env.reset()
        found = [env.step(np.array([k % 2]))[1][0] for k in range(5)]
        if noise == 0:
            clean = found
        env.close()
        agent.close()
    assert found == clean


def test_a_bundle_keeps_the_noise_and_plays_the_same_numbers(tmp_path: Path) -> None:
    agent = build(_settings(noise=0.1, noise_scale=(1.0, 1.0, 0.5, 0.5)))
    agent.model.learn(64)
    protocol = Protocol(episodes=3)
    env = agent.eval_env(3)
    before = evaluate(agent.model, env, protocol).true
    folder = bundle.write(agent, tmp_path / "b", protocol=protocol)
    again = bundle.read(folder)
    assert (again.settings.noise, again.settings.noise_scale) == (0.1, (1.0, 1.0, 0.5, 0.5))
    assert np.array_equal(evaluate(again.model, again.eval_env(3), protocol).true, before)
    other = bundle.read(folder, changes={"noise": 3.0})
    assert other.settings.noise == 3.0


def test_every_lane_plays_its_share_of_the_episodes() -> None:
    agent = build(_settings())
    env = agent.eval_env(4)
    done: list[int] = []
    first = true_returns(agent.model, env, 10, seed=5, on_progress=done.append)
    second = true_returns(agent.model, env, 10, seed=5)
    assert first.shape == (10,)
    assert done[-1] == 10
    assert np.array_equal(first, second)
    assert not np.array_equal(first, true_returns(agent.model, env, 10, seed=6))
    agent.close()


def test_noise_below_zero_is_refused() -> None:
    with pytest.raises(NoiseError, match="sigma must be above 0, got -1"):
        build(_settings(noise=-1.0))
