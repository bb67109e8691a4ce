"""Record what happens in a gymnasium vector environment as episodes, in all three autoreset modes."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper

from rewardwrap.adapters.vector import autoreset_mode, final_obs
from rewardwrap.core import tree
from rewardwrap.data.episodes import EpisodeStore
from rewardwrap.data.errors import DataError


class VectorRecorder(VectorWrapper):
    """A vector wrapper that keeps every episode, true terminal observations included.

    Rows that only reset (NEXT_STEP) are no steps and are left out; lanes that were reset in mid-episode
    are kept as cut ones. For SB3 there is `Recorder`, which keeps numbers of ``info`` too.

    Args:
        env: Any gymnasium vector environment that says its autoreset mode.
        source: Name kept with the episodes.

    Raises:
        StackError: It does not say its mode, or hides terminal observations.

    Example:
        >>> import gymnasium as gym
        >>> recorder = VectorRecorder(gym.make_vec("CartPole-v1", num_envs=2))
        >>> _ = recorder.reset(seed=0)
        >>> for _ in range(8):
        ...     _ = recorder.step(np.array([0, 1]))
        >>> recorder.store().steps
        16
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], *, source: str = "recording") -> None:
        super().__init__(env)
        self.source = source
        self._mode = autoreset_mode(env)
        self._rows: list[list[tuple[Any, Any, float]]] = [[] for _ in range(env.num_envs)]
        self._finished: list[dict[str, Any]] = []
        self._resets = np.zeros(env.num_envs, bool)
        self._obs: Any = None

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Episodes that were running in these lanes are kept as cut ones."""
        # SyncVectorEnv pops "reset_mask" from the caller's dict: read it before delegating
        mask = None if options is None else options.get("reset_mask")
        lanes = np.ones(self.num_envs, bool) if mask is None else np.array(mask, bool)
        for lane in np.flatnonzero(lanes).tolist():
            self._close(lane, None if self._obs is None else tree.take(self._obs, lane))
        obs, info = self.env.reset(seed=seed, options=options)
        self._obs, self._resets = tree.copy(obs), self._resets & ~lanes
        return obs, info

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Note the step and pass it on."""
        if self._obs is None:
            raise DataError("recorder must be reset before its first step, got none. Call reset().")
        obs, reward, terminated, truncated, info = self.env.step(actions)
        now, ended = tree.copy(obs), terminated | truncated
        successors = now
        if self._mode is AutoresetMode.SAME_STEP and ended.any():
            successors = tree.put(
                now, ended, final_obs(info, ended, self.env.single_observation_space)
            )
        taken = np.array(actions)
        for lane in np.flatnonzero(~self._resets).tolist():
            row = (tree.take(self._obs, lane), taken[lane], float(reward[lane]))
            self._rows[lane].append(row)
            if ended[lane]:
                flags = bool(terminated[lane]), bool(truncated[lane] & ~terminated[lane])
                self._close(lane, tree.take(successors, lane), *flags)
        self._obs = now
        if self._mode is AutoresetMode.NEXT_STEP:
            self._resets = ended & ~self._resets
        return obs, reward, terminated, truncated, info

    def _close(self, lane: int, last: Any, terminated: bool = False, cut: bool = False) -> None:
        rows, self._rows[lane] = self._rows[lane], []
        if rows:
            self._finished.append(_episode(rows, last, terminated, cut))

    def store(self, *, finished_only: bool = False) -> EpisodeStore:
        """Everything recorded so far, in the order in which episodes ended; running ones are cut.

        Raises:
            DataError: Nothing was recorded.
        """
        running = [
            _episode(rows, tree.take(self._obs, lane), False, False)
            for lane, rows in enumerate(self._rows)
            if rows and not finished_only
        ]
        return EpisodeStore.from_episodes(
            self._finished + running,
            observation_space=self.single_observation_space,
            action_space=self.single_action_space,
            source=self.source,
        )


def _episode(
    rows: list[tuple[Any, Any, float]], last: Any, terminated: bool, cut: bool
) -> dict[str, Any]:
    obs, action, reward = zip(*rows, strict=True)
    end = np.arange(len(rows)) == len(rows) - 1
    return {
        "obs": tree.stack([*obs, last]),
        "action": np.stack(action),
        "reward": np.array(reward),
        "terminated": end & terminated,
        "truncated": end & cut,
    }
