"""Kinesthetic reward combination: all components must be good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rewardwrap.core.registry import register
from rewardwrap.core.reward import Pointwise, Reward, require_parts


@register("krc")
class KRC(Pointwise):
    """``sgn * (prod_i |R_i|)^(1/n)`` with ``sgn = +1`` where all ``R_i > 0``, else -1.

    The geometric mean of the sizes, so one component near 0 silences the rest, and two negative
    ones do not cancel as they would in a product. ``|R| <= max |R_i|``, hence at most 1 for
    components in [-1, 1]; equal components give themselves back. Where one of them is 0 the result
    is 0, and the root is steep there. Meant as a potential's Phi; paid directly it is not
    policy-invariant.

    Args:
        components: What must all be good; bring them to one scale first, best [-1, 1].

    Source: Moschopoulos et al., "Lucy-SKG: Learning to play Rocket League efficiently using deep
        reinforcement learning", 2023, arXiv 2305.15801. The strict sign is the equation's; the
        authors' code has ``>=`` in some composites, which differs only where the result is 0.

    Example:
        >>> import rewardwrap as rw
        >>> krc = rw.KRC([rw.EnvReward(), rw.Constant(-0.8), rw.Constant(0.9)])
        >>> log = {"obs": [0, 0], "action": [0], "reward": [0.5],
        ...        "terminated": [1], "truncated": [0]}
        >>> rw.relabel(krc, log).round(4)
        array([-0.7114])
    """

    components: tuple[Reward, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "components", tuple(self.components))
        require_parts(self, self.components)

    def parts(self) -> tuple[Reward, ...]:
        return self.components

    def combine(self, values: Sequence[Any]) -> Any:
        # a geometric mean of roots cannot underflow, as the root of a product can
        size: Any = 1.0
        positive: Any = True
        for value in values:
            size = size * np.abs(value) ** (1.0 / len(values))
            positive = positive & np.greater(value, 0.0)
        return np.where(positive | (size == 0.0), size, -size)
