"""Bounds for learned rewards: sigmoids against references, log-sigmoid, tanh, symlog, sign.

None of them keeps the optimal policy: a bend weighs large and small rewards anew. Scale and clip
are operators, ``2 * reward`` and ``reward.clip(low, high)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY
from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.registry import register
from rewardwrap.core.reward import OfOne, Pointwise, Reward, require_parts
from rewardwrap.rewards.limits import is_number, require_number
from rewardwrap.rewards.references import (
    References,
    StartReference,
    read_references,
    require_same_score,
)


@register("par")
class PAR(Pointwise):
    """``mean_m sigmoid(k * (r - ref_m))``: preference as reward, in (0, 1).

    Strictly increasing in ``r``, 1/2 at a single reference, steepest there (``k / 4``), flat far
    above it, where a learned reward is not to be trusted. All of it is positive, so paid on every
    step it pays for staying alive: judge whole episodes, ``Sparsify(PAR(EpisodeSum(score),
    references), last=True)``, with references that are scores of whole episodes of a frozen
    reference policy. On single steps use it only with references that are scores of single steps.

    Args:
        base: The score.
        references: Scores of a frozen reference policy; one suffices. Those of the current policy
            would chase it. Numbers serve all starts alike; where starts differ in what can be had
            there, give `rw.References`, scores for each start, as the paper does for each prompt.
        k: Steepness, per unit of the score.

    Raises:
        ConfigError: No references, one that is not finite, or ``k <= 0``.

    Source: Fu et al., "Reward shaping to mitigate reward hacking in RLHF", 2025, arXiv 2502.18770.
        Deviation: the length penalty is a term of its own.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0, 0], "action": [0], "reward": [2], "terminated": [1], "truncated": [0]}
        >>> rw.relabel(rw.PAR(rw.EnvReward(), [0.5, 1.5, 3]), log).round(4).tolist()
        [0.5697]
    """

    base: Reward
    references: tuple[float, ...] | References
    _: KW_ONLY
    k: float = 1.0

    def __post_init__(self) -> None:
        require_parts(self, (self.base,))
        require_number(self, "k", "Start with 1.", low=0.0, above=True)
        object.__setattr__(self, "_starts", ())
        references = read_references(self.references)
        if isinstance(references, References):
            require_same_score(references, self.base, "PAR")
            made = (StartReference(references, m) for m in range(references.scores.shape[1]))
            object.__setattr__(self, "_starts", tuple(made))
            object.__setattr__(self, "references", references)
            return
        given = np.ravel(np.asarray(references, dtype=object)).tolist()
        if not given or not all(is_number(reference) for reference in given):
            raise ConfigError(
                f"PAR: references must be finite numbers, at least one, got {self.references!r}. "
                "Score some episodes of a frozen policy."
            )
        object.__setattr__(self, "references", tuple(float(reference) for reference in given))

    def parts(self) -> tuple[Reward, ...]:
        return (self.base, *self._starts)  # type: ignore[attr-defined]

    def combine(self, values: Sequence[Any]) -> Any:
        references: Any = values[1:] or self.references
        # sigmoid(x) = exp(-log(1 + exp(-x))), which overflows nowhere
        sigmoids = [np.exp(-np.logaddexp(0.0, self.k * (r - values[0]))) for r in references]
        return sum(sigmoids[1:], start=sigmoids[0]) / len(sigmoids)


@register("log_sigmoid")
class LogSigmoid(Pointwise):
    """``u = log sigmoid(r - reference)``: the log-probability that ``r`` is good enough.

    A sum of these is a soft AND, ``log P(good in every property)`` if properties are independent;
    raising a bad property helps more than raising a good one. A property counted twice counts
    double. Always negative, so on single steps it pays for ending early: use it on the last step,
    as `PAR` says, or add ``log 2``. Scores need the scale of a Bradley-Terry model; divide others
    by a temperature first.

    Args:
        base: The score.
        reference: Score that is good enough, where ``u = -log 2``: e.g. the 85 % quantile of a
            frozen policy's scores; or `rw.References` with one score for each start,
            ``refs.quantile(0.85)``.

    Raises:
        ConfigError: reference is no finite number, or holds several for a start.

    Source: Wang et al., "Transforming and combining rewards for aligning large language models",
        ICML 2024, arXiv 2402.00742.

    Example:
        >>> import rewardwrap as rw
        >>> both = rw.LogSigmoid(rw.Constant(3)) + rw.LogSigmoid(rw.Constant(-3))
        >>> log = {"obs": [0, 0], "action": [0], "reward": [0], "terminated": [1], "truncated": [0]}
        >>> rw.relabel(both, log).round(4).tolist()
        [-3.0972]
    """

    base: Reward
    reference: float | References = 0.0

    def __post_init__(self) -> None:
        require_parts(self, (self.base,))
        object.__setattr__(self, "_starts", ())
        reference = read_references(self.reference)
        if isinstance(reference, References):
            if reference.scores.shape[1] != 1:
                raise ConfigError(
                    "LogSigmoid: reference must be one score for each start, got "
                    f"{reference.scores.shape[1]}. Use refs.quantile(0.85)."
                )
            require_same_score(reference, self.base, "LogSigmoid")
            object.__setattr__(self, "_starts", (StartReference(reference),))
            object.__setattr__(self, "reference", reference)
            return
        require_number(self, "reference", "Use a quantile of a frozen policy's scores.")

    def parts(self) -> tuple[Reward, ...]:
        return (self.base, *self._starts)  # type: ignore[attr-defined]

    def combine(self, values: Sequence[Any]) -> Any:
        reference: Any = values[1] if len(values) > 1 else self.reference
        return -np.logaddexp(0.0, reference - values[0])


@register("tanh")
class Tanh(OfOne):
    """``tanh(r / scale)``, in [-1, 1]: odd, near the identity (over ``scale``) for small ``r``.

    Args:
        base: The reward.
        scale: Size of a usual reward, in its unit; above 0.

    Raises:
        ConfigError: ``scale <= 0``.

    Example:
        >>> import rewardwrap as rw
        >>> venv = rw.make("Pendulum-v1", rw.Tanh(rw.EnvReward(), scale=5.0), n_envs=2)
    """

    scale: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number(self, "scale", "Give the reward's usual size.", low=0.0, above=True)

    def combine(self, values: Sequence[Any]) -> Any:
        return np.tanh(values[0] / self.scale)


@register("symlog")
class Symlog(OfOne):
    """``sign(r) * log(1 + |r|)``: odd, invertible, never larger than ``r``; tames rewards of many
    sizes.

    Args:
        base: The reward.

    Source: Hafner et al., "Mastering diverse domains through world models", 2023, arXiv 2301.04104.

    Example:
        >>> import rewardwrap as rw
        >>> venv = rw.make("Pendulum-v1", rw.Symlog(rw.EnvReward()), n_envs=2)
    """

    def combine(self, values: Sequence[Any]) -> Any:
        return np.sign(values[0]) * np.log1p(np.abs(values[0]))


@register("sign")
class Sign(OfOne):
    """``sign(r)``, one of -1, 0, 1, as for Atari. +1 and +10 become the same, so a choice between
    ties.

    Args:
        base: The reward.

    Source: Mnih et al., "Human-level control through deep reinforcement learning", 2015,
        doi 10.1038/nature14236.

    Example:
        >>> import rewardwrap as rw
        >>> venv = rw.make("Pendulum-v1", rw.Sign(rw.EnvReward()), n_envs=2)
    """

    def combine(self, values: Sequence[Any]) -> Any:
        return np.sign(values[0])
