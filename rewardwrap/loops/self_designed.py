"""Rewards that an agent designs for itself: a table that follows its gains, and a bonus for the new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.rewards.limits import require_number
from rewardwrap.rewards.visits import names_of_observations as keys_of

if TYPE_CHECKING:
    from stable_baselines3.common.callbacks import BaseCallback

Row = Any

DIGITS = 1
"""Decimals by which observations are told apart."""


@register("self_designed")
class SelfDesigned(Reward):
    """``R_phi(s, a) + B(N(s'))``: add it to the task's reward; the agent's own episodes design it.

    The bonus ``B = lam / sqrt((lam / bonus)^2 + N(s'))`` pays for states that were seldom entered, 0 where
    the episode ends; ``bonus`` at a first visit, 0 switches it off. ``R_phi`` is a table, climbed along
    the gain in the task's own return that following it brings: after an episode, for each of its steps
    with true return to go G, a running mean V of G, and the policy's chances pi::

        phi(s, b) += eta * pi(a|s) (G - V(s)) (1[b = a] - pi(b|s)),   V(s) += rate (G - V(s))

    so actions that did better than usual are paid for sooner than a sparse reward could. Each update of a
    state sums to 0, and ``|phi| <= limit``. States are digits or rounded observations.

    Args:
        eta: Step of the table; 0 leaves it at 0.
        rate: Of V.
        limit: Largest ``|phi|``: a table that pays much makes loops worth more than the task.
        bonus: B of a first visit.
        lam: How fast the bonus fades: about ``lam / sqrt(N)``.
        gamma: Discount of G.

    Raises:
        ConfigError: A number outside its range.

    Source: Devidze, Kamalaruban and Singla, Exploration-guided reward shaping for reinforcement learning
        under sparse rewards, NeurIPS 2022 (ExploRS). Deviations: tables instead of networks; the bonus of
        a state counts steps of all lanes.

    Example:
        >>> import rewardwrap as rw
        >>> own = rw.SelfDesigned(bonus=0.5)
        >>> venv = rw.make("FrozenLake-8x8", rw.EnvReward() + own, gamma=0.95)
        >>> from stable_baselines3 import PPO
        >>> _ = PPO("MlpPolicy", venv, n_steps=64, gamma=0.95).learn(64, callback=own.update())
    """

    learns: ClassVar[bool] = True
    shaping: ClassVar[bool] = False
    pays_at_end: ClassVar[bool] = True

    _: KW_ONLY
    eta: float = 0.05
    rate: float = 0.05
    limit: float = 0.1
    bonus: float = 0.1
    lam: float = 0.1
    gamma: float = 0.99

    def __post_init__(self) -> None:
        for name in ("eta", "bonus"):
            require_number(self, name, "Use 0 for none.", low=0.0)
        for name in ("limit", "lam"):
            require_number(self, name, "Use 1.", low=0.0, above=True)
        for name in ("rate", "gamma"):
            require_number(self, name, "It lies in [0, 1].", low=0.0, high=1.0)
        for name in ("_phi", "_value", "_seen"):
            object.__setattr__(self, name, {})

    def __call__(self, batch: Transitions) -> FloatArray:
        here, there = keys_of(batch.obs, DIGITS), keys_of(batch.next_obs, DIGITS)
        actions = np.asarray(next(tree.leaves(batch.action))).reshape(batch.lanes, -1)[:, 0]
        whole, ends = np.rint(actions).astype(int).tolist(), batch.terminated.tolist()
        if batch.training:
            self._count(there)
        rows = zip(here, whole, there, ends, strict=True)
        return np.array([self._of(s, a) + (0.0 if e else self.bonus_of(t)) for s, a, t, e in rows])

    def pay_one(self, here: bytes, action: int, there: bytes, ended: bool) -> float:
        """What one step in training pays, by the names of its states."""
        self._count((there,))
        return self._of(here, action) + (0.0 if ended else self.bonus_of(there))

    def _count(self, keys: Sequence[bytes]) -> None:
        for key in keys:
            self._seen[key] = self._seen.get(key, 0) + 1

    def bonus_of(self, key: bytes) -> float:
        """B of a state, by how often it was entered."""
        if not self.bonus:
            return 0.0
        # the visit that is being paid is counted already
        before = max(self._seen.get(key, 0) - 1, 0)
        return float(self.lam / np.sqrt((self.lam / self.bonus) ** 2 + before))

    def adapt(self, keys: Sequence[bytes], actions: Any, returns: Any, chances: Any) -> float:
        """Learn from the steps of finished episodes; returns the mean gain ``G - V``.

        Args:
            keys: T states.
            actions: ``(T,)`` what was done.
            returns: ``(T,)`` the task's own return to go.
            chances: ``(T, A)`` the policy's.
        """
        chances, gains = np.asarray(chances, np.float64), []
        for key, action, gained, pi in zip(keys, actions, returns, chances, strict=True):
            gain = float(gained) - self._value.get(key, 0.0)
            self._value[key] = self._value.get(key, 0.0) + self.rate * gain
            gains.append(gain)
            if self.eta:
                push = -pi
                push[action] += 1.0
                row = self._phi.get(key, np.zeros(len(pi))) + self.eta * pi[action] * gain * push
                self._phi[key] = np.clip(row, -self.limit, self.limit)
        return float(np.mean(gains)) if gains else 0.0

    def update(self) -> BaseCallback:
        """The callback that shows it finished episodes, for PPO and A2C with Discrete actions."""
        from rewardwrap.loops.self_designing import SelfDesigning

        return SelfDesigning(self, DIGITS)

    def _of(self, key: bytes, action: int) -> float:
        row = self._phi.get(key)
        return float(row[action]) if row is not None and 0 <= action < len(row) else 0.0

    def state_arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        keys = sorted({*self._phi, *self._value, *self._seen})
        width = max([len(row) for row in self._phi.values()], default=0)
        names = "\n".join(key.hex() for key in keys).encode()
        return {
            "names": np.frombuffer(names, np.uint8).copy(),
            "phi": np.array([self._phi.get(k, np.zeros(width)) for k in keys]).reshape(
                len(keys), width
            ),
            "value": np.array([self._value.get(k, 0.0) for k in keys], np.float64),
            "seen": np.array([self._seen.get(k, 0) for k in keys], np.int64),
        }

    def load_state_arrays(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        names = np.asarray(arrays["names"], np.uint8).tobytes().decode().split()
        keys = [bytes.fromhex(name) for name in names]
        columns = {"_value": arrays["value"], "_seen": arrays["seen"]}
        for name, column in columns.items():
            object.__setattr__(self, name, dict(zip(keys, column.tolist(), strict=True)))
        rows = [np.array(row) for row in arrays["phi"]] if arrays["phi"].size else []
        object.__setattr__(self, "_phi", dict(zip(keys, rows, strict=False)))

    if TYPE_CHECKING:
        _phi: ClassVar[dict[bytes, FloatArray]]
        _value: ClassVar[dict[bytes, float]]
        _seen: ClassVar[dict[bytes, int]]
