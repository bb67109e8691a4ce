"""Relabelled buffers: what a reward pays for a stored step is what it paid when the step was taken."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import DQN, SAC, TD3
from stable_baselines3.common.buffers import DictReplayBuffer, NStepReplayBuffer, ReplayBuffer
from stable_baselines3.common.logger import configure
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
from stable_baselines3.her import HerReplayBuffer

import rewardwrap as rw
from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError, StackError
from rewardwrap.loops.relabelling import paid, relabel, rows
from rewardwrap.nets.folder import save_model
from rewardwrap.nets.network import RewardNet
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.parts import plain_space
from rewardwrap.testing import Chain, DictChain

EVERYTHING = ("obs", "action", "next_obs", "terminated")


def model(folder, env, reads=EVERYTHING, seed=0):
    """A random network for the spaces of an environment."""
    known = {"obs": env.observation_space, "action": env.action_space}
    inputs = Inputs.of({name: plain_space(space) for name, space in known.items()}, reads)
    net = RewardNet(inputs, hidden=(16,), members=2, seed=seed)
    return str(save_model(net, folder, objective="preferences", metrics={"heldout": {}}))


def pendulum(limit=20):
    return gym.make("Pendulum-v1", max_episode_steps=limit)


def columns(buffer):
    """Everything but the rewards, copied."""
    names = ("observations", "next_observations", "actions", "dones", "timeouts")
    return tree.copy({name: getattr(buffer, name) for name in names})


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(tree.leaves(a), tree.leaves(b), strict=True))


def stored(algo, make, reward, *, lanes=1, steps=120, above=None, policy="MlpPolicy", **options):
    """A learner that took random steps, and nothing else, in lanes that pay a reward."""
    venv = rw.wrap(DummyVecEnv([make] * lanes), reward)
    learner = algo(
        policy,
        venv if above is None else above(venv),
        learning_starts=10**6,
        buffer_size=1000,
        seed=0,
        device="cpu",
        **options,
    )
    learner.learn(steps)
    return learner


def gap(buffer, reward, **options):
    """The largest difference between what was paid then and what is paid now."""
    size = buffer.size()
    now = paid(buffer, reward, np.arange(size), **options)
    return float(np.abs(now - buffer.rewards[:size]).max())


# --- the same number as in the loop -------------------------------------------------------------


@pytest.mark.parametrize("algo", [SAC, TD3])
def test_actions_are_unscaled_before_they_are_paid(algo, tmp_path):
    reward = rw.Learned(model(tmp_path / "m", pendulum()))
    buffer = stored(algo, pendulum, reward, lanes=2).replay_buffer
    assert gap(buffer, reward) < 2e-6
    # the silent bug: the scaled action as it is stored
    raw = rows(buffer, np.arange(buffer.size()))
    raw.action = raw.action / 2.0
    assert np.abs(reward(raw).reshape(-1, 2) - buffer.rewards[: buffer.size()]).max() > 0.01


def test_a_box_that_is_not_centred_is_unscaled_too():
    buffer = ReplayBuffer(4, spaces.Box(0, 1, (1,)), spaces.Box(-1.0, 5.0, (1,)), device="cpu")
    buffer.add(np.zeros((1, 1)), np.zeros((1, 1)), np.array([[0.5]]), [0.0], [False], [{}])
    assert rows(buffer, [0]).action[0, 0] == pytest.approx(3.5)


@pytest.mark.parametrize("lanes", [1, 3])
def test_ends_are_told_from_time_limits(lanes):
    """SB3's dones hold both; a reward must be fed what the environment said."""
    reward = rw.function(lambda terminated, truncated: 1.0 * terminated + 10.0 * truncated)
    buffer = stored(DQN, Chain, reward, lanes=lanes).replay_buffer
    seen = buffer.rewards[: buffer.size()]
    assert {0.0, 1.0, 10.0} == set(np.unique(seen))
    assert gap(buffer, reward) == 0.0


def test_the_successor_of_a_last_step_is_the_terminal_observation():
    reward = rw.function(lambda obs, next_obs: 10.0 * next_obs[:, 1] + obs[:, 1])
    buffer = stored(DQN, Chain, reward, lanes=2).replay_buffer
    assert gap(buffer, reward) < 1e-6
    ends = buffer.dones[: buffer.size()].astype(bool)
    # the clock of the next episode's first observation would be 0
    assert (buffer.rewards[: buffer.size()][ends] > 10).all()


