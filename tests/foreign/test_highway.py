"""highway-env under route completion: what is paid is the road driven, and a crash closes it.

Needs `pip install "rewardwrap[foreign]"`; run with `pytest -m slow tests/foreign`.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv

import rewardwrap as rw
from rewardwrap_envs.highway import RouteInfo

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]
IDLE, FASTER = 1, 3
REWARD = rw.RouteCompletion(
    "route", over_speed="over_speed", close="close", lasting=2, hard=("collision", "off_road")
)


def road(**options: Any) -> gym.Env[Any, Any]:
    pytest.importorskip("highway_env")
    return RouteInfo(gym.make("highway-fast-v0"), **options)


def driven(action: int, seed: int) -> tuple[float, float, float, bool]:
    """What a drive was paid, how far it came, how often it was too fast or close, and whether it crashed."""
    env = rw.wrap(road(), REWARD)
    env.reset(seed=seed)
    paid, soft, over = 0.0, 0.0, False
    while not over:
        _, reward, terminated, truncated, info = env.step(action)
        paid, over = paid + float(reward), terminated or truncated
        soft += info["over_speed"] + info["close"]
    return paid, info["route"], soft, bool(info["collision"])


def test_a_drive_without_violations_is_paid_its_route_and_no_drive_more() -> None:
    drives = [driven(action, seed) for action in (IDLE, FASTER) for seed in range(4)]
    for paid, route, soft, crashed in drives:
        assert paid <= route + 1e-9
        if not soft and not crashed:
            assert paid == pytest.approx(route)
    assert any(crashed for *_, crashed in drives)


def test_a_short_route_is_completed_and_metres_are_checked() -> None:
    env = road(metres=50.0)
    env.reset(seed=0)
    *_, info = [env.step(IDLE) for _ in range(4)][-1]
    assert info["route"] == 100.0
    with pytest.raises(ValueError, match="metres must be above 0, got 0"):
        road(metres=0)


def test_ppo_trains_on_it() -> None:
    venv = rw.wrap(DummyVecEnv([road]), REWARD)
    model = PPO("MlpPolicy", venv, n_steps=64, batch_size=32, seed=0).learn(64)
    assert np.isfinite(venv.reward_terms).all()
    assert model.num_timesteps == 64
