"""Contrastive agreement: answers to one wording of a question are judged by the votes on another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import RewardValueError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.scores.contract import register_score
from rewardwrap.scores.told import Told, told


@register_score("agreement")
class Agreement:
    """``1[y_i = y_v']``, ``y_v'`` the most frequent answer among the episodes of the other views.

    A vote within one view rewards what the policy already does, whatever made it do so; what only one
    wording suggests finds no agreement in another. No label is read. Needs groups of at least two views:
    ``rw.Grouped(rw.Agreement(), group=8, views=({"view": 0}, {"view": 1}))``, which centres within a view.

    Args:
        answer: Name of a number in ``info``, or a function of an episode: a whole number, NaN for no
            answer, which pays 0 and does not vote.
        view: The same for the number of the view.

    Raises:
        RewardValueError: Answers that are no whole numbers, or a group that has only one view.

    Source: Zhang et al., Co-Reward, 2025, arXiv 2508.00410. Two views there; of more, all others vote here.
        Ties go to the answer that came first. What is shared by both views and wrong is still agreed upon.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0, 0], "action": [0], "reward": [0], "terminated": [1], "truncated": [0]}
        >>> said = [(0, 0), (0, 0), (0, 1), (1, 0), (1, 2), (1, 2)]
        >>> group = [{**log, "info": {"view": [v], "answer": [a]}} for v, a in said]
        >>> rule = rw.Grouped(rw.Agreement(), group=6, centred=False)
        >>> [int(paid[-1]) for paid in rw.relabel(rule, group)]
        [0, 0, 0, 1, 0, 0]
    """

    answer: Told = "answer"
    view: Told = "view"

    def __call__(self, episodes: Sequence[Episode]) -> FloatArray:
        views = told("Agreement", self.view, episodes)
        if len(set(views.tolist())) < 2:
            raise RewardValueError(
                f"Agreement: a group must have at least two views, got {len(episodes)} episodes of one. "
                'Show others: rw.Grouped(score, views=({"view": 0}, {"view": 1})).'
            )
        answers = self._answers(episodes)
        paid = np.zeros(len(episodes))
        for view in set(views.tolist()):
            paid[views == view] = answers[views == view] == vote(answers[views != view])
        return paid

    def peek(self, episodes: Sequence[Episode]) -> FloatArray:
        """What episodes that stand alone agree with: nothing."""
        self._answers(episodes)
        return np.zeros(len(episodes))

    def _answers(self, episodes: Sequence[Episode]) -> FloatArray:
        answers = told("Agreement", self.answer, episodes)
        broken = np.flatnonzero(~np.isnan(answers) & (answers != np.round(answers)))
        if broken.size:
            raise RewardValueError(
                f"Agreement: answer must be a whole number or NaN, got {answers[broken[0]]:g}. Put it into "
                "bins: answer=lambda episode: round(10 * episode.obs[-1, 0])."
            )
        return answers


def vote(answers: FloatArray) -> float:
    """The most frequent answer, the earliest of those that are equally frequent; NaN where nobody voted."""
    given = answers[~np.isnan(answers)]
    if not given.size:
        return float("nan")
    values, first, counts = np.unique(given, return_index=True, return_counts=True)
    return float(values[np.lexsort((first, -counts))[0]])