def test_first_steps_are_known_again():
    reward = rw.function(lambda batch: 1.0 * batch.first)
    buffer = stored(DQN, Chain, reward, lanes=2).replay_buffer
    assert gap(buffer, reward) == 0.0


def test_digits_come_back_without_an_axis():
    def lake():
        return gym.make("FrozenLake-v1", is_slippery=False)

    reward = rw.function(lambda obs, action, next_obs: 100.0 * obs + 20.0 * action + next_obs)
    buffer = stored(DQN, lake, reward, lanes=2, steps=60).replay_buffer
    assert gap(buffer, reward) == 0.0


def test_dict_observations_are_paid_alike(tmp_path):
    reward = rw.Learned(model(tmp_path / "m", DictChain()))
    buffer = stored(DQN, DictChain, reward, lanes=2, policy="MultiInputPolicy").replay_buffer
    assert isinstance(buffer, DictReplayBuffer)
    assert gap(buffer, reward) < 2e-6


def test_the_net_sees_observations_before_they_are_normalised(tmp_path):
    reward = rw.Learned(model(tmp_path / "m", pendulum()))
    learner = stored(SAC, pendulum, reward, above=lambda v: VecNormalize(v, norm_reward=False))
    assert gap(learner.replay_buffer, reward) < 1e-5
    sample = learner.replay_buffer.sample(64, env=learner.get_vec_normalize_env())
    # and the learner still gets normalised ones
    assert np.abs(sample.observations.numpy()).max() != pytest.approx(
        np.abs(learner.replay_buffer.observations).max()
    )


def test_a_full_ring_is_read_in_its_own_order():
    reward = rw.function(lambda batch: batch.obs[:, 0] + 100.0 * batch.first)
    buffer = stored(DQN, Chain, reward, lanes=2, steps=3000).replay_buffer
    assert buffer.full
    size = buffer.size()
    now = paid(buffer, reward, np.arange(size))
    differ = np.flatnonzero((now != buffer.rewards[:size]).any(axis=1))
    # nobody knows whether the oldest step began an episode
    assert set(differ) <= {buffer.pos}


# --- bulk ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [ReplayBuffer, NStepReplayBuffer])
def test_relabelling_writes_rewards_and_nothing_else(tmp_path, kind):
    old, new = (rw.Learned(model(tmp_path / str(s), pendulum(), seed=s)) for s in (0, 1))
    buffer = stored(SAC, pendulum, old, lanes=2, replay_buffer_class=kind).replay_buffer
    before, kept = buffer.rewards.copy(), columns(buffer)
    assert relabel(buffer, new) == 120
    assert gap(buffer, new) < 1e-5
    assert np.abs(buffer.rewards - before).max() > 0.01
    assert same(columns(buffer), kept)
    once = buffer.rewards.copy()
    relabel(buffer, new)
    assert np.array_equal(once, buffer.rewards)
    # rows that hold nothing yet stay as they are
    assert not buffer.rewards[buffer.size() :].any()


def test_named_fields_are_read_with_the_task_of_the_environment():
    reward = 2.0 * rw.Field("pole_angle")
    venv = rw.make("CartPole-v1", reward, gamma=0.99)
    learner = DQN("MlpPolicy", venv, learning_starts=10**6, buffer_size=500, device="cpu", seed=0)
    learner.learn(60)
    assert gap(learner.replay_buffer, reward, task=venv.task) < 1e-6


