"""Whoever keeps score, and wherever: the true return, the shaped one and every term are the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gymnasium.wrappers import RecordEpisodeStatistics
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecMonitor

import rewardwrap as rw
from rewardwrap.testing import Chain

REWARD = 10 * rw.EnvReward() + rw.Constant(-1.0).named("time")
LANES = 2

STACKINGS: dict[str, tuple[Callable[[], VecEnv], str]] = {
    "lanes wrapped, Monitor outside": (
        lambda: DummyVecEnv([lambda: Monitor(rw.wrap(Chain(), REWARD))] * LANES),
        "shaped",
    ),
    "lanes wrapped, Monitor inside": (
        lambda: DummyVecEnv([lambda: rw.wrap(Monitor(Chain()), REWARD)] * LANES),
        "env",
    ),
    "lanes wrapped, RecordEpisodeStatistics outside": (
        lambda: DummyVecEnv([lambda: RecordEpisodeStatistics(rw.wrap(Chain(), REWARD))] * LANES),
        "shaped",
    ),
    "lanes wrapped, RecordEpisodeStatistics inside": (
        lambda: DummyVecEnv([lambda: rw.wrap(RecordEpisodeStatistics(Chain()), REWARD)] * LANES),
        "env",
    ),
    "VecEnv wrapped, VecMonitor outside": (
        lambda: VecMonitor(rw.wrap(DummyVecEnv([Chain] * LANES), REWARD)),
        "shaped",
    ),
    "VecEnv wrapped, VecMonitor inside": (
        lambda: rw.wrap(VecMonitor(DummyVecEnv([Chain] * LANES)), REWARD),
        "env",
    ),
    "VecEnv wrapped, Monitor in the lanes": (
        lambda: rw.wrap(DummyVecEnv([lambda: Monitor(Chain())] * LANES), REWARD),
        "env",
    ),
    "lanes wrapped, VecMonitor outside": (
        lambda: VecMonitor(DummyVecEnv([lambda: rw.wrap(Chain(), REWARD)] * LANES)),
        "shaped",
    ),
    "lanes wrapped, nobody else": (
        lambda: DummyVecEnv([lambda: rw.wrap(Chain(), REWARD)] * LANES),
        "",
    ),
}


def ends(venv: VecEnv, steps: int = 24) -> list[tuple[int, int, dict[str, Any]]]:
    """``(step, lane, info)`` of every episode that ends while all lanes play one tape."""
    venv.seed(0)
    venv.reset()
    moves = np.random.default_rng(0).integers(0, 3, (steps, LANES))
    found = []
    for t, actions in enumerate(moves):
        _, _, dones, infos = venv.step(actions)
        found += [(t, int(i), infos[i]) for i in np.flatnonzero(dones)]
    venv.close()
    return found


def by_hand(steps: int = 24) -> list[tuple[int, int, dict[str, float]]]:
    """The same sums without any wrapper."""
    moves = np.random.default_rng(0).integers(0, 3, (steps, LANES))
    found = []
    for lane in range(LANES):
        env, true, length = Chain(), 0.0, 0
        env.reset(seed=lane)
        for t in range(steps):
            _, reward, terminated, truncated, _ = env.step(moves[t, lane])
            true, length = true + reward, length + 1
            if terminated or truncated:
                sums = {"env": true, "env_rescaled": 10 * true, "time": -float(length)}
                found.append((t, lane, {**sums, "shaped": 10 * true - length}))
                env.reset()
                true, length = 0.0, 0
    return sorted(found, key=lambda end: end[:2])


@pytest.mark.parametrize("name", STACKINGS)
def test_every_stacking_reports_the_sums_that_one_adds_up_by_hand(name: str) -> None:
    got, want = ends(STACKINGS[name][0]()), by_hand()
    assert [(t, lane) for t, lane, _ in got] == [(t, lane) for t, lane, _ in want]
    assert len(want) > 8
    for (_, _, info), (_, _, sums) in zip(got, want, strict=True):
        assert list(info["episode_terms"]) == list(sums)
        assert info["episode_terms"] == pytest.approx(sums, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", STACKINGS)
def test_the_episode_entry_stays_what_the_score_keeper_wrote(name: str) -> None:
    build, term = STACKINGS[name]
    for _, _, info in ends(build()):
        if not term:
            assert "episode" not in info
            continue
        assert set(info["episode"]) == {"r", "l", "t"}
        assert float(info["episode"]["r"]) == pytest.approx(info["episode_terms"][term], abs=2e-6)


@pytest.mark.parametrize("wrapped_lanes", [True, False])
def test_the_terms_sum_to_what_is_paid(wrapped_lanes: bool) -> None:
    if wrapped_lanes:
        venv: VecEnv = DummyVecEnv([lambda: rw.wrap(Chain(), REWARD)] * LANES)
    else:
        venv = rw.wrap(DummyVecEnv([Chain] * LANES), REWARD)
    for _, _, info in ends(venv):
        sums = info["episode_terms"]
        assert sums["env_rescaled"] + sums["time"] == pytest.approx(sums["shaped"])
