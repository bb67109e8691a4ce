"""Bonuses that are taken back: an agent is led on, and no policy gains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY
from typing import ClassVar

import numpy as np

from rewardwrap.core.errors import ConfigError, warn
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward, require_parts
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import Carry, FloatArray, Transitions
from rewardwrap.rewards.filter import Filter
from rewardwrap.rewards.limits import require_count, require_number
from rewardwrap.rewards.truncation import OnTruncation, ended, require_on_truncation

LARGEST = 1e3
"""A bonus that is taken back as more than so many times itself drowns every other reward."""


@register("safe")
class Safe(Filter):
    """Any reward, shaped so that its discounted sum over an episode is 0; what ``r.safe()`` builds.

    ``F'_t = F_t - sum_i gamma^(i-t) F_i m(t, i)``, where ``m(t, i) = 1`` at the one ``t`` at which
    ``F_i`` is taken back, with what it would have earned: after ``delay`` steps, or on the last one,
    ``t = min(i + delay, T - 1)``. So ``sum_t gamma^t F'_t = 0`` for every trajectory, and which policy
    is best stays what it was, whatever F is: novelty, noise, a wrong guess.

    ``delay=None`` takes all back on the last step (PBIM), which is the strongest lead and the largest
    bill: it grows like ``gamma^-(T-1)``, 2e4 at T = 1000 and gamma = 0.99, and a warning says so once
    it passes 1e3. A number (GRM) bounds it by ``gamma^-delay``; 1 is a good first choice.

    Args:
        base: The reward.
        gamma: Discount of the *agent*, in (0, 1]; None takes the run's.
        delay: Steps until a bonus is taken back, at least 0 (which pays nothing); None for the end.
        on_truncation: ``"terminal"`` (or ``"end"``): a time limit is a last step, so that the sum is 0
            there too. ``"bootstrap"``: a cut takes nothing back, since a learner that bootstraps adds
            ``V(s_T)``, which expects it to be taken back later; then only terminated episodes sum to 0.

    Raises:
        ConfigError: gamma outside (0, 1] or not set anywhere, delay no whole number.

    Source: Forbes et al., "Potential-based reward shaping for intrinsic motivation", AAMAS 2024,
        arXiv 2402.07411, equation 13 (PBIM); "Potential-based intrinsic motivation: preserving
        optimality with complex, non-Markovian shaping rewards", 2024, arXiv 2410.12197 (GRM).
        Deviation: the mean of F is not taken off first; ``(F - c).safe()`` does that.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0] * 4, "action": [0] * 3, "reward": [1, 2, 0.5], "terminated": [0, 0, 1],
        ...        "truncated": [0, 0, 0]}
        >>> rw.relabel(rw.EnvReward().safe(0.9), log).round(4).tolist()
        [1.0, 2.0, -3.4568]
        >>> rw.relabel(rw.EnvReward().safe(0.9, 1), log).round(4).tolist()
        [1.0, 0.8889, -2.2222]
    """

    shaping: ClassVar[bool] = True

    base: Reward
    _: KW_ONLY
    gamma: float | None = None
    delay: int | None = None
    on_truncation: OnTruncation = "terminal"

    def __post_init__(self) -> None:
        require_parts(self, (self.base,))
        require_on_truncation(self)
        object.__setattr__(self, "pays_at_end", self.on_truncation == "terminal")
        if self.gamma is not None:
            cure = "Use the discount of the agent, e.g. PPO(gamma=0.99)."
            require_number(self, "gamma", cure, low=0.0, high=1.0, above=True)
        if self.delay is not None:
            require_count(self, "delay", "Use None to take all back at the end, or 1.", low=0)

    def validate(self, task: Task) -> None:
        gamma = self._gamma(task)
        if self.delay is not None:
            self._warn_of(gamma**-self.delay)

    def parts(self) -> tuple[Reward, ...]:
        return (self.base,)

    def start(self, lanes: int) -> Carry:
        if self.delay is None:
            return np.zeros(lanes), np.zeros(lanes, np.int64)
        return np.zeros((lanes, self.delay))

    def follow(
        self, own: Carry, values: Sequence[FloatArray], batch: Transitions
    ) -> tuple[Carry, FloatArray]:
        gamma, over = self._gamma(batch.task), ended(self, batch)
        if self.delay is None:
            return self._back_at_the_end(own, values[0], batch, gamma)
        owed = np.where(batch.first[:, None], 0.0, own)
        if not self.delay:
            return owed, values[0] - values[0]
        # what F_(t-delay), the oldest of them, up to F_(t-1) have earned since
        grown = gamma ** -np.arange(self.delay, 0.0, -1.0)
        paid = np.where(over, -(owed @ grown), values[0] - owed[:, 0] * grown[0])
        return np.concatenate((owed[:, 1:], values[0][:, None]), axis=1), paid

    def _back_at_the_end(
        self, own: Carry, value: FloatArray, batch: Transitions, gamma: float
    ) -> tuple[Carry, FloatArray]:
        owed = np.where(batch.first, 0.0, own[0])
        steps = np.where(batch.first, 0, own[1])
        over = ended(self, batch)
        if batch.ends and over.any():
            self._warn_of(gamma ** -float(steps[over].max()))
        return ((owed + value) / gamma, steps + 1), np.where(over, -owed, value)

    def _gamma(self, task: Task) -> float:
        gamma = task.discount(self.gamma, "Safe")
        if gamma == 0.0:
            raise ConfigError(
                "Safe: gamma must be above 0, got 0. What is taken back later is divided by it."
            )
        return gamma

    def _warn_of(self, factor: float) -> None:
        if factor > LARGEST and "_warned" not in self.__dict__:
            object.__setattr__(self, "_warned", True)
            warn(
                f"Safe: a bonus should be taken back as at most {LARGEST:g} times itself, got "
                f"{factor:.3g} times at the end of a long episode. The sum is still 0, but no learner "
                "sees another reward beside it. Use .safe(delay=1), which takes it back on the next step."
            )

    def __getstate__(self) -> dict[str, object]:
        return {k: v for k, v in self.__dict__.items() if k != "_warned"}
