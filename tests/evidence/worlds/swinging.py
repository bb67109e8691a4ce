"""Pendulum under random torques, pairs of its clips, and what a fit on them is worth."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from rewardwrap.annotate.teachers import Teacher, answers, random_pairs
from rewardwrap.data import EpisodeStore, Preferences
from rewardwrap.nets.network import RewardNet, build
from rewardwrap.nets.tables import pairs_table, returns_of

LENGTH = 20


def swinging(episodes: int, *, seed: int, steps: int = 60) -> EpisodeStore:
    """Torques that are held for ten steps; every reward logged."""
    env = gym.make("Pendulum-v1", max_episode_steps=steps)
    draws = np.random.default_rng(seed)
    recorded = []
    for number in range(episodes):
        obs, _ = env.reset(seed=1000 * seed + number)
        seen, actions, rewards = [obs], [], []
        for t in range(steps):
            if t % 10 == 0:
                action = draws.uniform(-2, 2, 1).astype(np.float32)
            obs, reward, *_ = env.step(action)
            seen.append(obs)
            actions.append(action)
            rewards.append(float(reward))
        ends: dict[str, Any] = {
            "terminated": np.zeros(steps, bool),
            "truncated": np.arange(steps) == steps - 1,
            "id": f"e{number}",
        }
        recorded.append({"obs": np.array(seen), "action": np.array(actions), **ends})
        recorded[-1]["reward"] = np.array(rewards)
    return EpisodeStore.from_episodes(
        recorded, observation_space=env.observation_space, action_space=env.action_space
    )


def asked(store: EpisodeStore, count: int, *, seed: int, **faults: Any) -> Preferences:
    """Pairs of clips with a teacher's answers."""
    return answers(Teacher(**faults), random_pairs(store, LENGTH), count, seed=seed)[0]


def fresh(store: EpisodeStore, *, seed: int, **options: Any) -> RewardNet:
    """A network that has seen the inputs and no label."""
    net = build(store, hidden=(32,), seed=seed, **options)
    net.normalise(net.encode(store.transitions()))
    return net


def accuracy(net: Any, judged: Preferences) -> float:
    """Share of pairs that the network puts in the true order."""
    table = pairs_table(net, judged)
    paid = returns_of(net, table).mean(0).detach()
    gap, label = paid[:, 1] - paid[:, 0], table["preferred"]
    return float(((gap > 0).double() * label + (gap < 0).double() * (1 - label)).mean())
