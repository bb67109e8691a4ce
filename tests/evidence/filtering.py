"""Demonstrations that went wrong in part, found by what a reward model pays for them."""

from __future__ import annotations

from collections.abc import Sequence

import gymnasium as gym
import numpy as np

from rewardwrap.annotate.teachers import Teacher
from rewardwrap.data import EpisodeStore
from rewardwrap.evaluate.models.filtering import filtered
from rewardwrap.nets.folder import Model
from rewardwrap.nets.preference_recipe import fit_preferences
from rewardwrap.statistics.ranking import auc
from rewardwrap_policies.scripted import controller
from tests.evidence.harness.judging import Row, State, higher, mean, together

CLAIM = (
    "A model of 500 preferences tells demonstrations of Pendulum that are partly played at random from whole "
    "ones of the same start (AUC at least .85), one of as many answers by chance does not."
)
SOURCE = "InternLM-XComposer2.5-Reward, 2025, arXiv 2501.12368"
BUDGET = 1.0
SEEDS = 5
OBJECT = "rewardwrap.evaluate.models.filtering:filtered"
USE = "rewardwrap filter DIR --model MODEL --drop 0.3 --out CLEAN"
STEPS, PLAYED_BADLY, SHARE = 120, 40, 0.3


def run(seed: int, *, small: bool = False) -> Row:
    logs = _demos(2 if small else 16, 2, seed, bad=0.5)
    found = _demos(3 if small else 25, 4, 1000 + seed, bad=SHARE)
    bad = found.info["bad"][found.first_step]
    returns = found.returns()
    row = {"true_return": _within(found, returns, bad)}
    for name, mistake in (("500", 0.0), ("chance", 0.5)):
        fitted = fit_preferences(
            logs, pairs=20 if small else 500, epochs=1 if small else 12, members=2, hidden=(32,),
            teacher=Teacher(mistake=mistake), seed=seed,
        )  # fmt: skip
        model = Model(None, {}, {}, fitted.net)
        row[f"auc_{name}"] = float(auc(-filtered(model, found, drop=SHARE).below, bad))
        if name == "500":
            row["dropped_rightly"] = float(bad[filtered(model, found, drop=SHARE).dropped].mean())
    return row


def _within(store: EpisodeStore, value: np.ndarray, bad: np.ndarray) -> float:
    start = np.arange(len(store)) // 4
    return float(auc(-(value - np.bincount(start, value)[start] / 4), bad))


def _demos(starts: int, each: int, seed: int, *, bad: float) -> EpisodeStore:
    """``each`` demonstrations of every start; a share is played at random for a third of the time."""
    env, act = gym.make("Pendulum-v1", max_episode_steps=STEPS), controller("Pendulum-v1")
    rng = np.random.default_rng(seed)
    wrong = rng.permuted(np.arange(starts * each) < bad * starts * each)
    recorded = []
    for number, spoilt in enumerate(wrong):
        obs, _ = env.reset(seed=1000 * seed + number // each)
        begin = rng.integers(STEPS - PLAYED_BADLY) if spoilt else STEPS
        seen, actions, rewards = [obs], [], []
        for t in range(STEPS):
            noise = rng.normal(0, 0.3, 1)
            played = np.clip(act(obs) + noise, -2, 2)
            if begin <= t < begin + PLAYED_BADLY:
                played = rng.uniform(-2, 2, 1)
            obs, reward, *_ = env.step(played.astype(np.float32))
            seen.append(obs)
            actions.append(played)
            rewards.append(float(reward))
        recorded.append(
            {"obs": np.array(seen), "action": np.array(actions, np.float32), "reward": np.array(rewards),
             "terminated": np.zeros(STEPS, bool), "truncated": np.arange(STEPS) == STEPS - 1,
             "info": {"bad": np.full(STEPS, float(spoilt))}, "id": f"{seed}-{number}"}
        )  # fmt: skip
    return EpisodeStore.from_episodes(
        recorded, observation_space=env.observation_space, action_space=env.action_space
    )


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together([higher(rows, "auc_500", 0.85), higher(rows, "auc_500", "auc_chance")])
    return state, (
        f"AUC of 100 demonstrations, 30 of them spoilt for a third of their steps: 500 answers "
        f"{mean(rows, 'auc_500'):.3f}, as many by chance {mean(rows, 'auc_chance'):.3f}, the true return "
        f"{mean(rows, 'true_return'):.3f}; of the 30 left out {mean(rows, 'dropped_rightly'):.0%} were spoilt"
    )
