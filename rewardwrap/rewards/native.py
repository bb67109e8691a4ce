"""The reward terms that MuJoCo environments report in ``info``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from rewardwrap.core.info import missing
from rewardwrap.core.lane import LaneCode
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward
from rewardwrap.core.transitions import FloatArray, Transitions


@register("native")
class Native(Reward):
    """One of the environment's own ``reward_*`` terms, read from ``info``.

    HalfCheetah-v5 reports ``reward_forward`` and ``reward_ctrl``, Humanoid-v5 also ``reward_survive`` and
    ``reward_contact``; their sum is the environment's reward. Weighing them anew needs no code.

    Args:
        key: The key in ``info``, with or without ``reward_``.

    Raises:
        RewardValueError: At the first step, if the environment does not report it.

    Example:
        >>> import rewardwrap as rw
        >>> effort = 0.5 * rw.Native("ctrl").named("effort")
        >>> venv = rw.make("HalfCheetah-v5", rw.Native("forward") + effort, n_envs=2)
    """

    reads_obs: ClassVar[bool] = False
    shaping: ClassVar[bool] = False
    pays_at_end: ClassVar[bool] = False

    key: str

    def __call__(self, batch: Transitions) -> FloatArray:
        name = self.key if self.key in batch.info else self._full
        return batch.info[name].astype(np.float64, copy=False)

    def write(self, code: LaneCode) -> str:
        return f"{code.bind(self._read, 'native')}(info)"

    def _read(self, info: Mapping[str, Any]) -> float:
        for name in (self.key, self._full):
            if name in info:
                return float(info[name])
        raise missing(self._full, info)

    @property
    def _full(self) -> str:
        return "reward_" + self.key.removeprefix("reward_")
