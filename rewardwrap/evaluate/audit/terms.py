"""What is known of the recorded terms: which are verified potentials, and what else is paid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.reward import SHAPED, TRUE, Reward
from rewardwrap.evaluate.audit.potentials import TOLERANCE, Checked, addends, checked
from rewardwrap.evaluate.audit.tape import Episode

FloatArray = NDArray[np.float64]


class Terms:
    """The columns of a step, and what the reward says about them.

    Args:
        names: ``("env", <terms>, "shaped")``.
        gamma: Discount of the learner.
        reward: What is paid; None if nothing is known of it.

    Attributes:
        potentials: Those that can be checked.
        columns: Where their terms stand in ``names``.
        addends: Names of what is added to the pay directly.
        unchecked: A sentence for each potential that cannot be checked.
    """

    def __init__(self, names: Sequence[str], gamma: float, reward: Reward | None) -> None:
        self.names, self.gamma = tuple(names), gamma
        self.true, self.shaped = self.names.index(TRUE), self.names.index(SHAPED)
        found: list[Checked]
        found, self.unchecked = ([], []) if reward is None else checked(reward)
        self.potentials = [p for p in found if p.name in self.names]
        self.columns = [self.names.index(p.name) for p in self.potentials]
        self.addends = set() if reward is None else set(addends(reward))
        self._powers: FloatArray = gamma ** np.arange(1024, dtype=np.float64)

    def weights(self, length: int) -> FloatArray:
        """``gamma^t`` for ``t < length``."""
        if length > len(self._powers):
            self._powers = self.gamma ** np.arange(2 * length, dtype=np.float64)
        return self._powers[:length]

    def payer(self, episode: Episode, start: int, stop: int) -> tuple[str, float]:
        """The unverified term that pays most in a stretch, and its share of all that pay there."""
        part = episode.terms[start : stop + 1]
        left = {SHAPED, TRUE} | {
            p.name
            for p, r in zip(self.potentials, episode.residual, strict=True)
            if abs(r) <= TOLERANCE
        }
        own = [i for i, name in enumerate(self.names) if name not in left]
        if not own:
            return SHAPED, 1.0
        paid = self.weights(len(part)) @ part[:, own]
        best = int(np.argmax(paid))
        total = float(np.maximum(paid, 0.0).sum())
        return self.names[own[best]], float(paid[best]) / total if total > 0 else 1.0
