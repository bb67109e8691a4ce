"""Several environments in one comparison: which they are, and the scale that makes them comparable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

import rewardwrap_envs
from rewardwrap.core.errors import ConfigError, UnknownName

SUITES: Mapping[str, tuple[str, str | None]] = {
    "atari": ("atari", "pixels"),
    "classic": ("classic_control", None),
    "mujoco": ("mujoco", None),
}
"""Name of a suite -> family of the recipes in it, and a tag that they carry."""


@dataclass(frozen=True)
class Scale:
    """Two true returns that make scores of different environments comparable.

    Args:
        random: Of a uniformly random policy; becomes 0.
        reference: Of a good agent; becomes 1.
        source: Where both come from.
    """

    random: float
    reference: float
    source: str = ""

    def __call__(self, returns: ArrayLike) -> NDArray[np.float64]:
        """``(x - random) / (reference - random)``, any shape.

        >>> Scale(-500.0, -100.0)(-200.0).item()
        0.75
        """
        found: NDArray[np.float64] = np.asarray(returns, np.float64) - self.random
        return found / (self.reference - self.random)


def scale_of(env: str, catalog: Sequence[str] = ()) -> Scale | None:
    """The scale that the recipe of an environment knows, if any.

    None where there is no recipe, where it lacks one of the two returns, or where the reference is no
    better than random play: there a normalised score would mean nothing.
    """
    recipe = rewardwrap_envs.find(env, catalog)
    returns = None if recipe is None else recipe.returns
    if returns is None or returns.random is None or returns.reference is None:
        return None
    if returns.reference <= returns.random:
        return None
    return Scale(returns.random, returns.reference, returns.source)


def members(suite: str, catalog: Sequence[str] = ()) -> list[str]:
    """Names of the environments of a suite: its recipes that have a scale, in alphabetical order.

    Raises:
        UnknownName: There is no such suite.
    """
    if suite not in SUITES:
        raise UnknownName("suite", suite, SUITES)
    family, tag = SUITES[suite]
    found = [
        name
        for name, recipe in rewardwrap_envs.recipes(*catalog).items()
        if recipe.suite == family and (tag is None or tag in recipe.tags)
    ]
    return sorted(name for name in found if scale_of(name, catalog) is not None)


def require_scale(envs: Sequence[str], catalog: Sequence[str] = ()) -> None:
    """Refuse environments of which none could be counted with another.

    Raises:
        ConfigError: Fewer than two have a scale.
    """
    known = [env for env in envs if scale_of(env, catalog) is not None]
    if len(known) < 2:
        raise ConfigError(
            "a comparison over several environments must have at least two whose recipe gives a "
            f"random and a better reference return, got {', '.join(known) or 'none'} of "
            f"{', '.join(envs)}. Add `returns:` to recipes of your own (--catalog DIR), or compare "
            "one environment at a time."
        )
