"""A bonus for what was seldom seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY
from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.plain import load_function
from rewardwrap.core.registry import register
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import Carry, FloatArray, Transitions
from rewardwrap.rewards.bonus import Bonus
from rewardwrap.rewards.limits import require_count, require_number
from rewardwrap.rewards.visits import Visits, name_of, names_of, names_of_observations


@register("counts")
class Counts(Bonus):
    """``beta / sqrt(N(key))``, where ``N`` counts the steps that led to this key, this one included.

    The key is read from the state that a step leads to, so the last observation of an episode counts
    as well. Lanes share one table. Lanes that reach a key on the same step are counted together and
    paid alike: four lanes on a new key are paid ``beta / 2`` each. In evaluation nothing is counted,
    and what was never seen pays ``beta``.

    Args:
        key: A named field of the recipe or number of ``info``; a function of a *batch* of
            observations to B hashables or to an array of leading size B (or its name,
            ``"module:function"``); None rounds the whole observation.
        beta: Paid for a first visit, in units of the reward.
        digits: Decimals that None and a field keep.
        normalise: Whether to divide by the running deviation of the discounted sum.
        gamma: Discount of that sum, in [0, 1].

    Raises:
        ConfigError: The key is none of these, or a number outside its range.
        RewardValueError: The function does not return one hashable key for each lane.

    Source: Strehl, Littman, "An analysis of model-based interval estimation for Markov decision
        processes", JCSS 2008; Bellemare et al., "Unifying count-based exploration and intrinsic
        motivation", 2016, arXiv 1606.01868. Deviations: exact counts of keys instead of
        pseudo-counts; successors ``s'`` instead of ``(s, a)``.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [[0.0]] * 5, "action": [0] * 4, "reward": [0] * 4, "terminated": [0] * 4,
        ...        "truncated": [0] * 4}
        >>> rw.relabel(rw.Counts(), log, training=True).round(3).tolist()
        [1.0, 0.707, 0.577, 0.5]
    """

    key: str | Callable[[Any], Any] | None = None
    _: KW_ONLY
    beta: float = 1.0
    digits: int = 1
    normalise: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number(self, "beta", "It is what a first visit pays.", low=0.0)
        require_count(self, "digits", "Use 0 for whole numbers.", low=0)
        if not (self.key is None or isinstance(self.key, str) or callable(self.key)):
            raise ConfigError(
                f"Counts: key must be a field, a function or None, got {self.key!r}. "
                "None rounds the observation; a function takes a batch of observations."
            )
        object.__setattr__(self, "_visits", Visits())

    @property
    def visits(self) -> Visits:
        """How often each key was reached."""
        made: Visits = self._visits  # type: ignore[attr-defined]
        return made

    def validate(self, task: Task) -> None:
        self._function()

    def pay(self, own: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        names = self.names(batch)
        if batch.training:
            self.visits.add(names)
        return own, self.beta / np.sqrt(np.maximum(self.visits.of(names), 1.0))

    def names(self, batch: Transitions) -> list[bytes]:
        """The name of the key that each row leads to."""
        function = self._function()
        if function is not None:
            return names_of(function(batch.next_obs), batch.lanes, "Counts: key")
        if self.key is None:
            return names_of_observations(batch.next_obs, self.digits)
        return [name_of(value) for value in self._field(batch)]

    def _field(self, batch: Transitions) -> list[float]:
        name = str(self.key)
        if name in batch.task.fields:
            value = batch.task.read(name, batch.next_obs, batch.info)
        else:
            value = batch.info[name]
        return [round(each, self.digits) for each in np.asarray(value, np.float64).tolist()]

    def _function(self) -> Callable[[Any], Any] | None:
        if callable(self.key):
            return self.key
        if self.key is None or ":" not in self.key:
            return None
        found: Callable[[Any], Any] = load_function(self.key)
        return found

    def knowledge(self) -> dict[str, np.ndarray[Any, Any]]:
        return self.visits.arrays()

    def learn_again(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        self.visits.load(arrays)
