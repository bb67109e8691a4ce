from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.design.doubt import goal_values
from rewardwrap.design.models import Counted, Mixture
from rewardwrap.design.reward_free import HiddenReward, RewardFree, RewardRead
from tests.evidence.worlds.lakes import lake, random_rewards, worst

HORIZON = 20


def test_one_exploration_serves_ten_rewards_and_more_of_it_serves_them_better():
    env = lake(is_slippery=True)
    known = rw.design.RewardFree(env, horizon=HORIZON, seed=1)
    rewards = random_rewards(10, 16, 4, HORIZON)
    losses = [worst(known.explore(more), rewards) for more in (20, 280)]
    assert losses[1] <= 0.05
    assert losses[1] < losses[0]
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


def test_uncertainty_is_the_spread_of_the_value_over_the_root_of_the_visits():
    model = Counted(2, 1)
    value = np.array([[0.0], [1.0]])
    for n in range(1, 5):
        model.learn(0, 0, n % 2, False, np.zeros(2))
        heads = ((n + 1) // 2) / n
        expected = np.sqrt(heads * (1 - heads) / n) + 1 / n
        assert model.width(value)[0, 0, 0] == pytest.approx(expected)
    assert model.width(value)[1, 0, 0] == np.inf


def random_kernels(d=3, states=4, actions=2):
    return np.random.default_rng(0).dirichlet(np.ones(states), size=(d, states, actions))


def test_the_uncertainty_of_a_mixture_never_grows():
    rng = np.random.default_rng(1)
    model, before, values = Mixture(random_kernels(), 10, 1.0), np.inf, rng.random((4, 5))
    for _ in range(50):
        s, a = int(rng.integers(4)), int(rng.integers(2))
        model.learn(s, a, int(rng.integers(4)), False, rng.random(4))
        model.begin()
        assert (model.width(values) <= before + 1e-12).all()
        before = model.width(values)


def test_one_kernel_that_is_certain_is_weighted_by_the_floor():
    # V = 1 everywhere: nothing is random about it, and every moment is 1
    model = Mixture(np.ones((1, 1, 1, 1)), horizon=100, beta=1e-9)
    model.sigma[:] = model.target[:] = 1e12
    model.begin()
    model.learn(0, 0, 0, False, np.ones(1))
    np.testing.assert_allclose(model.sigma[0] - 1e12, 100.0, rtol=1e-3)
    np.testing.assert_allclose(model.sigma[-1] - 1e12, 1.0, rtol=1e-3)


def test_a_weight_is_one_over_the_variance_that_the_second_moment_tells():
    # a fair coin whose value is known: E V = E V^2 = 1/2, so that the variance is 1/4
    kernels = np.full((1, 2, 1, 2), 0.5)
    model = Mixture(kernels, horizon=100, beta=1e-9)
    model.sigma[:] = model.target[:] = 1e12
    model.begin()
    model.learn(0, 0, 1, False, np.array([0.0, 1.0]))
    assert (model.sigma[0] - 1e12).item() == pytest.approx(0.5**2 / 0.25, rel=1e-3)


def test_rewards_that_are_explored_for_are_of_at_most_one_in_total():
    live = random_kernels(1)[0]
    values = goal_values(live, 7, np.arange(8))
    assert values.min() >= 0.0
    assert values.max() <= 1.0 + 1e-12
    # at the end it is known: nothing pays but the state itself
    np.testing.assert_allclose(values[7], np.hstack([np.eye(4) / 7, np.eye(4)]))


def test_the_sum_of_uncertainties_falls_and_is_that_of_the_worst_reward():
    known = RewardFree(Mixed(), horizon=10, kernels=Mixed.kernels)
    sums = [known.explore(more).doubt for more in (5, 50)]
    assert 1.0 >= sums[0] > sums[1] > 0.0
    before = known._rng.bit_generator.state
    assert known.doubt == sums[1]
    assert known._rng.bit_generator.state == before


def test_what_nobody_tried_is_worth_nothing_to_a_plan():
    known = RewardFree(lake(is_slippery=False), horizon=12).explore(1)
    assert known.plan(np.ones((16, 4)) / 12).value <= 1.0
    untried = known._model.seen.sum(axis=(0, 3)) == 0
    assert known._model.chances()[0][untried].sum() == 0.0


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
    np.testing.assert_allclose(known._model.theta[0], Mixed.theta, atol=0.1)
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


@pytest.mark.parametrize("kernels", [None, Mixed.kernels])
def test_what_was_explored_is_saved_and_gone_on_with_as_if_nothing_had_happened(tmp_path, kernels):
    made = Mixed if kernels is not None else lake
    whole = RewardFree(made(), horizon=6, kernels=kernels, seed=3).explore(30)
    half = RewardFree(made(), horizon=6, kernels=kernels, seed=3).explore(12)
    half.save(tmp_path / "ex", env="Lake")
    again = RewardFree.load(tmp_path / "ex", made()).explore(18)
    assert again.episodes == whole.episodes == 30
    for name, array in whole._model.arrays().items():
        np.testing.assert_array_equal(array, again._model.arrays()[name])


def test_a_folder_that_was_cut_short_or_is_of_another_task_is_refused(tmp_path):
    with pytest.raises(rw.ConfigError, match="must hold explored.json"):
        RewardFree.load(tmp_path, lake())
    RewardFree(lake(), horizon=6).explore(1).save(tmp_path)
    with pytest.raises(rw.ConfigError, match="must hold what this environment was explored for"):
        RewardFree.load(tmp_path, lake(map_name="8x8"))
    (tmp_path / "model.safetensors").write_bytes(b"short")
    with pytest.raises(rw.ConfigError, match="must hold what this environment was explored for"):
        RewardFree.load(tmp_path, lake())
    (tmp_path / "explored.json").write_text('{"env": "mine:Lake-v0"}')
    with pytest.raises(rw.ConfigError, match="mine"):
        RewardFree.load(tmp_path, lake())
