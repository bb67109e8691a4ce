from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from rewardwrap.training.agent import Agent, Settings, build
from rewardwrap.training.evaluation import Curve, Protocol, evaluate, grid

SMALL = {
    "n_timesteps": 512,
    "n_envs": 2,
    "n_steps": 64,
    "batch_size": 64,
    "n_epochs": 1,
    "gamma": 0.98,
}
LEAN = [{"env": {}}, {"field": "pole_angle", "name": "lean", "weight": -1.0}]


def _agent(**changes: Any) -> Agent:
    import rewardwrap as rw

    given = {
        "env": "CartPole-v1",
        "algo": "ppo",
        "reward": LEAN,
        "row": SMALL,
        "seed": 0,
        **changes,
    }
    return build(Settings(**{**given, "reward": rw.from_config(given["reward"]).to_config()}))


def test_the_same_episodes_give_the_same_numbers_however_many_lanes_play_them() -> None:
    agent = _agent()
    found = {}
    for lanes in (1, 2, 5):
        env = agent.eval_env(lanes)
        found[lanes] = evaluate(agent.model, env, Protocol(episodes=5, seed=3, lanes=lanes))
        again = evaluate(agent.model, env, Protocol(episodes=5, seed=3, lanes=lanes))
        for name, sums in again.terms.items():
            np.testing.assert_array_equal(sums, found[lanes].terms[name])
    for lanes in (1, 2):
        np.testing.assert_array_equal(found[lanes].true, found[5].true)
        np.testing.assert_allclose(found[lanes].shaped, found[5].shaped)
    assert found[5].true.tolist() == found[5].lengths.tolist()
    assert len(set(found[5].shaped)) == 5


class Uneven(gym.Env[Any, Any]):
    """A seeded episode is as long as its seed says; whatever follows it is one step long."""

    observation_space = gym.spaces.Box(-1, 1, (1,))
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self._left = 1 if seed is None else 1 + seed % 7
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self._left -= 1
        return np.zeros(1, np.float32), 1.0, self._left == 0, False, {}


def test_a_lane_that_is_done_waits_and_its_next_episodes_do_not_count() -> None:
    gym.register("Uneven-v0", entry_point=Uneven)
    try:
        agent = _agent(env="Uneven-v0", reward=[{"env": {}}])
        for lanes in (1, 3, 7):
            env = agent.eval_env(lanes)
            found = evaluate(agent.model, env, Protocol(episodes=7, seed=14, lanes=lanes))
            assert found.lengths.tolist() == found.true.tolist() == [1, 2, 3, 4, 5, 6, 7]
            env.close()
        agent.close()
    finally:
        del gym.registry["Uneven-v0"]


def test_shaped_is_the_sum_of_the_terms_and_true_the_environments_own() -> None:
    agent = _agent()
    found = evaluate(agent.model, agent.eval_env(3), Protocol(episodes=3))
    np.testing.assert_allclose(found.shaped, found.true + found.terms["lean"])


def test_sampled_episodes_are_as_repeatable_as_the_others() -> None:
    agent = _agent()
    env = agent.eval_env(4)
    protocol = Protocol(episodes=4, deterministic=False)
    first = evaluate(agent.model, env, protocol)
    torch.rand(1)
    np.testing.assert_array_equal(evaluate(agent.model, env, protocol).shaped, first.shaped)


@pytest.mark.parametrize("deterministic", [True, False])
def test_evaluating_changes_nothing_of_a_training(deterministic: bool) -> None:
    weights = []
    for points in ([512], [64, 128, 200, 512]):
        agent = _agent(row={**SMALL, "normalize": True})
        env = agent.eval_env(2)
        curve = Curve(env, points, Protocol(episodes=2, deterministic=deterministic))
        agent.model.learn(512, callback=curve)
        weights.append(agent.model.policy.state_dict())
        assert list(curve.points) == points[:-1]
        curve.finish()
        assert list(curve.points) == points
    for name, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][name], rtol=0, atol=0)


def test_a_learning_reward_learns_nothing_from_evaluation() -> None:
    agent = _agent(
        reward=[{"env": {}}, {"normalize": {"base": {"field": "pole_angle"}}, "name": "lean"}]
    )
    agent.model.learn(128)
    before = agent.reward.state_dict()
    assert before
    evaluate(agent.model, agent.eval_env(2), Protocol(episodes=2))
    for name, array in agent.reward.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_points_that_are_passed_in_one_step_are_all_written_down() -> None:
    agent = _agent()
    curve = Curve(agent.eval_env(1), [1, 3, 4, 64], Protocol(episodes=1))
    agent.model.learn(64, callback=curve)
    assert list(curve.points) == [1, 3, 4]


def test_the_grid_ends_with_the_training_and_leaves_out_what_is_done() -> None:
    assert grid(100, 40) == [40, 80, 100]
    assert grid(80, 40) == [40, 80]
    assert grid(100, 40, after=40) == [80, 100]
    assert grid(10, 40) == [10]
