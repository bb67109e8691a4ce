"""Team spirit: lanes that are the players of a match."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv

import rewardwrap as rw
from rewardwrap_envs.push_match import PushMatch


class Paid:
    """A parallel environment that pays what it is told; ends after two steps."""

    def __init__(self, *rows, players=4):
        self.rows, self.possible_agents = rows, [f"p{i}" for i in range(players)]
        self.clock = 0

    def observation_space(self, agent):
        return PushMatch().observation_space(agent)

    def action_space(self, agent):
        return PushMatch().action_space(agent)

    def _all(self, value):
        return dict.fromkeys(self.possible_agents, value)

    def reset(self, seed=None, options=None):
        self.clock = 0
        return self._all(np.zeros(8, np.float32)), self._all({})

    def step(self, actions):
        row = self.rows[self.clock]
        self.clock += 1
        paid = dict(zip(self.possible_agents, row, strict=True))
        over = self.clock == len(self.rows)
        obs = self._all(np.full(8, self.clock, np.float32))
        return obs, paid, self._all(over), self._all(False), self._all({})


def paid(row, tau, teams):
    venv = rw.PlayersVecEnv(Paid(row, row, players=len(row)), teams=teams)
    env = rw.wrap(venv, rw.TeamSpirit(rw.EnvReward(), tau=tau))
    env.reset()
    return env.step(np.zeros((len(row), 2)))[1]


def test_worked_numbers():
    # .7 * 1 + .3 * .5 - 0, .3 * .5, and - .5 for each of the others
    np.testing.assert_allclose(paid([1, 0, 0, 0], 0.3, (0, 0, 1, 1)), [0.85, 0.15, -0.5, -0.5])
    # teams of two sizes, in any order
    np.testing.assert_allclose(paid([3, 1, 0], 0.0, (1, 0, 1)), [2, -0.5, -1])


ROWS = [(1.0, 0.0, 0.5, -2.0), (0.0, 0.0, 0.0, 0.0), (3.0, -1.0, 7.0, 0.25)]


@pytest.mark.parametrize("row", ROWS)
def test_all_of_a_team_are_paid_alike_with_tau_1(row):
    found = paid(row, 1.0, (0, 1, 0, 1))
    np.testing.assert_allclose(found[[0, 1]], found[[2, 3]], atol=1e-6)


@pytest.mark.parametrize("tau", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("row", ROWS)
def test_two_equal_teams_are_paid_0_in_sum(row, tau):
    assert paid(row, tau, (0, 0, 1, 1)).sum() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("row", ROWS)
def test_a_team_without_opponents_and_without_spirit_is_left_alone(row):
    np.testing.assert_array_equal(paid(row, 0.0, (0, 0, 0, 0)), row)


def test_terms_are_recorded_and_ends_are_those_of_the_match():
    spirit = rw.TeamSpirit(rw.EnvReward() - rw.Constant(0.5).named("time"), tau=0.3).named("spirit")
    env = rw.wrap(rw.PlayersVecEnv(Paid((1, 0, 0, 0), (0, 0, 2, 0)), teams=(0, 0, 1, 1)), spirit)
    assert env.term_names == ("env", "spirit", "time", "shaped")
    env.reset()
    env.step(np.zeros((4, 2)))
    np.testing.assert_allclose(env.reward_terms[:, 0], [1, 0, 0, 0])
    np.testing.assert_allclose(env.reward_terms[:, 1], [0.85, 0.15, -0.5, -0.5])
    _, _, dones, infos = env.step(np.zeros((4, 2)))
    assert dones.all()
    assert infos[2]["episode_terms"]["env"] == 2.0
    assert infos[2]["episode"]["r"] == 2.0
    np.testing.assert_array_equal(infos[0]["terminal_observation"], np.full(8, 2.0))


@pytest.mark.parametrize("n_envs", [1, 4])
def test_lanes_that_are_episodes_of_their_own_are_refused(n_envs):
    with pytest.raises(rw.StackError, match="lanes are the players of one match, got lanes of"):
        rw.make("CartPole-v1", rw.TeamSpirit(rw.EnvReward()), n_envs=n_envs).reset()
    with pytest.raises(rw.StackError, match="the players of one match"):
        rw.relabel(
            rw.TeamSpirit(rw.EnvReward()),
            {"obs": [0, 0], "action": [0], "reward": [1], "terminated": [1], "truncated": [0]},
        )


def test_a_vector_environment_may_say_its_teams_itself():
    class Match(DummyVecEnv):
        teams = (0, 1)

    def lane():
        return gym.make("CartPole-v1")

    env = rw.wrap(Match([lane] * 4), rw.TeamSpirit(rw.EnvReward()))
    env.reset()
    # two matches of two; everybody earns 1
    np.testing.assert_allclose(env.step([0, 1, 0, 1])[1], 0.0, atol=1e-6)
    Match.teams = (0, 1, 1)
    with pytest.raises(rw.ConfigError, match="teams must be whole numbers that fill 4 lanes"):
        rw.wrap(Match([lane] * 4), rw.EnvReward())


def test_bad_input_is_a_sentence():
    with pytest.raises(rw.ConfigError, match=r"tau must .* got 1.5"):
        rw.TeamSpirit(rw.EnvReward(), tau=1.5)
    with pytest.raises(rw.ConfigError, match="one number for each of 4 players"):
        rw.PlayersVecEnv(PushMatch(), teams=(0, 1))

    class Early(Paid):
        def step(self, actions):
            obs, paid, ended, cut, info = super().step(actions)
            return obs, paid, {**ended, "p0": True}, cut, info

    venv = rw.PlayersVecEnv(Early((0, 0, 0, 0), (0, 0, 0, 0)))
    venv.reset()
    with pytest.raises(rw.StackError, match="end for all players at once, got an end for p0 alone"):
        venv.step(np.zeros((4, 2)))


def test_one_policy_learns_by_playing_all_sides():
    reward = rw.TeamSpirit(rw.EnvReward() + rw.function(lambda info: info["touch"]), tau=0.3)
    venv = rw.wrap(rw.PlayersVecEnv(PushMatch()), reward, gamma=0.98)
    model = PPO("MlpPolicy", venv, n_steps=64, batch_size=64, n_epochs=1, gamma=0.98, seed=0)
    model.learn(512, callback=rw.LogTerms())
    assert model.num_timesteps == 512
    assert len(model.ep_info_buffer) >= 4


def test_both_sides_of_push_match_see_the_same_plane():
    match = PushMatch()
    obs, _ = match.reset(seed=0)
    match.places[2:] = match.places[:2] * [-1, 1]
    match.ball = np.zeros(2)
    seen = match._obs()
    np.testing.assert_allclose(seen["blue_0"], seen["orange_0"])
    assert obs["blue_0"].shape == (8,)
