"""Half of each batch is demonstrated and paid 1; nothing else of the learner changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stable_baselines3 import DQN, PPO, SAC

import rewardwrap as rw
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError, StackError
from rewardwrap.data import EpisodeStore
from rewardwrap.training.recording import player

WORDS: dict[str, Any] = {
    "learning_starts": 10, "batch_size": 8, "seed": 0, "device": "cpu",
    "policy_kwargs": {"net_arch": [8]},
}  # fmt: skip


def recorded(env: str, **options: Any) -> EpisodeStore:
    who = player("scripted", env, **options)
    observation, action = who.spaces
    made = list(who.play(2))
    who.close()
    return EpisodeStore.from_episodes(made, observation_space=observation, action_space=action)


@pytest.mark.parametrize(("env", "learner"), [("CartPole-v1", DQN), ("Pendulum-v1", SAC)])
def test_half_of_a_batch_is_demonstrated_and_paid_one(
    env: str, learner: Any, tmp_path: Path
) -> None:
    demos = recorded(env, env_kwargs={"max_episode_steps": 30})
    sqil = rw.SQIL(demos=demos)
    model = learner("MlpPolicy", rw.make(env, sqil.reward, n_envs=2, seed=0), **WORDS)
    model.learn(40, callback=sqil)
    batch = model.replay_buffer.sample(9)
    np.testing.assert_array_equal(batch.rewards[:, 0].numpy(), [0] * 5 + [1] * 4)
    shown = np.concatenate([batch.observations[5:].numpy(), batch.next_observations[5:].numpy()], 1)
    rows = demos.transitions()
    known = np.concatenate([rows.obs, rows.next_obs], axis=1).astype(np.float32)
    for one in shown:
        assert np.abs(known - one).sum(1).min() < 1e-6
    # the demonstrations' time limits are no ends
    assert not batch.dones[5:].any()
    # actions as the learner's own: a Box is scaled to [-1, 1]
    assert np.abs(batch.actions[5:].numpy()).max() <= 1
    model.save(tmp_path / "agent")
    model.save_replay_buffer(tmp_path / "buffer")
    model.load_replay_buffer(tmp_path / "buffer")
    assert model.replay_buffer.sample(4).rewards.sum() == 2
    # and it goes on
    model.learn(8, callback=sqil, reset_num_timesteps=False)


def test_what_it_cannot_be_used_with_is_refused() -> None:
    demos = recorded("CartPole-v1", env_kwargs={"max_episode_steps": 30})
    sqil = rw.SQIL(demos=demos)
    ppo = PPO("MlpPolicy", rw.make("CartPole-v1", sqil.reward, n_envs=1), n_steps=8, batch_size=8)
    with pytest.raises(StackError, match="off-policy learner with a plain ReplayBuffer, got PPO"):
        ppo.learn(8, callback=sqil)
    sac = SAC("MlpPolicy", rw.make("Pendulum-v1", sqil.reward, n_envs=1), **WORDS)
    with pytest.raises(ConfigError, match="must be of the environment's observation_space"):
        sac.learn(8, callback=sqil)


def test_it_is_a_form_of_train(tmp_path: Path) -> None:
    recorded("CartPole-v1", env_kwargs={"max_episode_steps": 30}).save(tmp_path / "demos")
    words = ("--algo", "dqn", "--demos", str(tmp_path / "demos"), "--form", "sqil", "-n", "64")
    small = ("--eval-episodes", "1", "--eval-freq", "32", "--verbose", "0", "-f", str(tmp_path))
    hyper = ("-params", "learning_starts:16", "batch_size:8", "buffer_size:200")
    assert main(["train", "CartPole-v1", *words, *small, *hyper]) == 0
    assert (tmp_path / "dqn" / "CartPole-v1_1").is_dir()
