"""Several yes-or-no principles as one reward, aimed anew without another fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.core.registry import register
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.rewards.learned import Learned
from rewardwrap.rewards.limits import is_number, require_choice
from rewardwrap.rewards.principled import Principled

COMBINE = ("mean", "all", "any")


@register("principles")
class Principles(Learned):
    """How well a step keeps the principles that are named, in [0, 1].

    ``c_j`` is the model's chance that principle j is kept; a negative weight asks for the opposite,
    ``1 - c_j``. With ``combine="mean"`` it pays ``sum |w_j| c_j / sum |w_j|``; with ``"all"`` the chance
    that all are kept, ``prod c_j``; with ``"any"`` ``1 - prod (1 - c_j)``. Always ``all <= mean <= any``.
    Principles, weights and combination are configuration: the same model serves them all.

    Args:
        path: What ``rewardwrap fit principles DIR LABELS --out MODEL`` wrote.
        weights: Principle -> weight, a number other than 0; None: all of the model's, alike.
        combine: ``"mean"``, ``"all"`` or ``"any"``; weights count by their sign alone in the last two.

    Raises:
        ConfigError: A model of something else, no weights, or one that is 0.
        UnknownName: A principle that the model does not judge.

    Source: Wang et al., RLBFF: binary flexible feedback, 2025, arXiv:2509.21319. Deviations: principles are
        columns of one network instead of words that it reads; the chances of "all" and "any" are those of
        independent principles.

    Example:
        >>> import rewardwrap as rw
        >>> reward = rw.Principles("model/", {"smooth": 2, "upright": 1})  # doctest: +SKIP
        >>> env = rw.make("Pendulum-v1", reward)  # doctest: +SKIP
    """

    weights: Mapping[str, float] | None = None
    combine: str = "mean"

    def __post_init__(self) -> None:
        require_choice(self, "combine", COMBINE)
        if self.weights is not None:
            wrong = [v for v in self.weights.values() if not is_number(v) or v == 0]
            if wrong or not self.weights:
                got = repr(wrong[0]) if wrong else "none"
                raise ConfigError(
                    f"Principles: weights must be numbers other than 0, got {got}. Leave out a principle "
                    "that does not count; a negative weight asks for its opposite."
                )
            object.__setattr__(self, "weights", {k: float(v) for k, v in self.weights.items()})
        super().__post_init__()

    def __call__(self, batch: Transitions) -> FloatArray:
        names, weights = self._chosen
        chance = self._judge.chances(batch)[names]
        kept = np.where(weights[:, None] > 0, chance, 1.0 - chance)
        if self.combine == "all":
            return np.asarray(kept.prod(axis=0))
        if self.combine == "any":
            return np.asarray(1.0 - (1.0 - kept).prod(axis=0))
        share = np.abs(weights) / np.abs(weights).sum()
        return np.asarray(share @ kept)

    @property
    def _judge(self) -> Principled:
        judge = self._net()
        assert isinstance(judge, Principled)
        return judge

    @property
    def _chosen(self) -> tuple[list[int], FloatArray]:
        """Places of the principles among the model's, and their weights."""
        names = self._judge.names
        weights = self.weights or dict.fromkeys(names, 1.0)
        return [names.index(name) for name in weights], np.array([*weights.values()])

    def _take(self, document: dict[str, Any], packed: bytes) -> None:
        super()._take(document, packed)
        judge = self.__dict__["_frozen"]
        if not isinstance(judge, Principled):
            raise ConfigError(
                f"Principles: model must judge principles, got one fitted by {document['objective']}. Fit it "
                "with rewardwrap fit principles DIR LABELS --out MODEL."
            )
        for name in self.weights or ():
            if name not in judge.names:
                raise UnknownName("principle", name, judge.names)
