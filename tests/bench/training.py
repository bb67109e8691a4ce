"""What the layer costs an agent that trains: frames per second of whole learners."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

import rewardwrap as rw
from tests.bench.table import Row, at_least
from tests.bench.timing import Block, measure
from tests.bench.worlds import CART_POLE, HOPPER, World

LANES = 8


def ppo(pairs: int) -> Iterator[Row]:
    """G11: PPO on Hopper; a block is one rollout of 1024 transitions and its 10 epochs; a single pair, which
    measures nothing, has fewer lanes and is shorter."""
    yield from _training(
        HOPPER, _ppo, 1024 if pairs > 1 else 256, min(pairs, max(3, pairs // 10)), 0.98
    )


def dqn(pairs: int) -> Iterator[Row]:
    """G11: DQN on CartPole; a block is 4096 transitions, one gradient step in 32; a single pair, which
    measures nothing, is shorter."""
    yield from _training(
        CART_POLE, _dqn, 4096 if pairs > 1 else 256, min(pairs, max(3, pairs // 5)), 0.96
    )


def _ppo(venv: VecEnv) -> BaseAlgorithm:
    return PPO("MlpPolicy", venv, n_steps=128, learning_rate=0.0, seed=0, device="cpu")


def _dqn(venv: VecEnv) -> BaseAlgorithm:
    return DQN("MlpPolicy", venv, learning_rate=0.0, learning_starts=100, seed=0, device="cpu")


def _training(
    world: World, agent: Callable[[VecEnv], BaseAlgorithm], steps: int, pairs: int, bound: float
) -> Iterator[Row]:
    def lanes() -> VecEnv:
        return DummyVecEnv([world.make] * (LANES if pairs > 1 else 2))

    blocks = {
        "bare": _learn(agent(lanes()), steps),
        "bare2": _learn(agent(lanes()), steps),
        "ours": _learn(agent(rw.wrap(lanes(), world.reward())), steps),
        "ours with LogTerms": _learn(
            agent(rw.wrap(lanes(), world.reward())), steps, callback=rw.LogTerms()
        ),
    }
    times = measure(blocks, steps=steps, pairs=pairs, warmup=1)
    name = agent.__name__[1:].upper()
    fps = 1e9 / float(np.median(times.ns["bare"]))
    what = f"{name}, {world.name}, 8 lanes ({fps:.0f} fps): frames per second, ours / bare"
    yield at_least(bound, "G11", what, times.speed("ours"), times, beside=times.over_bare())
    what = f"{name}, {world.name}: the same with rw.LogTerms()"
    yield at_least(None, "G11", what, times.speed("ours with LogTerms"), times)


def _learn(model: BaseAlgorithm, steps: int, **options: Any) -> Block:
    """A block of training. Nothing is learned (learning rate 0) and each block is seeded, so that all
    variants live through the same episodes."""
    seeds = iter(range(1_000_000))

    def block() -> None:
        seed = next(seeds)
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - stable-baselines3 draws from it
        model.learn(steps, reset_num_timesteps=False, log_interval=1_000_000, **options)

    return block
