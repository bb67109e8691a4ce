"""Components of written reward code: names, places in the tree, and what they leave of the total."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.reward import Reward
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.sandbox import allowed
from rewardwrap.sandbox.errors import SandboxError

TAKEN = ("env", "shaped")
REMAINDER = "remainder"
"""The term of what the components leave of the total."""
ROUND = 1e-6
"""What sums in float32 differ by, as a share of the largest number in them."""


def with_remainder(values: FloatArray) -> FloatArray:
    """``(1 + k, rows)`` and a last row: what the components leave of the total, 0 where they add up to it."""
    rest = values[0] - values[1:].sum(axis=0)
    rest[np.abs(rest) <= ROUND * np.abs(values).max(axis=0)] = 0.0
    return np.concatenate([values, rest[None]])


class Component(Reward):
    """The place of one component in the tree; the code that it belongs to pays it."""

    reads_obs: ClassVar[bool] = False
    shaping: ClassVar[bool] = False
    pays_at_end: ClassVar[bool] = False

    def __call__(self, batch: Transitions) -> FloatArray:
        raise TypeError("a component must be paid by its CodeReward, got a call of its own.")


def checked_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names that can be columns.

    Raises:
        SandboxError: One cannot, or there are too many.
    """
    for name in names:
        if not isinstance(name, str) or not allowed.COMPONENT.fullmatch(name) or name in TAKEN:
            raise SandboxError(
                "component names must be small letters, digits and '_', and not env or shaped, "
                f"got {str(name)[:60]!r}. They become columns and TensorBoard tags.",
                reason="gate",
            )
    if len(names) > allowed.MAX_COMPONENTS or len(set(names)) != len(names):
        raise SandboxError(
            f"components must be at most {allowed.MAX_COMPONENTS} different names, got {len(names)}. "
            "Add up those that belong together.",
            reason="gate",
        )
    return tuple(names)


def require_no_weights(names: object) -> None:
    """Refuse names that come with numbers: a reward that multiplies its parts has no weights.

    Raises:
        ConfigError: They do.
    """
    if isinstance(names, Mapping):
        raise ConfigError(
            f"CodeReward: components must be names, got weights {dict(names)}. Weights go into the code, "
            "where the total is added up: total = 2.0 * speed + upright; a number times the whole reward "
            "scales all of it."
        )


def require_remainder_free(names: Sequence[str]) -> None:
    """Refuse a component that has the remainder's name.

    Raises:
        SandboxError: One has.
    """
    if REMAINDER in names:
        raise SandboxError(
            f"component {REMAINDER} must have another name, got a total that is not written as the sum of "
            "its components: what they leave of it is recorded by that name. Rename it.",
            reason="gate",
        )
