"""Other tellings of an episode, and whether a suite ranks scorers as their use does."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

import rewardwrap_envs
from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError
from rewardwrap.evaluate.models.downstream import downstream
from rewardwrap.evaluate.models.renderings import dropped_out, noisy, other_encodings, skipped
from rewardwrap.evaluate.models.suites import Arena, benchmark
from rewardwrap_policies import controller


def told(steps: int = 7) -> Episode:
    ends = np.arange(steps) == steps - 1
    obs = np.arange(3.0 * (steps + 1)).reshape(-1, 3).astype(np.float32)
    return Episode(obs, np.zeros((steps, 1)), np.arange(float(steps)), ends & False, ends)


def test_skipped_frames_sum_their_rewards_and_keep_the_end() -> None:
    found = skipped(2)(told())
    assert found.reward.tolist() == [1.0, 5.0, 9.0, 6.0]
    assert found.obs[:, 0].tolist() == [0.0, 6.0, 12.0, 18.0, 21.0]
    assert found.truncated.tolist() == [False, False, False, True]
    assert len(found.action) == 4


def test_a_silent_sensor_repeats_what_it_said_and_noise_is_in_deviations() -> None:
    rng = np.random.default_rng(0)
    silent = dropped_out(0.5, rng)(told(50))
    assert (np.diff(silent.obs[:, 0]) >= 0).all()
    assert set(silent.obs[:, 0]) < set(told(50).obs[:, 0])
    assert silent.obs[0, 0] == 0.0
    off = noisy(0.02, rng)(told(50)).obs - told(50).obs
    assert 0.01 < off.std() / told(50).obs.std(axis=0).mean() < 0.03


def test_units_come_from_the_recipe_and_columns_turn_round() -> None:
    ways = other_encodings(rewardwrap_envs.find("Pendulum-v1"), 3)
    degrees = ways["units"](told()).obs / told().obs.clip(1e-9)
    assert degrees[-1].tolist() == pytest.approx([1.0, 1.0, 57.29578], rel=1e-5)
    assert ways["permuted"](told()).obs[0].tolist() == [2.0, 1.0, 0.0]


def upright(weight: float):
    """Scores that know less of the truth the less they weigh it."""

    def score(episodes: list[Episode]) -> np.ndarray:
        return np.array(
            [weight * e.obs[1:, 0].mean() + (1 - weight) * e.obs[1:, 1].mean() for e in episodes]
        )

    return score


def test_suites_are_compared_with_what_choosing_is_worth() -> None:
    env = gym.make("Pendulum-v1")
    arena = Arena(env, controller("Pendulum-v1"), 40, 4, np.random.default_rng(0))
    scorers = {f"w{w}": upright(w) for w in (1.0, 0.8, 0.5, 0.2, 0.0, -0.5)}
    results = {name: benchmark(arena, score, ["best-of-4"]) for name, score in scorers.items()}
    found = downstream(arena, scorers, results, train=lambda name: float(name[1:]))
    assert set(found.worth) == {"best of 8", "training"}
    assert found.worth["best of 8"]["w1.0"] > found.worth["best of 8"]["w-0.5"]
    assert found.correlation["best-of-4"]["training"] > 0.5
    with pytest.raises(ConfigError, match="must compare at least 6 scorers, got 1"):
        downstream(arena, {"w": upright(1.0)}, {"w": []})
