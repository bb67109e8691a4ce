"""What the episodes of a group are paid: each its score, or how far it stands above its group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal, TypeAlias

import numpy as np

from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError, warn
from rewardwrap.core.transitions import FloatArray
from rewardwrap.scores.contract import Score, scored

AtLimit: TypeAlias = Literal["end", "bootstrap"]


@dataclass(frozen=True)
class Grouped:
    """``A_i = s_i - mean(s)`` over a group of episodes that began in the same state.

    Which of the same start's episodes were better is what a policy gradient needs; the mean of the group is a
    baseline that no network has to learn. Pay of a group sums to 0 unless ``centred`` is False.

    Args:
        score: Gives each of n finished episodes a number.
        group: Episodes of a group, G.
        centred: Whether the group's mean is taken off; False pays each episode its score.
        scaled: Whether the rest is divided by the group's standard deviation (GRPO). A group of equal
            scores pays 0.
        sigmas: Drop episodes further than so many standard deviations from the mean: they pay 0, and the
            others are centred anew. In a group of G the furthest lies ``sqrt(G - 1)`` away at most, so 3
            needs more than ten.
        keep: Drop a group whose standard deviation is below ``keep`` times the running mean of those
            before it (RLPR's filter: decay 0.99, the mean begins at the 6th group, the filter at the 11th).
        limit: What a time limit is. ``"end"``: a cut episode is over and is paid. ``"bootstrap"``: the
            learner adds the value behind the cut, so a cut episode pays nothing and is not compared.
        even: In logs, pay ``A_i / T`` on each of T steps instead of ``A_i`` on the last.

    Raises:
        ConfigError: A field out of its range.

    Warns:
        RewardwrapWarning: A group of one, which is its own mean and pays 0.

    Source: Shao et al., DeepSeekMath, 2024, arXiv 2402.03300, 4.1 (centred and scaled); Gulhane and
        Indurthi, 2025, arXiv 2510.05283 (centred alone); Zhang et al., R1-Reward, 2025, arXiv 2505.02835
        (``sigmas``); Yu et al., RLPR, 2025, arXiv 2506.18254 (``keep``). The standard deviation is that
        of the population, without a constant under it; what ``sigmas`` leaves is centred anew, so that
        the sum stays 0.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0, 0, 0], "action": [0, 0], "terminated": [0, 1], "truncated": [0, 0]}
        >>> returns = lambda episodes: [e.reward.sum() for e in episodes]
        >>> pair = [{**log, "reward": [1, 1]}, {**log, "reward": [1, 5]}]
        >>> rw.relabel(rw.Grouped(returns, group=2), pair)
        [array([ 0., -2.]), array([0., 2.])]
    """

    score: Score
    _: KW_ONLY
    group: int = 4
    centred: bool = True
    scaled: bool = False
    sigmas: float | None = None
    keep: float | None = None
    limit: AtLimit = "end"
    even: bool = False

    def __post_init__(self) -> None:
        if not callable(self.score):
            raise ConfigError(
                f"Grouped: score must be a callable on finished episodes, got {self.score!r}. "
                "Write score(episodes) -> (n,), e.g. lambda es: [e.reward.sum() for e in es]."
            )
        if type(self.group) is not int or self.group < 1:
            raise ConfigError(
                f"Grouped: group must be a whole number of at least 1, got {self.group!r}. Use 4 or 8."
            )
        if self.limit not in ("end", "bootstrap"):
            raise ConfigError(
                f'Grouped: limit must be "end" or "bootstrap", got {self.limit!r}. '
                "A score judges whole episodes: an end, unless the learner shall look behind the cut."
            )
        for name in ("sigmas", "keep"):
            value = getattr(self, name)
            if value is not None and not 0.0 < value < np.inf:
                raise ConfigError(
                    f"Grouped: {name} must be above 0, got {value!r}. Leave it out to drop nothing."
                )
        if not self.centred and (self.scaled or self.sigmas is not None or self.keep is not None):
            raise ConfigError(
                "Grouped: scaled, sigmas and keep must go with centred=True, got centred=False. "
                "Plain pay is the score as it stands."
            )
        if self.centred and self.group == 1:
            warn(
                "Grouped: group should be at least 2, got 1: an episode alone is its own mean and pays 0. "
                "Say group=4, or centred=False to pay the score itself."
            )


@dataclass
class Till:
    """Pays one group after the other, and keeps count.

    Args:
        rule: What is paid.

    Attributes:
        groups: Groups so far.
        level: Those whose scores were all alike, which teach nothing.
        filtered: Those that ``keep`` dropped.
        dropped: Episodes that ``sigmas`` dropped.
        usual: Running mean of the groups' standard deviations, for ``keep``.
    """

    rule: Grouped
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
            scores = scored(self.rule.score, [episodes[i] for i in judged])
            paid[judged] = self._centred(scores) if self.rule.centred else scores
        return paid

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
