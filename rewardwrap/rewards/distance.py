"""A distance as a score that falls with it, by one width and one steepness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rewardwrap.core.config import from_config
from rewardwrap.core.errors import ConfigError, RewardValueError
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Pointwise, Reward
from rewardwrap.rewards.field import Field
from rewardwrap.rewards.limits import require_number


@register("distance")
class Distance(Pointwise):
    """``D(d) = exp(-d / (2 scale dispersion)) ^ (1 / density)``: 1 where the distance is 0, falling to 0.

    A larger dispersion or a larger density makes all of it larger: the first widens what counts as near, the
    second lifts what is far. Paid on every step it pays for loitering: put it into a potential, alone or as a
    component of `KRC`. A difference of two, ``0.5 * rw.Distance("to_goal", scale=1) - 0.5 *
    rw.Distance("to_own_goal", scale=1)``, says which goal the ball is nearer to.

    Args:
        of: A named field of the recipe, or a reward, that is a distance, at least 0.
        scale: c, the unit of distance, above 0: what counts as far.
        dispersion: Above 0.
        density: Above 0.

    Raises:
        ConfigError: A number that is not above 0, or ``of`` is neither.
        RewardValueError: A distance below 0, where it is paid.

    Source: Moschopoulos et al., "Lucy-SKG: Learning to play Rocket League efficiently using deep
        reinforcement learning", 2023, arXiv 2305.15801: parameterized distance rewards.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0, 0], "action": [0], "reward": [1000], "terminated": [1], "truncated": [0]}
        >>> rw.relabel(rw.Distance(rw.EnvReward(), scale=2300), log).round(4)
        array([0.8046])
    """

    of: Any
    scale: float
    dispersion: float = 1.0
    density: float = 1.0

    def __post_init__(self) -> None:
        for name in ("scale", "dispersion", "density"):
            require_number(self, name, "1 leaves it out.", low=0.0, above=True)
        try:
            read = Field(self.of) if isinstance(self.of, str) else from_config(self.of)
        except (ConfigError, TypeError) as error:
            raise ConfigError(
                f"{type(self).__name__}: of must be a field or a reward, got {self.of!r}. "
                'Name a distance, e.g. "ball_distance".'
            ) from error
        object.__setattr__(self, "_read", read)

    def parts(self) -> tuple[Reward, ...]:
        return (self._read,)  # type: ignore[attr-defined]

    def combine(self, values: Sequence[Any]) -> Any:
        return self._near(values[0]) ** (1.0 / self.density)

    def _near(self, distance: Any) -> Any:
        if np.any(np.less(distance, 0.0)):
            raise RewardValueError(
                f"{type(self).__name__}: a distance must be at least 0, got {np.min(distance):.4g}. "
                "Take its size."
            )
        return np.exp(-0.5 * np.asarray(distance) / (self.scale * self.dispersion))


@register("signed_distance")
class SignedDistance(Distance):
    """``sgn(x) |x| ^ (1 / density)``, ``x = 2 exp(-d / (2 scale dispersion)) - 1``: 1 near, -1 far away.

    It is 0 at ``d = 2 log(2) scale dispersion``; nearer is positive, which is what a component of `KRC`
    needs to say that something is bad.

    Args:
        of: As of `Distance`, and so are the others.

    Source: As of `Distance`: signed parameterized distances.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0, 0], "action": [0], "reward": [1000], "terminated": [1], "truncated": [0]}
        >>> rw.relabel(rw.SignedDistance(rw.EnvReward(), scale=2300), log).round(4)
        array([0.6092])
    """

    def combine(self, values: Sequence[Any]) -> Any:
        signed = 2.0 * self._near(values[0]) - 1.0
        return np.sign(signed) * np.abs(signed) ** (1.0 / self.density)
