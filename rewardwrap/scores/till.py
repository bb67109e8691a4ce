"""Who pays one group after the other, while an environment runs and from logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.scores.contract import peeked, scored
from rewardwrap.scores.grouped import Grouped


@dataclass
class Till:
    """Pays one group after the other, and keeps count.

    Args:
        rule: What is paid.
        training: False judges each episode alone and plainly, and lets the score learn nothing.

    Attributes:
        groups: Groups so far.
        level: Those whose scores were all alike, which teach nothing.
        filtered: Those that ``keep`` dropped.
        dropped: Episodes that ``sigmas`` dropped.
        usual: Running mean of the groups' standard deviations, for ``keep``.
    """

    rule: Grouped
    training: bool = True
    groups: int = 0
    level: int = 0
    filtered: int = 0
    dropped: int = 0
    usual: float | None = None

    BEGINS, FILTERS, DECAY = 6, 11, 0.99

    def pay(self, episodes: Sequence[Episode]) -> FloatArray:
        """What each episode of a group is paid, ``(n,)``: a permuted group is paid permuted.

        Raises:
            RewardValueError: The score gives anything but one finite number for each.
        """
        self.groups += 1
        paid = np.zeros(len(episodes))
        judged = [i for i, episode in enumerate(episodes) if self._counts(episode)]
        if judged:
            ask = scored if self.training else peeked
            scores = ask(self.rule.score, [episodes[i] for i in judged])
            paid[judged] = self._compared(scores, judged)
        return paid

    def _compared(self, scores: FloatArray, judged: Sequence[int]) -> FloatArray:
        """Above the others of the same view, each view for itself."""
        if not (self.rule.centred and self.training):
            return scores
        if not self.rule.views:
            return self._centred(scores)
        views, paid = np.array([self.rule.view_of(i) for i in judged]), np.zeros(len(scores))
        told = [self._centred(scores[views == view]) for view in np.unique(views)]
        for view, part in zip(np.unique(views), told, strict=True):
            paid[views == view] = part
        return paid

    def shares(self) -> dict[str, float]:
        """Of all groups: those whose scores were alike, and those filtered; of all episodes, the dropped."""
        groups = max(1, self.groups)
        return {
            "groups": float(self.groups),
            "zero_variance_share": self.level / groups,
            "filter_rate": self.filtered / groups,
            "dropped_share": self.dropped / (groups * self.rule.group),
        }

    def _counts(self, episode: Episode) -> bool:
        return self.rule.limit == "end" or bool(episode.terminated[-1])

    def _centred(self, scores: FloatArray) -> FloatArray:
        mean, spread = _moments(scores)
        self.level += spread == 0.0
        if not self._kept(spread):
            self.filtered += 1
            return np.zeros(len(scores))
        inside = np.ones(len(scores), bool)
        if self.rule.sigmas is not None:
            # a score exactly on the border stays, whatever its mean was rounded to
            inside = np.abs(scores - mean) <= self.rule.sigmas * spread * (1.0 + 1e-9)
            self.dropped += int((~inside).sum())
            mean, spread = _moments(scores[inside])
        paid = np.where(inside, scores - mean, 0.0)
        if spread == 0.0:
            return np.zeros(len(scores))
        return paid / spread if self.rule.scaled else paid

    def _kept(self, spread: float) -> bool:
        if self.rule.keep is None or self.groups < self.BEGINS:
            return True
        usual = spread if self.usual is None else self.usual
        self.usual = self.DECAY * usual + (1.0 - self.DECAY) * spread
        return self.groups < self.FILTERS or spread >= self.rule.keep * usual


def _moments(scores: FloatArray) -> tuple[float, float]:
    """Mean and population standard deviation; (0, 0) of nothing.

    Of the sorted scores: a sum depends on the order of what it adds, and pay must not. A mean of equal
    numbers can miss them by a rounding, so their deviation is said outright.
    """
    if not len(scores):
        return 0.0, 0.0
    ordered = np.sort(scores)
    level = ordered[0] == ordered[-1]
    return float(ordered.mean()), 0.0 if level else float(ordered.std())


def in_logs(rule: Grouped, episodes: Sequence[Episode]) -> list[FloatArray]:
    """The pay of every step, ``(T,)`` for each episode; groups are ``rule.group`` neighbours.

    Raises:
        ConfigError: The last group is not complete.
    """
    if len(episodes) % rule.group:
        raise ConfigError(
            f"episodes must come in groups of {rule.group}, got {len(episodes)}. Put the episodes of one "
            "start next to each other and leave out groups that are not complete, or say another group."
        )
    till, rows = Till(rule), []
    for first in range(0, len(episodes), rule.group):
        group = list(episodes[first : first + rule.group])
        for episode, pay in zip(group, till.pay(group), strict=True):
            steps = len(episode)
            row = np.full(steps, pay / steps) if rule.even else np.zeros(steps)
            if not rule.even:
                row[-1] = pay
            rows.append(row)
    return rows
