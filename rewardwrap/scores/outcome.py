"""Whether an episode was right: the 0 or 1 that scores of outcomes stand on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError, RewardValueError
from rewardwrap.core.reward import Reward
from rewardwrap.core.transitions import FloatArray
from rewardwrap.scores.contract import Score, scored

Outcome: TypeAlias = Reward | Score


def require_outcome(owner: str, outcome: Any) -> None:
    """Refuse what is neither a reward nor a score.

    Raises:
        ConfigError: It is neither.
    """
    if not isinstance(outcome, Reward) and not callable(outcome):
        raise ConfigError(
            f"{owner}: outcome must be a reward or a score of episodes, got {outcome!r}. "
            "Use rw.EnvReward() or a function of finished episodes."
        )


def outcomes(owner: str, outcome: Outcome, episodes: Sequence[Episode]) -> FloatArray:
    """``o`` of each episode, ``(n,)``: 0 or 1.

    Args:
        owner: Who asks; the subject of the error.
        outcome: A score; or a reward, whose sum over the episode it is.
        episodes: Finished ones.

    Raises:
        RewardValueError: Something else than 0 or 1.
    """
    if isinstance(outcome, Reward):
        found = np.array([outcome.over_time(episode.transitions()).sum() for episode in episodes])
    else:
        found = scored(outcome, episodes)
    whole = np.round(found)
    wrong = np.flatnonzero((np.abs(found - whole) > 1e-6) | ((whole != 0.0) & (whole != 1.0)))
    if wrong.size:
        raise RewardValueError(
            f"{owner}: outcome must be 0 or 1, got {found[wrong[0]]:g} for episode {wrong[0]} of "
            f"{len(found)}. Say when an episode is right, e.g. "
            "outcome=lambda episodes: [e.reward.sum() > 100 for e in episodes]."
        )
    return whole
