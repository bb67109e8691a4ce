"""A rule where it can be checked, a model where it cannot, and a length that nobody has to fear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY

import numpy as np

from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import BoolArray, FloatArray
from rewardwrap.rewards.env import EnvReward
from rewardwrap.scores.contract import register_score
from rewardwrap.scores.outcome import Outcome
from rewardwrap.scores.told import measured, shares


@register_score("hybrid")
class Hybrid:
    """``c rule + (1 - c) model + R_len + R_fmt``, in ``[-P, 1 + f]``.

    ``R_len = -P min(1, max(0, x - tau) / (1 - tau))``, ``x = |L - L*| / L*``, ``L*`` the mean length of the
    right ones among the episodes judged together (0 where there is none): a model's taste for long or short
    episodes is not followed, and a right length is learned from those that were right. ``R_fmt = f`` where
    the format is kept. ``P + f < 1``, so form never beats being right. An episode is right above 0.5 of
    the blend: a model whose taste for length alone reaches that moves ``L*``, and the penalty with it.

    Args:
        rule: The verdict: a reward that sums to it, a name in ``info`` or a score, in [0, 1].
        model: What says it where the rule cannot, in [0, 1]; None: nobody does.
        confidence: ``c``, how far the rule is to be trusted, in [0, 1]: a number for all, or for each
            episode as ``rule`` is.
        length: ``(tau, P)``: deviation that costs nothing, and the largest penalty; None for none.
        form: Whether the format was kept, as ``rule``; None: not asked.
        bonus: ``f``, paid for it.

    Raises:
        ConfigError: A field out of its range.
        RewardValueError: A part outside the range that is declared for it.

    Source: Gulhane and Indurthi, HARMO, 2025, arXiv 2510.05283. The blend by confidence and the equation of
        the length are ours; theirs was not told. They take off the group's mean alone: ``scaled=False``.

    Example:
        >>> import rewardwrap as rw
        >>> score = rw.Hybrid("is_success", confidence="checkable", form=None)
        >>> venv = rw.make_grouped("rewardwrap/Verify-v0", score, group=4, n_envs=4)
    """

    rule: str | Outcome = EnvReward()
    model: str | Outcome | None = None
    _: KW_ONLY
    confidence: float | str | Outcome = 1.0
    length: tuple[float, float] | None = (0.2, 0.5)
    form: str | Outcome | None = None
    bonus: float = 0.1

    def __post_init__(self) -> None:
        tau, most = self.length or (0.0, 0.0)
        if not (0.0 <= tau < 1.0 and most >= 0.0):
            raise ConfigError(
                f"Hybrid: length must be (tau in [0, 1), penalty of at least 0), got {self.length!r}. "
                "Use (0.2, 0.5), or None."
            )
        if not (self.bonus >= 0.0 and most + self.bonus < 1.0):
            raise ConfigError(
                f"Hybrid: penalty and bonus must be below 1 together, got {most:g} and {self.bonus!r}: form "
                "would beat being right. Use (0.2, 0.5) and 0.1."
            )
        if isinstance(self.confidence, int | float) and not 0.0 <= self.confidence <= 1.0:
            raise ConfigError(
                f"Hybrid: confidence must lie in [0, 1], got {self.confidence!r}. 1 trusts the rule alone."
            )

    def __call__(self, episodes: Sequence[Episode]) -> FloatArray:
        right = self.verdict(episodes)
        paid = right + self._length(episodes, right > 0.5)
        if self.form is not None:
            kept = shares("Hybrid", "form", measured("Hybrid", self.form, episodes))
            paid = paid + self.bonus * kept
        return paid

    def verdict(self, episodes: Sequence[Episode]) -> FloatArray:
        """``c rule + (1 - c) model``, ``(n,)`` in [0, 1]."""
        rule = shares("Hybrid", "rule", measured("Hybrid", self.rule, episodes))
        if isinstance(self.confidence, int | float):
            trust = np.full(len(episodes), float(self.confidence))
        else:
            trust = shares("Hybrid", "confidence", measured("Hybrid", self.confidence, episodes))
        if self.model is None:
            return trust * rule
        model = shares("Hybrid", "model", measured("Hybrid", self.model, episodes))
        return trust * rule + (1.0 - trust) * model

    def _length(self, episodes: Sequence[Episode], right: BoolArray) -> FloatArray:
        if self.length is None or not right.any():
            return np.zeros(len(episodes))
        tau, most = self.length
        steps = np.array([len(episode) for episode in episodes], np.float64)
        off = np.abs(steps / steps[right].mean() - 1.0)
        lost: FloatArray = -most * np.clip((off - tau) / (1.0 - tau), 0.0, 1.0)
        return lost