# --- at sample time -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "policy", "kind", "algo"),
    [
        (pendulum, "MlpPolicy", rw.RelabelReplayBuffer, SAC),
        (pendulum, "MlpPolicy", rw.RelabelReplayBuffer, TD3),
        (Chain, "MlpPolicy", rw.RelabelReplayBuffer, DQN),
        (DictChain, "MultiInputPolicy", rw.RelabelDictReplayBuffer, DQN),
    ],
)
def test_a_sample_is_paid_by_the_reward_of_now(tmp_path, make, policy, kind, algo):
    reward = rw.Learned(model(tmp_path / "old", make()))
    learner = stored(
        algo,
        make,
        reward,
        lanes=2,
        policy=policy,
        replay_buffer_class=kind,
        replay_buffer_kwargs={"reward": reward},
    )
    buffer = learner.replay_buffer
    kept = columns(buffer)
    reward.deploy(model(tmp_path / "new", make(), seed=5))
    stale = buffer.rewards.copy()
    np.random.seed(0)  # noqa: NPY002 - SB3 draws from it
    first = buffer.sample(32)
    np.random.seed(0)  # noqa: NPY002
    again = buffer.sample(32)
    assert torch.equal(first.rewards, again.rewards)
    assert same(columns(buffer), kept)
    assert not np.array_equal(stale, buffer.rewards)
    buffer.relabel()
    np.random.seed(0)  # noqa: NPY002
    assert torch.allclose(buffer.sample(32).rewards, first.rewards, atol=1e-6)


def test_a_learner_trains_on_a_reward_that_is_exchanged_under_it(tmp_path):
    reward = rw.Learned(model(tmp_path / "old", pendulum()))
    venv = rw.wrap(DummyVecEnv([pendulum]), reward)
    learner = SAC("MlpPolicy", venv, learning_starts=20, batch_size=16, device="cpu", seed=0,
                  replay_buffer_class=rw.RelabelReplayBuffer,
                  replay_buffer_kwargs={"reward": reward})  # fmt: skip
    learner.set_logger(configure(None, []))
    learner.learn(40)
    reward.deploy(model(tmp_path / "new", pendulum(), seed=5))
    learner.learn(40, reset_num_timesteps=False)
    learner.replay_buffer.relabel()
    assert gap(learner.replay_buffer, reward) < 1e-5


# --- refused ------------------------------------------------------------------------------------


def buffer_of(kind=ReplayBuffer, **options):
    return kind(10, spaces.Box(-1, 1, (3,)), spaces.Box(-2, 2, (1,)), device="cpu", **options)


def test_a_buffer_that_overwrites_successors_is_refused():
    saving = {"optimize_memory_usage": True, "handle_timeout_termination": False}
    with pytest.raises(StackError, match=r"must see the observation after every step, got optim"):
        relabel(buffer_of(**saving), rw.Constant(1.0))
    with pytest.raises(StackError, match="Leave it out, and use a smaller buffer"):
        buffer_of(rw.RelabelReplayBuffer, reward=rw.Constant(1.0), **saving)


def test_a_buffer_that_takes_time_limits_for_ends_is_refused():
    with pytest.raises(StackError, match="must tell ends from time limits"):
        relabel(buffer_of(handle_timeout_termination=False), rw.Constant(1.0))


def test_sums_over_steps_are_refused_at_sample_time():
    with pytest.raises(ConfigError, match="must pay single steps, got n_steps=3"):
        buffer_of(rw.RelabelReplayBuffer, reward=rw.Constant(1.0), n_steps=3)


def test_a_buffer_without_a_reward_is_refused():
    with pytest.raises(ConfigError, match="must be given a reward, got none"):
        buffer_of(rw.RelabelReplayBuffer)


def test_goals_of_hindsight_are_refused():
    with pytest.raises(StackError, match="HER pays by its own goals"):
        relabel(HerReplayBuffer.__new__(HerReplayBuffer), rw.Constant(1.0))


@pytest.mark.parametrize(
    ("reward", "why"),
    [
        (rw.EnvReward().delta(), "carries state from step to step"),
        (rw.EnvReward().normalize(), "carries state from step to step"),
        (rw.Gaussian(rw.Constant(1.0), 0.1), "draws random numbers|carries state"),
    ],
)
def test_a_reward_of_more_than_one_step_is_refused(reward, why):
    with pytest.raises(ConfigError, match=why):
        relabel(buffer_of(), reward)


@pytest.mark.parametrize(
    "reward", [rw.EnvReward() + rw.Constant(1.0), rw.function(lambda info: info["speed"])]
)
def test_a_reward_of_what_no_buffer_keeps_is_refused(reward):
    buffer = buffer_of()
    row = (np.zeros((1, 3)), np.zeros((1, 3)), np.zeros((1, 1)), np.zeros(1), np.zeros(1), [{}])
    buffer.add(*row)
    with pytest.raises(ConfigError, match="A buffer keeps neither info nor the environment's own"):
        relabel(buffer, reward)
