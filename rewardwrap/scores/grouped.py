"""What the episodes of a group are paid: each its score, or how far it stands above its group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np

from rewardwrap.core.errors import ConfigError, warn
from rewardwrap.core.lane import LaneCode
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.scores.choice import chosen_score
from rewardwrap.scores.contract import Score

AtLimit: TypeAlias = Literal["end", "bootstrap"]
PAY = "rewardwrap/score"
"""Key of what an episode is paid, in the info of its last step: lanes that wait for their group say it."""


@register("grouped")
class Grouped(Reward):
    """``A_i = s_i - mean(s)`` over a group of episodes that began in the same state.

    Which of the same start's episodes were better is what a policy gradient needs; the mean of the group is a
    baseline that no network has to learn. Pay of a group sums to 0 unless ``centred`` is False. It is paid on
    the last step of each episode, by `rw.make`, `rw.make_grouped` and ``rewardwrap train --score``, whose
    lanes wait for their group; `rw.relabel` pays the same from logs.

    Args:
        score: Gives each of n finished episodes a number; also its tag, ``"module:function"`` or its
            configuration.
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
        views: Arguments of the environment for each of several views of one start, such as wordings or
            time limits; the first ``G / len(views)`` lanes of a group show the first. Centring, scaling
            and filters are those of a view. Evaluation shows what the environment shows by itself.
        even: In logs, pay ``A_i / T`` on each of T steps instead of ``A_i`` on the last. While an
            environment runs its steps are handed out before the score is known: there
            `rw.SpreadReplayBuffer` does it in the memory of an off-policy learner.

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
    views: tuple[Mapping[str, Any], ...] = ()
    even: bool = False

    reads_obs: ClassVar[bool] = False
    shaping: ClassVar[bool] = False
    pays_at_end: ClassVar[bool] = True
    clock: ClassVar[str] = "episode"

    def __post_init__(self) -> None:
        object.__setattr__(self, "score", chosen_score(self.score, "Grouped: score"))
        if type(self.group) is not int or self.group < 1:
            raise ConfigError(
                f"Grouped: group must be a whole number of at least 1, got {self.group!r}. Use 4 or 8."
            )
        if self.limit not in ("end", "bootstrap"):
            raise ConfigError(
                f'Grouped: limit must be "end" or "bootstrap", got {self.limit!r}. '
                "A score judges whole episodes: an end, unless the learner shall look behind the cut."
            )
        if not all(isinstance(view, Mapping) for view in self.views):
            raise ConfigError(
                f"Grouped: views must be arguments of the environment, got {self.views!r}. "
                'Write e.g. ({"view": 0}, {"view": 1}).'
            )
        if self.views and self.group % len(self.views):
            raise ConfigError(
                f"Grouped: group must be a multiple of the views, {len(self.views)}, got {self.group}. "
                f"Use {len(self.views) * max(2, self.group // len(self.views))}."
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

    def validate(self, task: Task) -> None:
        told = getattr(self.score, "validate", None)
        if told is not None:
            # a score that reads named fields learns here which environment it judges
            told(task)

    def view_of(self, place: int) -> int:
        """Which view the lane at this place of its group shows."""
        return place % self.group * max(1, len(self.views)) // self.group

    def __call__(self, batch: Transitions) -> FloatArray:
        paid: FloatArray = np.zeros(batch.lanes) + batch.info.get(PAY, 0.0)
        return paid

    def write(self, code: LaneCode) -> str:
        return f"info.get({PAY!r}, 0.0)"
