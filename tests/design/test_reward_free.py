from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.design.reward_free import (
    Counted,
    HiddenReward,
    Mixture,
    RewardFree,
    RewardRead,
    best,
)

HORIZON = 20


def lake(**options):
    return gym.make("FrozenLake-v1", max_episode_steps=1000, **options)


def truth(env):
    """Chances of successors that go on and that end."""
    table = env.unwrapped.P
    live, ended = np.zeros((2, len(table), len(table[0]), len(table)))
    for s, actions in table.items():
        for a, outcomes in actions.items():
            for chance, after, _, over in outcomes:
                (ended if over else live)[s, a, after] += chance
    return live, ended


def lost(known, env, reward):
    """What the planned policy earns less than the best one, in the environment itself."""
    live, ended = truth(env)
    mean = ((live + ended) * reward).sum(-1)
    policy, value, here = known.plan(reward).policy, np.zeros(len(live)), np.arange(len(live))
    for t in range(HORIZON - 1, -1, -1):
        value = (mean + live @ value)[here, policy[t]]
    return best(mean, live, HORIZON, np.inf)[1][0][0] - value[0]


def random_rewards(count, states, actions):
    rng = np.random.default_rng(5)
    return [
        rng.random((states, actions, states)) * (rng.random(states) < 0.3) / HORIZON
        for _ in range(count)
    ]


def test_one_exploration_serves_ten_rewards_and_more_of_it_serves_them_better():
    env = lake(is_slippery=True)
    known = rw.design.RewardFree(env, horizon=HORIZON, seed=1)
    rewards = random_rewards(10, 16, 4)
    worst = [max(lost(known.explore(more), env, r) for r in rewards) for more in (20, 280)]
    assert worst[1] <= 0.05
    assert worst[1] < worst[0]
    assert known.rewards_read == 0


def test_a_goal_that_comes_later_is_reached():
    known = RewardFree(lake(is_slippery=False), horizon=12).explore(200)
    later = rw.function(lambda next_obs: next_obs == 15, each="batch")
    for reward in (lambda s, a, after: after == 15, later):
        assert known.plan(reward).value == pytest.approx(1.0)
    plan = known.plan(lambda s, a, after: after == 15)
    env = lake(is_slippery=False)
    obs, _ = env.reset(seed=0)
    for t in range(12):
        obs, paid, over, *_ = env.step(plan(obs, t))
        if over:
            break
    assert paid == 1


def test_who_reads_the_reward_while_exploring_is_stopped_and_counted():
    env = HiddenReward(lake())
    env.reset(seed=0)
    _, sealed, *_ = env.step(0)
    for use in (float, lambda r: r + 1, lambda r: 2 * r, lambda r: r > 0):
        with pytest.raises(RewardRead, match="must not be read while exploring"):
            use(sealed)
    assert env.rewards_read == 4


def test_uncertainty_is_one_over_the_root_of_the_visits():
    model = Counted(2, 1)
    for n in range(1, 5):
        model.learn(0, 0, 1, False, np.zeros(2))
        assert model.width()[0, 0] == pytest.approx(n**-0.5)
    assert model.width()[1, 0] == np.inf


def test_the_uncertainty_of_a_mixture_never_grows():
    kernels = np.random.default_rng(0).dirichlet(np.ones(4), size=(3, 4, 2))
    model, before = Mixture(kernels), np.inf
    rng = np.random.default_rng(1)
    for _ in range(50):
        s, a = int(rng.integers(4)), int(rng.integers(2))
        model.learn(s, a, int(rng.integers(4)), False, rng.random(4))
        assert (model.width() <= before + 1e-12).all()
        before = model.width()


class Mixed(gym.Env):
    observation_space, action_space = gym.spaces.Discrete(6), gym.spaces.Discrete(2)
    kernels = np.random.default_rng(1).dirichlet(np.full(6, 0.3), size=(3, 6, 2))
    theta = np.array([0.6, 0.3, 0.1])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state = 0
        return 0, {}

    def step(self, action):
        chances = np.tensordot(self.theta, self.kernels, axes=1)[self.state, action]
        self.state = int(self.np_random.choice(6, p=chances))
        return self.state, 1.0, False, False, {}


def test_the_weights_of_a_mixture_are_found():
    known = RewardFree(Mixed(), horizon=10, kernels=Mixed.kernels).explore(150)
    np.testing.assert_allclose(known._model.theta(0), Mixed.theta, atol=0.1)
    assert known.rewards_read == 0


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: RewardFree(gym.make("CartPole-v1"), horizon=5),
            "observation space must be Discrete",
        ),
        (
            lambda: RewardFree(lake(), horizon=0),
            "horizon must be a whole number of at least 1",
        ),
        (lambda: RewardFree(lake(), horizon=5, beta=0), "beta must be above 0"),
        (
            lambda: RewardFree(lake(), horizon=5, kernels=np.ones((2, 3))),
            "kernels must be",
        ),
        (
            lambda: RewardFree(lake(), horizon=5).plan(np.zeros((16, 4))),
            "explore must come before plan",
        ),
        (
            lambda: RewardFree(lake(), horizon=5).explore(1).plan(rw.EnvReward()),
            "must be one finite number a transition",
        ),
        (
            lambda: RewardFree(lake(), horizon=5).explore(1).plan(np.zeros(3)),
            r"got shape \(3,\)",
        ),
    ],
)
def test_bad_input_is_a_sentence(call, sentence):
    with pytest.raises(rw.ConfigError, match=sentence):
        call()
