"""A bonus for directions that this episode has not gone."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.registry import register
from rewardwrap.core.transitions import Carry, Transitions
from rewardwrap.rewards.curiosity import Mind, Nets, Sizes, Student
from rewardwrap.rewards.inverse import inverse_loss, inverse_nets
from rewardwrap.rewards.limits import require_number
from rewardwrap.rewards.reading import Seen


@register("e3b")
class E3B(Student):
    """``phi(s')^T C^-1 phi(s')``, where ``C = ridge I + sum phi phi^T`` over the episode so far.

    Counts of an episode, for features instead of keys: a state in one direction with those before pays
    less and less, 1/N for one and the same. ``phi`` is learned with an inverse model and so sees what
    actions change. For tasks whose episodes differ; what is known of one tells nothing of the next.

    Args:
        hidden: Units of the hidden layers.
        features: Numbers of phi.
        ridge: The prior, above 0; ``1 / ridge`` is what a first unit feature pays.
        every: Steps of all lanes together between two updates; about a rollout.
        rate: Learning rate.
        seed: Of the first weights and of the order of what is learned.
        normalise: Whether to divide by the running deviation of the discounted sum.
        gamma: Discount of that sum, in [0, 1].

    Raises:
        ConfigError: A number outside its range; observations or actions that are no numbers.

    Source: Henaff et al., "Exploration via elliptical episodic bonuses", 2022, arXiv 2210.05805,
        equations 1 and 2. Deviation: images pass one fixed random convolution first.

    Example:
        >>> import rewardwrap as rw
        >>> venv = rw.make("MountainCar-v0", rw.EnvReward() + 0.1 * rw.E3B().clip(0, 1), n_envs=8)
    """

    reads: ClassVar[tuple[str, ...]] = ("obs", "action", "next_obs")
    recomputes: ClassVar[bool] = False
    sizes: ClassVar[tuple[str, ...]] = ("hidden", "features")

    _: KW_ONLY
    hidden: int = 64
    features: int = 16
    ridge: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number(self, "ridge", "The paper has 0.1.", low=0.0, above=True)

    def learned(self, width: int, actions: int) -> Sizes:
        return inverse_nets(width, actions, self.hidden, self.features)

    def loss(self, nets: Nets, seen: Seen) -> Any:
        return inverse_loss(nets, seen, self.mind.reader)

    def begin(self, lanes: int) -> Carry:
        return np.tile(np.eye(self.features) / self.ridge, (lanes, 1, 1))

    def feel(self, own: Carry, batch: Transitions, mind: Mind, seen: Seen) -> tuple[Carry, Any]:
        fresh = batch.first[:, None, None]
        inverse = np.where(fresh, np.eye(self.features) / self.ridge, own)
        return elliptical(inverse, mind.nets["phi"](seen.y))


def elliptical(inverse: NDArray[Any], phi: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """``(C + phi phi^T)^-1`` by Sherman and Morrison, and the bonus ``phi^T C^-1 phi`` before it.

    Args:
        inverse: ``(B, d, d)``.
        phi: ``(B, d)``.
    """
    along = np.einsum("bij,bj->bi", inverse, phi)
    bonus = np.einsum("bi,bi->b", phi, along)
    fall = along[:, :, None] * along[:, None, :] / (1.0 + bonus)[:, None, None]
    return inverse - fall, bonus
