"""Episodes out of gymnasium's own vector environments."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from rewardwrap.data import DataError
from rewardwrap.data.vector_recorder import VectorRecorder
from tests.data.test_recorder import Count, Nested


class Clocked(Count):
    """The same, stopped by a clock instead."""

    def step(self, action: int) -> Any:
        obs, reward, ended, _, info = super().step(action)
        return obs, reward, False, ended, info


def record(mode: AutoresetMode, *envs: gym.Env[Any, Any], steps: int) -> VectorRecorder:
    made = SyncVectorEnv([lambda env=env: env for env in envs], autoreset_mode=mode)
    recorder = VectorRecorder(made)
    recorder.reset()
    for t in range(steps):
        _, _, terminated, truncated, _ = recorder.step(np.array([t % 5] * len(envs)))
        ended = terminated | truncated
        if mode is AutoresetMode.DISABLED and ended.any():
            recorder.reset(options={"reset_mask": ended})
    return recorder


@pytest.mark.parametrize("mode", [AutoresetMode.SAME_STEP, AutoresetMode.DISABLED])
def test_every_episode_keeps_its_true_terminal_observation(mode: AutoresetMode) -> None:
    store = record(mode, Count(2), Clocked(3), steps=5).store()
    assert [e.obs.ravel().tolist() for e in store] == [
        [0, 1, 2],
        [0, 1, 2, 3],
        [0, 1, 2],
        [0, 1],
        [0, 1, 2],
    ]
    assert store.action.tolist() == [0, 1, 0, 1, 2, 2, 3, 4, 3, 4]
    assert store.reward.tolist() == store.action.tolist()
    assert [bool(e.terminated[-1]) for e in store] == [True, False, True, False, False]
    assert [bool(e.truncated[-1]) for e in store] == [False, True, False, False, False]


def test_rows_that_only_reset_are_no_steps() -> None:
    store = record(AutoresetMode.NEXT_STEP, Count(2), Clocked(3), steps=6).store()
    assert [e.obs.ravel().tolist() for e in store] == [
        [0, 1, 2],
        [0, 1, 2, 3],
        [0, 1, 2],
        [0, 1, 2],
    ]
    # lane 0 reset at step 2 and 5, lane 1 at step 3: those actions did nothing
    assert store.action.tolist() == [0, 1, 0, 1, 2, 3, 4, 4, 0]


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_dict_observations_are_kept_leaf_by_leaf(mode: AutoresetMode) -> None:
    store = record(mode, Nested(2), Nested(2), steps=2).store(finished_only=True)
    assert store.obs["t"].ravel().tolist() == store.obs["n"].tolist() == [0, 1, 2, 0, 1, 2]
    assert store.observation_space == Nested.observation_space


def test_a_reset_in_mid_episode_cuts_it() -> None:
    recorder = record(AutoresetMode.NEXT_STEP, Count(9), steps=3)
    recorder.reset()
    assert recorder.store().lengths.tolist() == [3]
    assert not recorder.store().terminated.any()


def test_a_step_before_the_first_reset_is_refused() -> None:
    recorder = VectorRecorder(SyncVectorEnv([lambda: Count(2)]))
    with pytest.raises(DataError, match="must be reset before its first step"):
        recorder.step(np.array([0]))
