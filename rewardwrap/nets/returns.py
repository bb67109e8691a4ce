"""Expected future reward: the return that follows a row, for potentials, scores and warm starts."""

from __future__ import annotations

from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.data import EpisodeStore
from rewardwrap.scores.returns import discounted


def returns_to_go(
    store: EpisodeStore, gamma: float, *, tail: Any = None, tolerance: float = 0.05
) -> FloatArray:
    """``G_t = r_t + gamma G_{t+1}`` for every step, ``(N,)``; NaN where it is not known.

    A terminated episode has nothing behind its last step. Behind a truncated or cut one there is
    value that was not logged: it is ``tail`` where given, and otherwise the rows that it weighs on,
    those with ``gamma^(T - t) > tolerance``, are masked. Reading it as 0 is wrong: on a six-state
    walk cut at 20 steps the values are off by 2.3 instead of 0.06.

    Use the fitted network as a potential, a score of clips or a critic's start, never as the reward of
    a step: that would pay the future twice.

    Args:
        store: Episodes; a missing reward makes everything before it unknown.
        gamma: Discount, in [0, 1].
        tail: ``(E,)`` value behind each episode's last step; read where it did not terminate.
        tolerance: Largest weight of an unknown tail that a row may carry.

    Example:
        >>> import numpy as np
        >>> from rewardwrap.data import EpisodeStore
        >>> one = {"obs": np.zeros((4, 1)), "action": np.zeros(3), "reward": [1.0, 0.0, 2.0],
        ...        "terminated": [0, 0, 1], "truncated": [0, 0, 0]}
        >>> returns_to_go(EpisodeStore.from_episodes([one]), 0.5).tolist()
        [1.5, 1.0, 2.0]
    """
    if not 0.0 <= gamma <= 1.0:
        raise ConfigError(f"returns: gamma must lie in [0, 1], got {gamma}. Use the agent's.")
    found = np.empty(store.steps)
    for i, (begin, length) in enumerate(zip(store.first_step, store.lengths, strict=True)):
        rows = slice(begin, begin + length)
        open_end = not store.terminated[begin + length - 1]
        behind = float(tail[i]) if open_end and tail is not None else 0.0
        found[rows] = discounted(store.reward[rows], gamma, behind)
        if open_end and tail is None:
            left = np.arange(length, 0, -1)
            found[rows][np.power(gamma, left) > tolerance] = np.nan
    return found
