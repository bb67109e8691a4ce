"""`rw.LogTerms` writes the true return, whatever the stack, and leaves SB3's tags alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import configure
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import rewardwrap as rw

REWARD = 10 * rw.EnvReward() + rw.Constant(-1.0).named("time")


def scalars(folder: Path) -> dict[str, list[float]]:
    events = EventAccumulator(str(folder))
    events.Reload()
    return {tag: [e.value for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def trained(env: Any, folder: Path, model: Any = PPO, steps: int = 256, **options: Any) -> Any:
    options = {"n_steps": 128, "batch_size": 64} if model is PPO else options
    learner = model("MlpPolicy", env, seed=0, **options)
    learner.set_logger(configure(str(folder), ["tensorboard"]))
    return learner.learn(steps, callback=rw.LogTerms())


def test_every_term_is_written_beside_the_true_return(tmp_path: Path) -> None:
    trained(rw.make("CartPole-v1", REWARD, n_envs=2, seed=0), tmp_path, steps=512)
    found = scalars(tmp_path)
    true, shaped = found["rollout/ep_true_rew_mean"], found["rollout/ep_shaped_rew_mean"]
    np.testing.assert_allclose(found["rollout/ep_rew_mean"], true, rtol=1e-5)
    np.testing.assert_allclose(shaped, 9 * np.array(true), rtol=1e-5)
    assert found["reward/time/step_mean"] == [-1.0, -1.0]
    assert found["reward/env/step_mean"] == [1.0, 1.0]
    np.testing.assert_allclose(found["reward/time/return_mean"], -np.array(true), rtol=1e-5)
    shares = [found[f"reward/{n}/abs_share"][0] for n in ("env", "env_rescaled", "time")]
    assert sum(shares) == pytest.approx(1.0)


def test_wrapped_lanes_are_read_too(tmp_path: Path) -> None:
    env = DummyVecEnv([lambda: Monitor(rw.wrap(gym.make("CartPole-v1"), REWARD))])
    trained(env, tmp_path)
    found = scalars(tmp_path)
    np.testing.assert_allclose(
        found["rollout/ep_rew_mean"], 9 * np.array(found["rollout/ep_true_rew_mean"]), rtol=1e-5
    )


def test_off_policy_learners_write_at_the_end_of_episodes(tmp_path: Path) -> None:
    trained(rw.make("CartPole-v1", REWARD, seed=0), tmp_path, DQN, 400, learning_starts=100)
    found = scalars(tmp_path)
    assert len(found["rollout/ep_true_rew_mean"]) >= 1
    assert all(mean == -1.0 for mean in found["reward/time/step_mean"])


@pytest.mark.parametrize("lanes", [1, 3])
def test_off_policy_learners_say_the_same_number_as_sb3_at_every_dump(
    tmp_path: Path, lanes: int
) -> None:
    venv = rw.make("CartPole-v1", REWARD, seed=0, n_envs=lanes)
    trained(venv, tmp_path, DQN, 900, learning_starts=10_000, stats_window_size=3)
    found = scalars(tmp_path)
    assert len(found["rollout/ep_rew_mean"]) > 3
    np.testing.assert_allclose(found["rollout/ep_true_rew_mean"], found["rollout/ep_rew_mean"])


def test_two_discounts_are_refused_before_the_first_step() -> None:
    venv = rw.make("CartPole-v1", rw.EnvReward() + rw.Potential({"bias": 1.0}, gamma=0.5))
    with pytest.raises(rw.GammaMismatch, match=r"0\.5"):
        PPO("MlpPolicy", venv).learn(10, callback=rw.LogTerms())


def test_a_stack_without_a_composed_reward_is_refused() -> None:
    env = DummyVecEnv([lambda: Monitor(gym.make("CartPole-v1"))])
    with pytest.raises(rw.StackError, match="got none"):
        PPO("MlpPolicy", env).learn(10, callback=rw.LogTerms())


class ChangeOne(BaseCallback):
    def _on_step(self) -> bool:
        if self.num_timesteps == 8:
            self.training_env.env_method("set_weight", "time", 3.0, indices=[0])
        return True


def test_workers_that_hold_different_rewards_are_refused() -> None:
    env = DummyVecEnv([lambda: Monitor(rw.wrap(gym.make("CartPole-v1"), REWARD))] * 2)
    model = PPO("MlpPolicy", env, n_steps=32, batch_size=32)
    with pytest.raises(rw.StackError, match="every worker must hold the same reward"):
        model.learn(128, callback=[ChangeOne(), rw.LogTerms()])


def lane_with_a_lambda() -> Any:
    up = rw.Potential(lambda obs: 1 - abs(obs[:, 2]), gamma=0.99).named("up")
    return Monitor(rw.wrap(gym.make("CartPole-v1"), rw.EnvReward() + up))


def test_a_lambda_may_pay_in_another_process(tmp_path: Path) -> None:
    venv = SubprocVecEnv([lane_with_a_lambda] * 2, start_method="forkserver")
    try:
        rw.check(venv, "ppo")
        trained(venv, tmp_path)
    finally:
        venv.close()
    assert "reward/up/step_mean" in scalars(tmp_path)
