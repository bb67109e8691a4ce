"""PPO with a ratio that cannot overflow and a filter for outliers: the tools of StableReinforce."""

from __future__ import annotations

import math
import warnings
from collections.abc import Generator
from typing import Any

import gymnasium
import numpy as np
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import DictRolloutBuffer, RolloutBuffer

from rewardwrap_policies.errors import PresetError

LOG_RATIO = math.log(1000.0)
RARE = 5.0
"""Deviations above the mean at which a dropped row is told of: chance has 3 in ten million there."""


class _Filtered:
    """A rollout buffer that leaves rows with outlying advantages out of its minibatches."""

    sigmas: float | None = None
    batch: Any = None
    rows = dropped = 0
    furthest = 0.0

    def get(self, batch_size: int | None = None) -> Generator[Any, None, None]:
        advantages: Any = self.advantages  # type: ignore[attr-defined]
        self._mean, self._sd = float(advantages.mean()), float(advantages.std())
        self.rows = self.dropped = 0
        self.furthest = 0.0
        for batch in super().get(batch_size):  # type: ignore[misc]
            self.batch = batch
            yield batch

    def _get_samples(self, batch_inds: Any, env: Any = None) -> Any:
        self.rows += len(batch_inds)
        if self.sigmas is not None and self._sd > 0.0:
            advantages: Any = self.advantages  # type: ignore[attr-defined]
            away = (advantages.ravel()[batch_inds] - self._mean) / self._sd
            kept = np.abs(away) <= self.sigmas
            if not kept.any():
                # a minibatch of outliers alone: its nearest row, since a mean of nothing is no number
                kept[np.abs(away).argmin()] = True
            self.dropped += int((~kept).sum())
            self.furthest = max(self.furthest, float(away[~kept].max(initial=0.0)))
            batch_inds = batch_inds[kept]
        return super()._get_samples(batch_inds, env)  # type: ignore[misc]


class FilteredBuffer(_Filtered, RolloutBuffer):
    """`_Filtered` for plain observations."""


class FilteredDictBuffer(_Filtered, DictRolloutBuffer):
    """`_Filtered` for observations of several parts."""


class StablePPO(PPO):
    """PPO with ``exp(clip(log pi - log pi_old, -c, c))`` as ratio, and without advantages beyond 3 sigma.

    A log-ratio of 12 is a ratio of 162 755; clipped before the exponential it is 1000. PPO's own clipping
    bounds a ratio only where that lowers the objective, so one action that became likely and bad can
    fill the loss, and a log-ratio above 88 is infinite in float32. Rows whose advantage lies further than
    ``sigmas`` standard deviations from the rollout's mean are left out of the update.

    The filter costs what it cannot tell from noise: the one success in a thousand steps of failure is an
    outlier too. It is told of, once, and logged as ``train/filtered``; ``sigmas=None`` keeps all rows.

    Args:
        policy: As in PPO.
        env: As in PPO.
        clip_log_ratio: ``c``, above 0.
        sigmas: Above 0; None drops nothing.
        **options: PPO's own.

    Raises:
        PresetError: A number out of its range.

    Warns:
        UserWarning: A row more than 5 sigma better than the mean was dropped.

    Source: Zhang et al., R1-Reward: training multimodal reward model through stable reinforcement learning,
        2025, arXiv 2505.02835 (StableReinforce). Deviation: mean and deviation are the rollout's, on
        PPO's generalised advantages.

    Example:
        >>> model = StablePPO("MlpPolicy", "CartPole-v1", n_steps=64, seed=0).learn(64)
        >>> model.rollout_buffer.rows
        64
    """

    def __init__(
        self,
        policy: Any,
        env: Any,
        *,
        clip_log_ratio: float = LOG_RATIO,
        sigmas: float | None = 3.0,
        **options: Any,
    ) -> None:
        for name, value in (("clip_log_ratio", clip_log_ratio), ("sigmas", sigmas)):
            if value is not None and not 0.0 < value < math.inf:
                raise PresetError(
                    f"{name} must be above 0, got {value!r}. Use clip_log_ratio=6.9 and sigmas=3."
                )
        self.clip_log_ratio, self.sigmas = clip_log_ratio, sigmas
        self._told = False
        super().__init__(policy, env, **options)

    def _setup_model(self) -> None:
        if self.rollout_buffer_class is None:
            several = isinstance(self.observation_space, gymnasium.spaces.Dict)
            self.rollout_buffer_class = FilteredDictBuffer if several else FilteredBuffer
        super()._setup_model()
        self.rollout_buffer.sigmas = self.sigmas  # type: ignore[attr-defined]

    def train(self) -> None:
        """PPO's update; what it asks the policy for is clipped on the way."""
        buffer: Any = self.rollout_buffer
        evaluate = self.policy.evaluate_actions

        def near(obs: Any, actions: Any) -> Any:
            values, log_prob, entropy = evaluate(obs, actions)
            old = buffer.batch.old_log_prob
            ratio = (log_prob - old).clamp(-self.clip_log_ratio, self.clip_log_ratio)
            return values, old + ratio, entropy

        # SB3 takes the exponential in the middle of `train`, behind this call
        self.policy.evaluate_actions = near  # type: ignore[method-assign]
        try:
            super().train()
        finally:
            del self.policy.evaluate_actions
        self.logger.record("train/filtered", buffer.dropped / max(1, buffer.rows))
        if buffer.furthest > RARE and not self._told:
            self._told = True
            warnings.warn(
                f"advantages beyond {self.sigmas:g} sigma should be noise, got a dropped step "
                f"{buffer.furthest:.1f} sigma better than the mean: a rare success counts for nothing here. "
                "Say sigmas=None (-params sigmas:1e9) where successes are rare.",
                stacklevel=2,
            )
