"""``limit="end"``: the clock ends the task for reward and learner, and Monitor still sees a cut."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeAwareObservation, TimeLimit, TransformAction
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv

import rewardwrap as rw
from rewardwrap.core.info import LIMIT
from rewardwrap.testing import Chain

STEPS = 20
IDLE, ANSWER = 1, 2
ENDS = rw.function(lambda terminated, truncated: 10.0 * terminated + 1.0 * truncated)


def step_chain() -> gym.Env:
    return gym.make("rewardwrap/StepChain-v0")


def at_the_limit(venv) -> list:
    """One lane's last step of an episode that idles until the limit, and its infos."""
    venv.reset()
    for _ in range(STEPS - 1):
        venv.step(np.full(venv.num_envs, IDLE))
    found = venv.step(np.full(venv.num_envs, IDLE))
    venv.close()
    return found


def test_a_limit_that_is_an_end_terminates_on_a_single_env():
    env = rw.wrap(step_chain(), ENDS, limit="end")
    env.reset(seed=0)
    for _ in range(STEPS):
        _, paid, terminated, truncated, info = env.step(IDLE)
    assert (paid, terminated, truncated, info[LIMIT]) == (10.0, True, False, True)


@pytest.mark.parametrize("lanes", [1, 3, 25])
@pytest.mark.parametrize("vec_env", ["dummy", "subproc"])
def test_a_limit_that_is_an_end_terminates_in_sb3_lanes(lanes, vec_env):
    if vec_env == "subproc" and lanes > 1:
        return
    venv = rw.make("rewardwrap/StepChain-v0", ENDS, n_envs=lanes, vec_env=vec_env, limit="end")
    _, paid, dones, infos = at_the_limit(venv)
    assert dones.all()
    assert paid.tolist() == [10.0] * lanes
    for info in infos:
        assert info[LIMIT] is True
        assert info["TimeLimit.truncated"] is False
        assert info["episode"]["l"] == STEPS


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_a_limit_that_is_an_end_terminates_in_gymnasium_lanes(mode):
    lanes = SyncVectorEnv([step_chain] * 2, autoreset_mode=mode)
    env = rw.wrap(lanes, ENDS, limit="end")
    env.reset(seed=0)
    for _ in range(STEPS):
        _, paid, terminated, truncated, info = env.step(np.array([IDLE, IDLE]))
    assert paid.tolist() == [10.0, 10.0]
    assert terminated.all()
    assert not truncated.any()
    assert info[LIMIT].all()


def test_without_the_word_a_limit_stays_a_cut():
    venv = rw.make("rewardwrap/StepChain-v0", ENDS)
    _, paid, _, infos = at_the_limit(venv)
    assert paid.tolist() == [1.0]
    assert infos[0]["TimeLimit.truncated"]
    assert LIMIT not in infos[0]


def test_an_end_that_is_none_of_the_clock_says_nothing_of_a_limit():
    env = rw.wrap(step_chain(), ENDS, limit="end")
    env.reset(seed=0)
    _, paid, terminated, _, info = env.step(ANSWER)
    assert (paid, terminated) == (10.0, True)
    assert LIMIT not in info


def test_monitor_below_still_sees_a_cut():
    class Seen(gym.Wrapper):
        truncated = False

        def step(self, action):
            result = super().step(action)
            self.truncated |= result[3]
            return result

    below = Seen(step_chain())
    env = rw.wrap(below, ENDS, limit="end")
    env.reset(seed=0)
    for _ in range(STEPS):
        env.step(IDLE)
    assert below.truncated


def test_a_replay_buffer_stores_an_end_and_a_rollout_bootstraps_nothing():
    def never_answers() -> gym.Env:
        return TransformAction(step_chain(), lambda action: action, gym.spaces.Discrete(2))

    venv = rw.wrap(DummyVecEnv([never_answers]), rw.Constant(0.5), limit="end")
    model = DQN("MlpPolicy", venv, learning_starts=1000, buffer_size=100, seed=0)
    model.learn(STEPS)
    buffer = model.replay_buffer
    assert buffer.dones[STEPS - 1] == 1
    assert buffer.timeouts[STEPS - 1] == 0

    model = PPO("MlpPolicy", venv, n_steps=64, batch_size=64, n_epochs=1, seed=0)
    model.learn(64)
    assert (model.rollout_buffer.rewards == 0.5).all()


