"""The scripted controllers do their tasks, with the returns their docstrings state."""

import numpy as np
import pytest

from rewardwrap_envs import recipe
from rewardwrap_policies import CONTROLLERS, UnknownController, controller

# Mean over resets with seeds 0 to 99, and the worst episode.
RETURNS = {
    "Acrobot-v1": (-85.06, -154.0),
    "CartPole-v1": (500.0, 500.0),
    "FrozenLake-8x8": (1.0, 1.0),
    "MountainCar-v0": (-120.02, -124.0),
    "Pendulum-v1": (-144.7, -373.0),
    "rewardwrap/KeyDoor-v0": (1.0, 1.0),
}


@pytest.mark.parametrize("name", CONTROLLERS)
def test_the_controller_does_the_task(name):
    known, act = recipe(name), controller(name)
    env = known.build(split="eval")
    totals = []
    for seed in range(100):
        obs, _ = env.reset(seed=seed)
        total, over = 0.0, False
        while not over:
            obs, reward, terminated, truncated, info = env.step(act(obs))
            total += float(reward)
            over = terminated or truncated
        totals.append(total)
        assert known.succeeded(total, info) in (True, None)
    mean, worst = RETURNS[name]
    assert np.mean(totals) == pytest.approx(mean, abs=0.1)
    assert min(totals) == pytest.approx(worst, abs=0.1)
    assert known.threshold is not None
    assert np.mean(totals) >= known.threshold


def test_the_lake_is_crossed_by_a_shortest_way():
    env = recipe("FrozenLake-8x8").build()
    obs, _ = env.reset(seed=0)
    steps, over = 0, False
    while not over:
        obs, _, over, _, _ = env.step(controller("FrozenLake-8x8")(obs))
        steps += 1
    assert (obs, steps) == (63, 14)


def test_an_unknown_controller_is_refused_with_near_misses():
    with pytest.raises(UnknownController, match='Did you mean "CartPole-v1"'):
        controller("CartPole-v0")
