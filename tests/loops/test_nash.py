"""Iterates against each other: the mixture is what comes back."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import A2C

import rewardwrap as rw
from rewardwrap.core.errors import ConfigError, StackError
from rewardwrap.loops.nash import Mixture
from rewardwrap.statistics import ScoresError
from tests.evidence.worlds.hands import BEATS, beats
from tests.scores.test_win_rate import hand


def test_the_exact_iterates_gain_and_their_mixture_cannot_be_beaten() -> None:
    found = rw.statistics.nash(BEATS, start=[0.6, 0.2, 0.2], eta=0.1, steps=2000)
    assert found.exploitability < 0.51 < 0.8 < found.last_exploitability
    # each gain is at least eta times the KL that the step took
    assert (found.gains >= 0.5).all()
    one = rw.statistics.nash(BEATS, start=[0.6, 0.2, 0.2], steps=1)
    kl = float(one.last @ np.log(one.last / [0.6, 0.2, 0.2]))
    assert one.gains[0] >= 0.5 + kl - 1e-9
    assert rw.statistics.exploitability(BEATS, [1, 0, 0]) == 1.0
    with pytest.raises(ScoresError, match=r"P \+ P\^T = 1"):
        rw.statistics.nash([[0.5, 1], [1, 0.5]])


def test_the_loop_renews_the_pool_and_keeps_every_iterate(tmp_path: Path) -> None:
    score = rw.WinRate(beats, size=16)
    loop = rw.NashLoop(score, every=32, folder=tmp_path)
    venv = rw.make_grouped("tests/Hands-v0", score, group=4, n_envs=8, gamma=0.99)
    agent = A2C("MlpPolicy", venv, n_steps=4, seed=0)
    with pytest.raises(ConfigError, match="must have an iterate, got none"):
        Mixture(agent.policy, [])
    agent.learn(160, callback=loop)
    mixture = loop.mixture
    assert len(mixture.policies) == score.version == 5
    assert len(loop.gains) == 4
    obs = np.zeros((400, 1), np.float32)
    again = Mixture.load(tmp_path, agent.policy)
    played = again.predict(obs, episode_start=np.ones(400, bool), deterministic=True)[0]
    assert played.shape == (400,)
    # within an episode the iterate stays
    kept = again._chosen
    again.predict(obs, episode_start=np.zeros(400, bool))
    assert np.array_equal(again._chosen, kept)
    assert len(np.unique(kept)) == 5


def test_a_fixed_pool_and_an_unpaid_learner_are_refused() -> None:
    with pytest.raises(ConfigError, match="without a pool"):
        rw.NashLoop(rw.WinRate(beats, pool=[hand(0)]))
    agent = A2C("MlpPolicy", gym.make("tests/Hands-v0"), n_steps=4)
    with pytest.raises(StackError, match="must have episodes that the score paid"):
        agent.learn(8, callback=rw.NashLoop(rw.WinRate(beats), every=4))
