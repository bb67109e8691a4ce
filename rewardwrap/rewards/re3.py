"""A bonus for being far from where the agent was lately."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.registry import register
from rewardwrap.core.transitions import Carry, Transitions
from rewardwrap.rewards.curiosity import Curiosity, Mind, Sizes
from rewardwrap.rewards.reading import Seen


@register("re3")
class RE3(Curiosity):
    """``log(1 + |y - y_k|)``: how far ``s'`` is, in random features, from its k-th nearest of late.

    That is an estimate of the entropy of the states that the present policy visits, one term a step:
    it pays for spreading out. Features are a fixed random network; nothing is trained. The last
    ``capacity`` steps of all lanes are remembered; the scale of the observations is found on the first
    ``every`` steps and kept, so that distances mean the same for ever.

    Args:
        k: Which neighbour; of fewer, the farthest, and of none, 0 is paid.
        capacity: Steps that are remembered.
        hidden: Units of the hidden layer of the random network.
        features: Numbers that it makes of a state.
        every: Steps of all lanes together on which the scale is found.
        seed: Of the random network.
        normalise: Whether to divide by the running deviation of the discounted sum.
        gamma: Discount of that sum, in [0, 1].

    Raises:
        ConfigError: A number outside its range; observations that are no numbers.

    Source: Seo et al., "State entropy maximization with random encoders for efficient exploration",
        2021, arXiv 2102.09430, equation 3. Deviations: neighbours among the last steps instead of all;
        vectors pass the random network too.

    Example:
        >>> import rewardwrap as rw
        >>> venv = rw.make("MountainCar-v0", rw.EnvReward() + 0.1 * rw.RE3().clip(0, 1), n_envs=8)
    """

    drifts: ClassVar[bool] = False
    sizes: ClassVar[tuple[str, ...]] = ("k", "capacity", "hidden", "features")

    _: KW_ONLY
    k: int = 3
    capacity: int = 1024
    hidden: int = 64
    features: int = 32

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "_memory", np.zeros((0, self.features)))
        object.__setattr__(self, "_at", 0)

    def fixed(self, width: int, actions: int) -> Sizes:
        return {"encoder": (width, self.hidden, self.features)}

    def feel(self, own: Carry, batch: Transitions, mind: Mind, seen: Seen) -> tuple[Carry, Any]:
        here = mind.nets["encoder"](seen.y)
        memory: NDArray[np.float64] = self._memory  # type: ignore[attr-defined]
        bonus = entropy_term(distance_to(here, memory, self.k))
        if batch.training:
            self._remember(here[np.isfinite(here).all(axis=1)])
        return own, bonus

    def settle(self, mind: Mind, seen: Seen) -> None:
        object.__setattr__(self, "_memory", np.zeros((0, self.features)))
        object.__setattr__(self, "_at", 0)
        self._remember(mind.nets["encoder"](seen.y))

    def _remember(self, rows: NDArray[np.float64]) -> None:
        memory, at = self._memory, self._at  # type: ignore[attr-defined]
        grown = np.concatenate((memory, rows[: max(self.capacity - len(memory), 0)]))
        for row in rows[len(grown) - len(memory) :]:
            grown[at] = row
            at = (at + 1) % self.capacity
        object.__setattr__(self, "_memory", grown)
        object.__setattr__(self, "_at", at)

    def knowledge(self) -> dict[str, np.ndarray[Any, Any]]:
        ring = {"memory": self._memory, "at": np.array(self._at)}  # type: ignore[attr-defined]
        return {**super().knowledge(), **ring}

    def learn_again(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        super().learn_again(arrays)
        memory = np.array(arrays["memory"], np.float64)
        if memory.shape[1:] != (self.features,) or len(memory) > self.capacity:
            raise ConfigError(
                f"RE3: memory must be at most {self.capacity} rows of {self.features}, got "
                f"{memory.shape}. Load what this reward saved."
            )
        object.__setattr__(self, "_memory", memory)
        object.__setattr__(self, "_at", int(arrays["at"]))


def entropy_term(distance: Any) -> Any:
    """``log(1 + d)``; 1.0986 at d = 2."""
    return np.log1p(distance)


def distance_to(rows: NDArray[Any], memory: NDArray[Any], k: int) -> NDArray[np.float64]:
    """Of each row to its k-th nearest in memory, ``(B,)``; 0 where there is none."""
    if not len(memory):
        return np.zeros(len(rows))
    k = min(k, len(memory))
    # up to what all have in common; exact for small distances only where it is not rounded away
    square = (memory**2).sum(1) - 2.0 * rows @ memory.T
    nearest = np.argpartition(square, k - 1, axis=1)[:, k - 1]
    found: NDArray[np.float64] = np.sqrt(((rows - memory[nearest]) ** 2).sum(1))
    return found
