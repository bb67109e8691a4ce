"""A potential of what the learner knows: pays for learning something, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any, ClassVar

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.registry import make, register
from rewardwrap.core.reward import Reward
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import Carry, FloatArray, Transitions
from rewardwrap.rewards.counts import Counts
from rewardwrap.rewards.limits import require_number
from rewardwrap.rewards.potential import Potential


@register("knowledge")
class Knowledge(Reward):
    """``F = gamma phi(h') - phi(h)``, where ``h`` is all that the learner has seen in its life.

    ``phi`` only grows: the number of different keys of a `Counts`, or the highest value so far of a
    function of the state (0 at first). What was learned stays so when an episode ends, so ``phi`` is
    neither set back nor 0 there; the same thing pays once. Over a life the undiscounted sum is at most
    ``phi`` at its end: a bounded ``phi`` cannot be farmed, and with gamma < 1 a step that teaches
    nothing costs ``(1 - gamma) phi``. Lanes share one history: what several lanes learn on one step is
    divided among them.

    Args:
        phi: ``rw.Counts(...)``, whose keys are counted here alone; or a field, a linear form or a function
            of the state as `Potential` takes them.
        gamma: Discount of the *agent*, in [0, 1]; None takes the run's.
        scale: Of phi, above 0: one over the number of keys, or over the highest value.

    Raises:
        ConfigError: phi is none of these, a number outside its range, no discount anywhere.

    Source: Lidayan, Dennis, Russell, "BAMDP shaping: a unified framework for intrinsic motivation and
        reward shaping", 2024, arXiv 2409.05358, section 4. Deviation: what lanes learn together is
        divided, so that a life of n lanes is paid what a life of one would be.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [[0], [1], [2], [3], [3], [1]], "action": [0] * 5, "reward": [0] * 5,
        ...        "terminated": [0] * 5, "truncated": [0] * 5}
        >>> rw.relabel(rw.Knowledge(rw.Counts(), gamma=1, scale=0.1), log, training=True).round(9).tolist()
        [0.1, 0.1, 0.1, 0.0, 0.0]
    """

    learns: ClassVar[bool] = True
    pays_at_end: ClassVar[bool] = False

    phi: Any
    _: KW_ONLY
    gamma: float | None = None
    scale: float = 1.0

    def __post_init__(self) -> None:
        require_number(self, "scale", "Use 1 over the largest phi.", low=0.0, above=True)
        if self.gamma is not None:
            cure = "Use the discount of the agent, e.g. PPO(gamma=0.99)."
            require_number(self, "gamma", cure, low=0.0, high=1.0)
        if isinstance(self.phi, Mapping) and set(self.phi) == {"counts"}:
            # as a file writes it
            object.__setattr__(self, "phi", make("counts", **self.phi["counts"]))
        if isinstance(self.phi, Reward) and not isinstance(self.phi, Counts):
            raise ConfigError(
                f"Knowledge: phi must be a Counts, a field or a function, got {type(self.phi).__name__}. "
                "Another reward's potential is rw.Potential."
            )
        object.__setattr__(self, "_highest", 0.0)
        object.__setattr__(self, "_state", None if self._keys else Potential(self.phi))

    @property
    def _keys(self) -> Counts | None:
        return self.phi if isinstance(self.phi, Counts) else None

    @property
    def memoryless(self) -> bool:
        return False

    def validate(self, task: Task) -> None:
        task.discount(self.gamma, "Knowledge")
        if not self._keys:
            self._of_state.validate(task if task.gamma is not None else Task(gamma=self.gamma))

    def step(self, carry: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        gamma = batch.task.discount(self.gamma, "Knowledge")
        known, gained = self._learned(batch) if self._keys is None else self._counted(batch)
        return carry, self.scale * (gamma * gained + (gamma - 1.0) * known)

    def _counted(self, batch: Transitions) -> tuple[float, FloatArray]:
        """phi before the step, and what each lane adds to it."""
        keys: Counts = self.phi
        names, known = keys.names(batch), float(len(keys.visits))
        new = keys.visits.of(names) == 0.0
        if not batch.training:
            # nothing comes to be known, so that a lane is paid as if it were alone
            return known, new.astype(np.float64)
        keys.visits.add(names)
        return known, np.where(new, [1.0 / names.count(name) for name in names], 0.0)

    def _learned(self, batch: Transitions) -> tuple[float, FloatArray]:
        values = self._of_state.values(batch)
        known: float = self._highest  # type: ignore[attr-defined]
        if not batch.training:
            return known, np.maximum(values - known, 0.0)
        high = float(values.max(initial=known))
        best = (values == high) & (high > known)
        if np.isfinite(high):
            object.__setattr__(self, "_highest", high)
        return known, np.where(best, (high - known) / max(best.sum(), 1), 0.0)

    @property
    def _of_state(self) -> Potential:
        made: Potential = self._state  # type: ignore[attr-defined]
        return made

    def state_arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        return {"highest": np.array(self._highest)}  # type: ignore[attr-defined]

    def load_state_arrays(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        object.__setattr__(self, "_highest", float(arrays["highest"]))
