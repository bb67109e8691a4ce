"""Record what happens in an SB3 VecEnv as episodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from rewardwrap.core import tree
from rewardwrap.data.episodes import EpisodeStore
from rewardwrap.data.errors import DataError


class _Piece(NamedTuple):
    """One lane from step ``start`` to before step ``stop``, and what came after."""

    lane: int
    start: int
    stop: int
    final: Any
    terminated: bool
    truncated: bool


class Recorder(VecEnvWrapper):
    """A VecEnv wrapper that keeps every episode, true terminal observations included.

    Put it where observations and rewards are what you want to learn from: under ``VecNormalize``,
    and under a reward wrapper for the environment's own reward. It changes nothing that passes.

    Args:
        venv: Any VecEnv; observations may be Dict or Tuple.
        info: Names of numbers in ``info`` to keep; NaN where a step does not report one.
        source: Name kept with the episodes.

    Example:
        >>> from stable_baselines3.common.env_util import make_vec_env
        >>> recorder = Recorder(make_vec_env("CartPole-v1", n_envs=2, seed=0))
        >>> _ = recorder.reset()
        >>> for _ in range(10):
        ...     _ = recorder.step(np.array([0, 1]))
        >>> recorder.store().steps
        20
    """

    def __init__(
        self, venv: VecEnv, *, info: Sequence[str] = (), source: str = "recording"
    ) -> None:
        super().__init__(venv)
        self.recorded_info = tuple(info)
        self.source = source
        # whole steps are kept as they come; lanes are taken apart when somebody reads them
        self._obs_before: list[Any] = []
        self._actions: list[Any] = []
        self._rewards: list[Any] = []
        self._numbers: list[Any] = []
        self._finished: list[_Piece] = []
        self._begin = np.zeros(self.num_envs, np.int64)
        self._forgotten = 0
        self._obs: Any = None

    def reset(self) -> VecEnvObs:
        """Episodes that were running are kept as cut ones."""
        self._finished += self._running()
        obs = self.venv.reset()
        self._obs = tree.copy(obs)
        self._begin[:] = self._now
        return obs

    def step_async(self, actions: np.ndarray[Any, Any]) -> None:
        """Note the actions and pass them on."""
        if self._obs is None:
            raise DataError("recorder must be reset before its first step, got none. Call reset().")
        self._obs_before.append(self._obs)
        self._actions.append(np.array(actions))
        self.venv.step_async(actions)

    def step_wait(self) -> VecEnvStepReturn:
        """Note what came back and pass it on."""
        obs, reward, done, infos = self.venv.step_wait()
        self._rewards.append(np.array(reward, np.float64))
        if self.recorded_info:
            rows = [[info.get(name, np.nan) for name in self.recorded_info] for info in infos]
            self._numbers.append(np.array(rows, np.float64))
        self._obs = tree.copy(obs)
        for lane in np.flatnonzero(done):
            cut = bool(infos[lane].get("TimeLimit.truncated", False))
            final = tree.copy(infos[lane]["terminal_observation"])
            start, self._begin[lane] = int(self._begin[lane]), self._now
            self._finished.append(_Piece(int(lane), start, self._now, final, not cut, cut))
        return obs, reward, done, infos

    @property
    def _now(self) -> int:
        return self._forgotten + len(self._rewards)

    def _running(self) -> list[_Piece]:
        return [
            _Piece(lane, int(start), self._now, tree.take(self._obs, lane), False, False)
            for lane, start in enumerate(self._begin)
            if start < self._now
        ]

    @property
    def episodes(self) -> int:
        """Finished episodes so far."""
        return len(self._finished)

    def store(self, *, finished_only: bool = False) -> EpisodeStore:
        """Everything recorded so far, in the order in which episodes ended; running ones are cut.

        Raises:
            DataError: Nothing was recorded.
        """
        pieces = self._finished + ([] if finished_only else self._running())
        columns = {
            "obs": tree.stack(self._obs_before) if pieces else None,
            "action": np.stack(self._actions) if pieces else None,
            "reward": np.stack(self._rewards) if pieces else None,
            "info": np.stack(self._numbers) if pieces and self.recorded_info else None,
        }
        return EpisodeStore.from_episodes(
            [self._episode(piece, columns) for piece in pieces],
            observation_space=self.observation_space,
            action_space=self.action_space,
            source=self.source,
        )

    def _episode(self, piece: _Piece, columns: dict[str, Any]) -> dict[str, Any]:
        rows = (slice(piece.start - self._forgotten, piece.stop - self._forgotten), piece.lane)
        last = np.arange(piece.start, piece.stop) == piece.stop - 1
        return {
            "obs": tree.map_leaves(
                lambda seen, final: np.concatenate([seen[rows], np.asarray(final)[None]]),
                columns["obs"],
                piece.final,
            ),
            "action": columns["action"][rows],
            "reward": columns["reward"][rows],
            "terminated": last & piece.terminated,
            "truncated": last & piece.truncated,
            "info": {
                name: columns["info"][rows][:, i] for i, name in enumerate(self.recorded_info)
            },
        }

    def clear(self) -> None:
        """Forget finished episodes; running ones go on."""
        self._finished = []
        old = int(self._begin.min()) - self._forgotten
        for kept in (self._obs_before, self._actions, self._rewards, self._numbers):
            del kept[:old]
        self._forgotten += old
