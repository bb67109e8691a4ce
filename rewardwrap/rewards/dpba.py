"""Advice from any reward: a potential of states and actions that learns to pay what the reward pays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, replace
from typing import Any, ClassVar

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.plain import load_function
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward, require_parts
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import Carry, FloatArray, Transitions
from rewardwrap.rewards.filter import Filter
from rewardwrap.rewards.limits import require_count, require_number
from rewardwrap.rewards.visits import SIZE, name_of, names_of, names_of_observations


@register("dpba")
class DPBA(Filter):
    """``F = gamma Psi(s') - Phi(s, a)``, whose fixed point is any reward ``R_x`` that gives advice.

    Phi and Psi are what ``-R_x`` is worth, of a state and action and of a state, learned while the
    agent acts: ``Phi += rate (-R_x + gamma Psi(s') - Phi)``, and Psi alike. So ``F`` is ``R_x`` plus
    what Phi still errs by: at first nothing is paid, and once Phi has settled ``E[F] = R_x``. Psi is 0
    where the task terminates, and goes on at a time limit. **It is not exact**: an agent that chooses
    by the values it learns inherits what ``R_x`` wants. Let it fade (``rw.Schedule``, which is PIES),
    or take it back (``.safe()``). On a corridor it saved nothing where ``R_x`` added as it is saved
    most steps (tests/evidence/dpba.py); so try ``rw.Schedule(reward)`` first.

    The tables have a row for every key: for tasks of few states, or a ``key`` that makes them few.
    Lanes that meet on a key are paid alike and move it once, by their mean.

    Args:
        base: R_x, any reward.
        key: Function of a *batch* of observations to B hashables or to an array of leading size B (or
            its name, ``"module:function"``); None rounds the observation.
        rate: Of both tables, in (0, 1]; two to ten times the agent's.
        gamma: Discount of the *agent*, in [0, 1]; None takes the run's.
        digits: Decimals of observations, and of actions, that make a key.

    Raises:
        ConfigError: A number outside its range, no discount anywhere.
        RewardValueError: The function does not return one hashable key for each lane.

    Source: Harutyunyan, Devlin, Vrancx, Nowe, "Expressing arbitrary reward functions as
        potential-based advice", AAAI 2015, equations 8 to 10; that it is inexact: Behboudian et al.,
        2020, arXiv 2011.01297, section 4. Deviation: Psi(s') for Phi(s', a'), since a reward is paid
        before the next action is chosen; its mean is the same.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [[0], [1], [2], [3]], "action": [0] * 3, "reward": [0.5, -0.2, 0.3],
        ...        "terminated": [0, 0, 1], "truncated": [0] * 3}
        >>> advice = rw.DPBA(rw.EnvReward(), gamma=0.9, rate=1)
        >>> for _ in range(4):
        ...     paid = rw.relabel(advice, log, training=True)
        >>> paid.round(9).tolist()
        [0.5, -0.2, 0.3]
    """

    learns: ClassVar[bool] = True
    reads_obs: ClassVar[bool] = True
    pays_at_end: ClassVar[bool] = False
    recomputes: ClassVar[bool] = True

    base: Reward
    key: Callable[[Any], Any] | str | None = None
    _: KW_ONLY
    rate: float = 0.2
    gamma: float | None = None
    digits: int = 1

    def __post_init__(self) -> None:
        require_parts(self, (self.base,))
        require_number(self, "rate", "Use 0.2.", low=0.0, high=1.0, above=True)
        require_count(self, "digits", "Use 0 for whole numbers.", low=0)
        if self.gamma is not None:
            cure = "Use the discount of the agent, e.g. PPO(gamma=0.99)."
            require_number(self, "gamma", cure, low=0.0, high=1.0)
        named = isinstance(self.key, str) and ":" in self.key
        if not (self.key is None or callable(self.key) or named):
            raise ConfigError(
                f'DPBA: key must be a function, "module:function" or None, got {self.key!r}. '
                "None rounds the observation."
            )
        object.__setattr__(self, "_table", {})

    @property
    def table(self) -> dict[bytes, float]:
        """Phi and Psi by the digests of their keys."""
        made: dict[bytes, float] = self._table  # type: ignore[attr-defined]
        return made

    def parts(self) -> tuple[Reward, ...]:
        return (self.base,)

    @property
    def memoryless(self) -> bool:
        return False

    def validate(self, task: Task) -> None:
        super().validate(task)
        task.discount(self.gamma, "DPBA")

    def start(self, lanes: int) -> Carry:
        return ()

    def follow(
        self, own: Carry, values: Sequence[FloatArray], batch: Transitions
    ) -> tuple[Carry, FloatArray]:
        states, led = self._names(batch.obs, batch.lanes), self._names(batch.next_obs, batch.lanes)
        done = names_of_observations(batch.action, self.digits)
        pairs = [name_of(state + action) for state, action in zip(states, done, strict=True)]
        after = np.where(batch.terminated, 0.0, self._worth(led))
        after *= batch.task.discount(self.gamma, "DPBA")
        paid = after - self._worth(pairs)
        if batch.training:
            self._learn([*pairs, *states], np.tile(after - values[0], 2))
        # what is no number is the host's to refuse
        return own, np.where(np.isfinite(values[0]), paid, values[0])

    def __call__(self, batch: Transitions) -> FloatArray:
        return self.follow((), (self.base(batch),), replace(batch, training=False))[1]

    def _worth(self, names: Sequence[bytes]) -> FloatArray:
        return np.array([self.table.get(name, 0.0) for name in names])

    def _learn(self, names: Sequence[bytes], targets: FloatArray) -> None:
        met: dict[bytes, list[float]] = {}
        for name, target in zip(names, targets.tolist(), strict=True):
            if np.isfinite(target):
                met.setdefault(name, []).append(target)
        for name, found in met.items():
            old = self.table.get(name, 0.0)
            self.table[name] = old + self.rate * (sum(found) / len(found) - old)

    def _names(self, obs: Any, lanes: int) -> list[bytes]:
        key = load_function(self.key) if isinstance(self.key, str) else self.key
        if key is None:
            return names_of_observations(obs, self.digits)
        return names_of(key(obs), lanes, "DPBA: key")

    def state_arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        names = np.frombuffer(b"".join(self.table), np.uint8).reshape(-1, SIZE)
        return {"names": names, "worth": np.array(list(self.table.values()), np.float64)}

    def load_state_arrays(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        names, worth = arrays["names"], arrays["worth"]
        if names.shape != (len(worth), SIZE) or not np.isfinite(worth).all():
            raise ConfigError(
                f"DPBA: worth must be a finite number for each name, got {names.shape} names and "
                f"{worth.shape} numbers. Load what this reward saved."
            )
        self.table.clear()
        self.table.update(zip(map(bytes, names), worth.tolist(), strict=True))
