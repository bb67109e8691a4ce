"""Conciseness: brevity that raises the pay of a right episode and never that of a wrong one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, field
from typing import Literal

import numpy as np

from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError, RewardValueError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.rewards.env import EnvReward
from rewardwrap.scores.contract import Score, register_score, scored
from rewardwrap.scores.outcome import Outcome, outcomes, require_outcome

LEAST = 0.1
EPISODES = 10_000


@register_score("concise")
class Concise:
    """``o (1 + alpha c (s + d))``: the outcome, and a bonus for brevity where it was right.

    ``o`` is 0 or 1. ``c`` falls linearly from 1 at ``steps[0]`` steps to 0.1 at ``steps[1]``. A penalty
    per step that is added instead, ``o - w L``, ranks a short wrong episode above a long right one, and the
    policy gradient ends in instant wrong answers.

    Args:
        outcome: Says 0 or 1 of an episode: a score, or a reward that sums to that.
        steps: Best known length, and the length that counts as no brevity at all.
        alpha: Largest share of the bonus, at least 0.
        anneal: ``s``, at least 0; or ``(first, last)`` or ``(first, last, n)``, which moves from one to the
            other over the first n episodes that were judged (10 000).
        difficulty: ``"group"``: ``d`` is the share of right episodes among those judged together, so that
            brevity is asked of a start once it is easy. None: 0.
        scorer: Gives ``c`` in [0.1, 1] instead of ``steps``: a score, e.g. of repeated actions.

    Raises:
        ConfigError: A field out of its range, or neither ``steps`` nor ``scorer``.

    Source: Wang et al., Towards efficient reasoning with conciseness rewards, 2025, arXiv 2511.09158. Its
        scorer is a model trained on annotated texts; here ``c`` is linear in the length, or yours. The
        direction of ``s`` and what ``d`` measures are not told there, and are choices here.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0] * 5, "action": [0] * 4, "terminated": [0, 0, 0, 1], "truncated": [0] * 4}
        >>> rw.relabel(rw.Concise(steps=(0, 10)), {**log, "reward": [0, 0, 0, 1]})
        array([0.  , 0.  , 0.  , 1.32])
    """

    outcome: Outcome = EnvReward()
    _: KW_ONLY
    steps: tuple[float, float] | None = (4, 20)
    alpha: float = 0.5
    anneal: float | tuple[float, ...] = 1.0
    difficulty: Literal["group"] | None = None
    scorer: Score | None = None
    _judged: list[int] = field(init=False, repr=False, default_factory=lambda: [0])

    def __post_init__(self) -> None:
        require_outcome("Concise", self.outcome)
        if not 0.0 <= self.alpha < np.inf:
            raise ConfigError(
                f"Concise: alpha must be at least 0, got {self.alpha!r}. Use 0.5: a right episode then pays "
                "between 1 and 1.5."
            )
        if self.scorer is None:
            self._require_steps()
        levels = np.ravel(self.anneal)
        if not 1 <= len(levels) <= 3 or not ((levels >= 0.0) & (levels < np.inf)).all():
            raise ConfigError(
                f"Concise: anneal must be a number of at least 0 or (first, last, episodes), got "
                f"{self.anneal!r}. Use 1.0, or (1.0, 0.0, 5000)."
            )
        if self.difficulty not in (None, "group"):
            raise ConfigError(
                f'Concise: difficulty must be "group" or None, got {self.difficulty!r}. Choose one.'
            )

    def _require_steps(self) -> None:
        known = self.steps is not None and len(self.steps) == 2
        if not known or not 0 <= self.steps[0] < self.steps[1] < np.inf:  # type: ignore[index]
            raise ConfigError(
                f"Concise: steps must be (best known length, longest), two rising numbers, got "
                f"{self.steps!r}. Take the time limit for the second, or give a scorer."
            )

    def __call__(self, episodes: Sequence[Episode]) -> FloatArray:
        paid = self.peek(episodes)
        self._judged[0] += len(paid)
        return paid

    def peek(self, episodes: Sequence[Episode]) -> FloatArray:
        """The same, without counting them: ``anneal`` stays where it is."""
        right = outcomes("Concise", self.outcome, episodes)
        brevity = self.brevity(episodes)
        wish = self._wish() + (right.mean() if self.difficulty and len(right) else 0.0)
        paid: FloatArray = right * (1.0 + self.alpha * brevity * wish)
        return paid

    def brevity(self, episodes: Sequence[Episode]) -> FloatArray:
        """``c``, ``(n,)`` in [0.1, 1], of right and wrong ones alike."""
        if self.scorer is None:
            best, longest = self.steps or (0.0, 1.0)
            length = np.array([len(episode) for episode in episodes], np.float64)
            share = (length - best) / (longest - best)
            return np.clip(1.0 - (1.0 - LEAST) * share, LEAST, 1.0)
        found = scored(self.scorer, episodes)
        if ((found < LEAST) | (found > 1.0)).any():
            raise RewardValueError(
                f"Concise: scorer must give numbers in [{LEAST}, 1], got {found.min():g} to "
                f"{found.max():g}. Rescale it, e.g. 0.1 + 0.9 * share of steps that were new."
            )
        return found

    def _wish(self) -> float:
        """``s`` after what was judged so far."""
        first, last, episodes = (*np.ravel(self.anneal), *(None,) * 2)[:3]
        if last is None:
            return float(first)
        done = self._judged[0] / max(1.0, EPISODES if episodes is None else episodes)
        return float(first + (last - first) * min(1.0, done))
