"""Step scores shifted by the outcome: no step pays against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY
from typing import ClassVar

import numpy as np

from rewardwrap.core.errors import RewardValueError
from rewardwrap.core.lane import LaneCode
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward, require_parts
from rewardwrap.core.transitions import Carry, FloatArray, Transitions
from rewardwrap.rewards.env import EnvReward
from rewardwrap.rewards.filter import Filter
from rewardwrap.rewards.limits import require_number


@register("renorm")
class ReNorm(Filter):
    """``p_k - mu`` on each step, and ``K o`` on the K-th, where the outcome says ``o = 1``.

    Sums, undiscounted, to ``p_k + o - mu`` written on every step, which nobody knows before the end. With
    ``mu = 1`` a wrong episode never sums above 0 and a right one never below: the process score decides
    among right ones and among wrong ones, not between them. Paid as it stands it makes the agent collect
    steps instead. Right episodes still gain by being longer, and wrong ones by being shorter.

    Args:
        process: How good the step was, p in [0, 1].
        outcome: 1 on the last step of a right episode, else 0. A time limit without an answer is 0.
        mu: What is taken off each step; 1 for the split of signs.
        per_step: Whether the outcome counts once for every step, K times; False: once.

    Raises:
        ConfigError: mu is no finite number.
        RewardValueError: A process score outside [0, 1], or an outcome that is neither 0 nor 1.

    Source: Xu et al., Hybrid reward normalization for process-supervised agents, 2025, arXiv 2509.25598.
        There p and o are known afterwards and written on every step; paid live, the sum is the same.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0] * 4, "action": [0] * 3, "reward": [0, 0, 1], "terminated": [0, 0, 1],
        ...        "truncated": [0] * 3, "info": {"judged": [0.5, 1.0, 0.8]}}
        >>> paid = rw.relabel(rw.ReNorm(rw.Native("judged")), log)
        >>> paid.round(2), paid.sum().round(2)
        (array([-0.5,  0. ,  2.8]), np.float64(2.3))
    """

    pays_at_end: ClassVar[bool] = False

    process: Reward
    outcome: Reward = EnvReward()
    _: KW_ONLY
    mu: float = 1.0
    per_step: bool = True

    def __post_init__(self) -> None:
        require_parts(self, (self.process, self.outcome))
        require_number(self, "mu", "Use 1.")

    def parts(self) -> tuple[Reward, ...]:
        return (self.process, self.outcome)

    def start(self, lanes: int) -> Carry:
        return np.zeros(lanes)

    def follow(
        self, own: Carry, values: Sequence[FloatArray], batch: Transitions
    ) -> tuple[Carry, FloatArray]:
        step, right = values
        for p, o in zip(step.tolist(), right.tolist(), strict=True):
            _checked(p, o)
        steps = np.where(batch.first, 0.0, own) + 1.0
        return steps, step - self.mu + right * (steps if self.per_step else 1.0)

    def write(self, code: LaneCode) -> str:
        steps = code.carry(0.0)
        code.at_start(f"{steps} = 0.0")
        step = code.let(self.process.write(code), "process")
        right = code.let(self.outcome.write(code), "outcome")
        code.line(f"{code.bind(_checked, 'checked')}({step}, {right})")
        code.line(f"{steps} += 1.0")
        times = steps if self.per_step else "1.0"
        return code.let(f"{step} - {float(self.mu)!r} + {right} * {times}", "renorm")


def _checked(process: float, outcome: float) -> None:
    """Refuse a step that is no share, or an outcome that is no verdict.

    Raises:
        RewardValueError: It is one of the two; NaN is left to the host, which knows the term.
    """
    if process < 0.0 or process > 1.0:
        raise RewardValueError(
            f"ReNorm: process must lie in [0, 1], got {process:g}. Clip it, e.g. .clip(0, 1)."
        )
    if outcome == outcome and outcome not in (0.0, 1.0):
        raise RewardValueError(
            f"ReNorm: outcome must be 0 or 1, got {outcome:g}. Say when an episode is right, e.g. "
            "rw.EnvReward() where the environment pays 1 for success."
        )
