"""What an episode came to, by the name of a number in its info or by a function of the user's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import RewardValueError
from rewardwrap.core.reward import Reward
from rewardwrap.core.transitions import FloatArray
from rewardwrap.scores.contract import scored
from rewardwrap.scores.outcome import Outcome

Told: TypeAlias = str | Callable[[Episode], Any]
"""A number in ``info``, whose last value counts; or a function of one finished episode."""


def told(owner: str, what: Told, episodes: Sequence[Episode]) -> FloatArray:
    """One number for each episode, ``(n,)``; NaN where there is none.

    Raises:
        RewardValueError: An episode's info does not have it.
    """
    if not isinstance(what, str):
        return np.array([np.ravel(what(episode))[-1] for episode in episodes], np.float64)
    missing = next((e for e in episodes if what not in e.info), None)
    if missing is not None:
        raise RewardValueError(
            f'{owner}: info must have "{what}", got {", ".join(missing.info) or "no numbers"}. Report it '
            f"in the environment's info, or give a function: lambda episode: ..."
        )
    return np.array([episode.info[what][-1] for episode in episodes], np.float64)


def measured(owner: str, what: str | Outcome, episodes: Sequence[Episode]) -> FloatArray:
    """One finite number for each episode, ``(n,)``, by a name in ``info``, a reward's sum or a score."""
    if isinstance(what, Reward):
        return np.array([what.over_time(episode.transitions()).sum() for episode in episodes])
    return told(owner, what, episodes) if isinstance(what, str) else scored(what, episodes)


def shares(owner: str, name: str, values: FloatArray) -> FloatArray:
    """The values, if they are all shares.

    Raises:
        RewardValueError: One lies outside [0, 1] or is NaN.
    """
    wrong = np.flatnonzero(~((values >= -1e-9) & (values <= 1.0 + 1e-9)))
    if wrong.size:
        raise RewardValueError(
            f"{owner}: {name} must lie in [0, 1], got {values[wrong[0]]:g} for episode {wrong[0]} of "
            f"{len(values)}. Rescale it to the range that it is declared to have."
        )
    return np.clip(values, 0.0, 1.0)
