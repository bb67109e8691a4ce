"""A proxy that counts only as far as independent judges find the rest good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY

import numpy as np

from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError, RewardValueError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.scores.contract import Score, register_score, scored
from rewardwrap.scores.returns import Return

FAIR = 3.0
"""A grade from 1 to 5 that is neither good nor bad."""


@register_score("corrected")
class Corrected:
    """``r (u - 3) + shift``, ``u`` the mean of grades from 1 to 5: what a proxy is worth, quality counted.

    Where quality is fair nothing is gained by the proxy, and where it is bad more proxy is worse. Put
    beside the proxy during a training, it turns down while the proxy still rises: there the proxy is being
    hacked. It is a measure; trained on, the grades would be hacked in their turn.

    Args:
        proxy: ``r``: what is optimised, best in [0, 1].
        grades: Scores from 1 to 5 that do not know of the proxy, e.g. the true return's fifth, smoothness,
            kept limits.
        shift: What is added.

    Raises:
        ConfigError: No grades.
        RewardValueError: A grade outside [1, 5].

    Source: Wang et al., GDRO, 2026, arXiv 2601.02036 (three grades by a vision-language model, shift 0.2).

    Example:
        >>> import rewardwrap as rw
        >>> from rewardwrap.scores import Corrected
        >>> log = {"obs": [0, 0], "action": [0], "reward": [0.87], "terminated": [1], "truncated": [0]}
        >>> fair = lambda grade: lambda episodes: [grade] * len(episodes)
        >>> rw.relabel(Corrected(grades=(fair(3.4),)), log).round(3)
        array([0.548])
    """

    proxy: Score = Return()
    _: KW_ONLY
    grades: tuple[Score, ...]
    shift: float = 0.2

    def __post_init__(self) -> None:
        object.__setattr__(self, "grades", tuple(self.grades))
        if not self.grades:
            raise ConfigError(
                "Corrected: grades must hold at least one score from 1 to 5, got none. "
                "Add one that does not know of the proxy, e.g. of the true return."
            )

    def __call__(self, episodes: Sequence[Episode]) -> FloatArray:
        told = np.array([scored(grade, episodes) for grade in self.grades])
        wrong = np.flatnonzero((told < 1.0) | (told > 5.0))
        if wrong.size:
            raise RewardValueError(
                f"Corrected: grades must lie in [1, 5], got {told.flat[wrong[0]]:g}. "
                "Rescale it, e.g. 1 + 4 * share."
            )
        corrected: FloatArray = (
            scored(self.proxy, episodes) * (told.mean(axis=0) - FAIR) + self.shift
        )
        return corrected
