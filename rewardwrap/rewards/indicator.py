"""Whether a reward lies above or below a limit: 1 or 0."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.lane import LaneCode
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Pointwise, Reward, require_parts
from rewardwrap.rewards.limits import require_number

RELATIONS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
NEGATED = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}


@register("indicator")
class Indicator(Pointwise):
    """``1`` where ``base > limit``, else ``0``; what ``reward > x`` builds, and ``>= < <=``.

    The mean of an indicator is a rate, which is what `rw.Rates` holds; `rw.Gate` takes it as a
    violation. Two rewards compare through their difference, ``a > b`` is ``a - b > 0``. "And" is a
    product, "or" is ``a.maximum(b)``, "not" is ``1 - a``. ``==`` stays what it is for every object,
    identity: numbers with a fraction are hardly ever equal.

    Args:
        base: The reward that is compared.
        relation: ``">"``, ``">="``, ``"<"`` or ``"<="``.
        limit: What it is compared with, in the unit of the base.

    Raises:
        ConfigError: Another relation, or a limit that is no finite number. Also where an indicator is
            asked for its truth, as ``0 < reward < 1`` does, which Python reads as ``and``.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0] * 4, "action": [0] * 3, "reward": [1, 2, 3], "terminated": [0, 0, 1],
        ...        "truncated": [0, 0, 0]}
        >>> rw.relabel((rw.EnvReward() > 1) * (rw.EnvReward() <= 2), log)
        array([0., 1., 0.])
    """

    base: Reward
    relation: str
    limit: float

    def __post_init__(self) -> None:
        require_parts(self, (self.base,))
        if self.relation not in RELATIONS:
            raise ConfigError(
                f"Indicator: relation must be one of {', '.join(RELATIONS)}, got {self.relation!r}. "
                "Choose one."
            )
        require_number(self, "limit", "Compare with a number or with a reward.")

    def __bool__(self) -> bool:
        raise ConfigError(
            f"a comparison of rewards must be paid, not asked for its truth, got {self!r} in a "
            "condition. For a range write (low < reward) * (reward < high)."
        )

    @property
    def binary(self) -> bool:
        return True

    def combine(self, values: Sequence[Any]) -> Any:
        holds = RELATIONS[self.relation](values[0], self.limit)
        # what is not a number is neither above nor below: handed on, for the host to refuse
        return np.where(np.isnan(values[0]), values[0], holds)

    def write(self, code: LaneCode) -> str:
        value, limit = code.let(self.base.write(code), "compared"), float(self.limit)
        holds, fails = (
            f"{value} {sign} {limit!r}" for sign in (self.relation, NEGATED[self.relation])
        )
        return code.let(f"1.0 if {holds} else 0.0 if {fails} else {value}", "indicator")
