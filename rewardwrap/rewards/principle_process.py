"""A step judged by principles: the share of those that it keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, field
from typing import Any

import numpy as np

from rewardwrap.core.config import from_config
from rewardwrap.core.errors import ConfigError, RewardValueError
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Pointwise, Reward
from rewardwrap.rewards.limits import is_number
from rewardwrap.rewards.native import Native

UNDECIDED = 0.5


@register("principle_process")
class PrincipleProcess(Pointwise):
    """``p = sum_c w_c y_c / sum_c w_c`` in [0, 1], over the principles c that apply to a step.

    Each principle asks one question that is answered yes, 1, or no, 0; NaN abstains and has no weight. A step
    to which none applies is undecided, 0.5. Paid as it stands, an agent collects steps that keep the
    principles, whatever comes of it: give it to `rw.ReNorm`, which lets the outcome decide.

    Args:
        principles: What is asked -> the name of a number in ``info``, or a reward, e.g.
            ``rw.Native("x") > 1``.
        weights: Of those that count otherwise than 1, above 0.

    Raises:
        ConfigError: No principle, or a weight for none of them.
        RewardValueError: An answer that is neither 0 nor 1.

    Source: Xu et al., Hybrid reward normalization for process-supervised agents (PPR), 2025,
        arXiv 2509.25598. There a language model answers for each turn; here rules do, or `rw.Learned`.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0] * 3, "action": [0] * 2, "reward": [0, 0], "terminated": [0, 1],
        ...        "truncated": [0, 0], "info": {"new": [1, 0], "grounded": [float("nan"), 1]}}
        >>> step = rw.PrincipleProcess({"new": "new", "an answer has a source": "grounded"})
        >>> rw.relabel(step, log)
        array([1. , 0.5])
    """

    principles: Mapping[str, Any]
    _: KW_ONLY
    weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.principles, Mapping) or not self.principles:
            raise ConfigError(
                f"PrincipleProcess: principles must name at least one, got {self.principles!r}. "
                'Write e.g. {"searches for what is new": "new_search"}.'
            )
        for name, weight in self.weights.items():
            if name not in self.principles or not is_number(weight) or not weight > 0.0:
                raise ConfigError(
                    f"PrincipleProcess: weights must be above 0 and of a principle, got {name}: {weight!r}. "
                    f"Principles: {', '.join(self.principles)}."
                )
        signals = tuple(
            Native(given) if isinstance(given, str) else from_config(given)
            for given in self.principles.values()
        )
        object.__setattr__(self, "_signals", signals)
        object.__setattr__(
            self, "_weights", [self.weights.get(name, 1.0) for name in self.principles]
        )

    def parts(self) -> tuple[Reward, ...]:
        signals: tuple[Reward, ...] = self._signals  # type: ignore[attr-defined]
        return signals

    def combine(self, values: Sequence[Any]) -> Any:
        answers = np.stack(np.broadcast_arrays(*values)).astype(np.float64)
        silent = np.isnan(answers)
        for name, own in zip(self.principles, answers, strict=True):
            _require_answer(name, own)
        shape = (len(answers),) + (1,) * (answers.ndim - 1)
        weight = np.reshape(self._weights, shape) * ~silent  # type: ignore[attr-defined]
        asked = weight.sum(axis=0)
        kept = (weight * np.nan_to_num(answers)).sum(axis=0)
        return np.where(asked > 0.0, kept / np.where(asked > 0.0, asked, 1.0), UNDECIDED)


def _require_answer(name: str, answers: Any) -> None:
    wrong = np.ravel(answers)[np.ravel(~np.isin(answers, (0.0, 1.0)) & ~np.isnan(answers))]
    if wrong.size:
        raise RewardValueError(
            f'PrincipleProcess: "{name}" must be answered 1, 0 or NaN, got {wrong[0]:g}. '
            "Compare it with a number, e.g. rw.Native(...) > 0.5."
        )