def test_relabel_takes_the_same_switch():
    log = {
        "obs": [0] * 3,
        "action": [0] * 2,
        "reward": [0] * 2,
        "terminated": [0, 0],
        "truncated": [0, 1],
    }
    assert rw.relabel(ENDS, log).tolist() == [0.0, 1.0]
    assert rw.relabel(ENDS, log, limit="end").tolist() == [0.0, 10.0]
    with pytest.raises(rw.ConfigError, match='limit must be "bootstrap" or "end", got .stop'):
        rw.relabel(ENDS, log, limit="stop")


def test_a_spec_brings_the_limit_back():
    env = rw.wrap(step_chain(), rw.EnvReward(), limit="end")
    again = gym.make(gym.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    again.reset(seed=0)
    for _ in range(STEPS):
        _, _, terminated, truncated, _ = again.step(IDLE)
    assert terminated
    assert not truncated


@pytest.mark.parametrize(
    "host",
    [
        lambda: gym.make("CartPole-v1"),
        lambda: SyncVectorEnv([lambda: gym.make("CartPole-v1")]),
        lambda: DummyVecEnv([lambda: gym.make("CartPole-v1")]),
    ],
)
def test_a_clock_that_the_agent_cannot_see_is_warned_of(host):
    with pytest.warns(rw.RewardwrapWarning, match="observations that hold the time"):
        rw.wrap(host(), "env", limit="end")


@pytest.mark.parametrize(
    "host",
    [
        lambda make: make(),
        lambda make: SyncVectorEnv([make]),
        lambda make: DummyVecEnv([make]),
        lambda make: SubprocVecEnv([make]),
    ],
)
def test_an_observation_with_the_time_is_not_warned_of(host):
    made = host(lambda: TimeAwareObservation(gym.make("CartPole-v1")))
    rw.wrap(made, "env", limit="end").close()


def test_an_environment_without_a_limit_is_warned_of():
    with pytest.warns(rw.RewardwrapWarning, match="got an environment without one"):
        rw.wrap(gym.make("MountainCar-v0", max_episode_steps=-1), "env", limit="end")
    # no spec: nobody knows, and a limit of its own is not visible
    with pytest.warns(rw.RewardwrapWarning, match="hold the time"):
        rw.wrap(TimeLimit(Chain(), 3), "env", limit="end")


def test_another_word_is_refused():
    with pytest.raises(rw.ConfigError, match="limit must be"):
        rw.make("CartPole-v1", limit="never")


SUM = rw.EpisodeSum(rw.EnvReward())


@pytest.mark.parametrize("algo", ["ppo", "dqn", PPO])
def test_check_refuses_what_a_learner_would_be_paid_twice_at_a_limit(algo):
    venv = rw.make("rewardwrap/StepChain-v0", SUM)
    with pytest.raises(rw.StackError, match=r"EpisodeSum must not pay .* adds V\(s_T\)"):
        rw.check(venv, algo)
    rw.check(rw.make("rewardwrap/StepChain-v0", SUM, limit="end"), algo)
    cut = rw.EpisodeSum(rw.EnvReward(), on_truncation="bootstrap")
    rw.check(rw.make("rewardwrap/StepChain-v0", cut), algo)
    rw.check(venv)


def test_check_finds_it_inside_the_lanes_too():
    inside = DummyVecEnv([lambda: rw.wrap(step_chain(), SUM)])
    with pytest.raises(rw.StackError, match="the learner adds"):
        rw.check(inside, "ppo")
    rw.check(DummyVecEnv([lambda: rw.wrap(step_chain(), SUM, limit="end")]), "ppo")
