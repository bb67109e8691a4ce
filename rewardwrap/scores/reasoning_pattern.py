"""Patterns of good work as a reward, and what they add to a model that is often too strict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import KW_ONLY

import numpy as np

from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.scores.contract import Score, register_score
from rewardwrap.scores.outcome import Outcome
from rewardwrap.scores.told import Told, measured, shares


@register_score("reasoning_pattern")
class ReasoningPattern:
    """``max(0, min(1, d / full) - rep - breaks)``: how many patterns were shown, without going in circles.

    ``d`` counts the patterns that occur, each once: repeating one adds nothing. ``rep`` is the share of the
    n-grams of actions that occur more than once, so long loops end at 0. It says nothing of the outcome: it
    teaches the task only as far as the patterns are what makes an episode right.

    Args:
        patterns: Events, each a number in ``info`` that is not 0 on some step, or a function of an episode.
        full: Patterns that are worth 1; None: all of them.
        ngram: Length of the n-grams of actions.
        breaks: Events that count against it by the number of steps on which they occur, such as starting
            on another task.

    Raises:
        ConfigError: No patterns, or numbers below 1.

    Source: Lv et al., The climb carves wisdom deeper than the summit, 2025, arXiv 2505.22653: 20 key
        phrases are worth 1, 20-grams of words. Here patterns are events and n-grams are of actions.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0, 0, 0], "action": [1, 2], "reward": [0, 0], "terminated": [0, 1]}
        >>> log |= {"truncated": [0, 0], "info": {"looked": [1, 0], "tried": [0, 0]}}
        >>> rw.relabel(rw.ReasoningPattern(("looked", "tried"), ngram=1), log)
        array([0. , 0.5])
    """

    patterns: tuple[Told, ...]
    _: KW_ONLY
    full: int | None = None
    ngram: int = 20
    breaks: tuple[Told, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.patterns, tuple | list) or not self.patterns:
            raise ConfigError(
                f"ReasoningPattern: patterns must be several events, got {self.patterns!r}. "
                'Write e.g. ("looked", "tried_again"), numbers in info.'
            )
        if (self.full is not None and self.full < 1) or self.ngram < 1:
            raise ConfigError(
                f"ReasoningPattern: full and ngram must be at least 1, got {self.full!r} and "
                f"{self.ngram!r}. Use None and 20."
            )

    def __call__(self, episodes: Sequence[Episode]) -> FloatArray:
        shown = sum((occurs(p, episodes) > 0 for p in self.patterns), np.zeros(len(episodes)))
        off = sum((occurs(b, episodes) for b in self.breaks), np.zeros(len(episodes)))
        circles = np.array([repeated(episode.action, self.ngram) for episode in episodes])
        share = np.minimum(1.0, shown / (self.full or len(self.patterns)))
        paid: FloatArray = np.maximum(0.0, share - circles - off)
        return paid


@register_score("calibrated")
class Calibrated:
    """``m + gain R`` where a model says ``m < threshold``; ``m`` elsewhere; 0 for what is not valid.

    A model that often takes right episodes for wrong ones is wrong less often about those that show how a
    right one comes about. ``R`` never lowers a score, and never changes the order of those at or above the
    threshold; one just below may pass one just above.

    Args:
        model: The noisy verdict in [0, 1]: a score, a reward's sum or a name in ``info``.
        pattern: ``R`` in [0, 1], e.g. `ReasoningPattern`.
        threshold: Below it ``m`` is raised.
        gain: By ``gain R`` at most, at least 0.
        valid: A score that is 0 where an episode has no valid form; None: all have.

    Raises:
        ConfigError: A number out of its range.

    Source: Lv et al., 2025, arXiv 2505.22653: threshold 0.5, gain 0.1.

    Example:
        >>> import rewardwrap as rw
        >>> strict = lambda episodes: [0.45] * len(episodes)
        >>> seen = lambda episodes: [0.3] * len(episodes)
        >>> log = {"obs": [0, 0], "action": [1], "reward": [0], "terminated": [1], "truncated": [0]}
        >>> rw.relabel(rw.Calibrated(strict, seen), log)
        array([0.48])
    """

    model: str | Outcome
    pattern: Score
    _: KW_ONLY
    threshold: float = 0.5
    gain: float = 0.1
    valid: str | Outcome | None = None

    def __post_init__(self) -> None:
        if not (0.0 <= self.threshold <= 1.0 and 0.0 <= self.gain < np.inf):
            raise ConfigError(
                f"Calibrated: threshold must lie in [0, 1] and gain be at least 0, got {self.threshold!r} "
                f"and {self.gain!r}. Use 0.5 and 0.1."
            )

    def __call__(self, episodes: Sequence[Episode]) -> FloatArray:
        said = shares("Calibrated", "model", measured("Calibrated", self.model, episodes))
        pattern = shares("Calibrated", "pattern", measured("Calibrated", self.pattern, episodes))
        raised = np.minimum(1.0, said + self.gain * pattern)
        found = np.where(said < self.threshold, raised, said)
        if self.valid is not None:
            found = np.where(measured("Calibrated", self.valid, episodes) == 0.0, 0.0, found)
        return found


def occurs(event: Told, episodes: Sequence[Episode]) -> FloatArray:
    """On how many steps of each episode, ``(n,)``; a function says it itself."""
    if not isinstance(event, str):
        return np.array([float(np.sum(event(episode))) for episode in episodes])
    return np.array(
        [np.count_nonzero(np.nan_to_num(e.info.get(event, 0.0))) for e in episodes], float
    )


def repeated(actions: FloatArray, length: int) -> float:
    """Share of the n-grams that occur more than once; 0 for an episode shorter than one."""
    rows = [np.asarray(action).tobytes() for action in actions]
    grams = Counter(tuple(rows[i : i + length]) for i in range(len(rows) - length + 1))
    total = sum(grams.values())
    return sum(count for count in grams.values() if count > 1) / total if total else 0.0
