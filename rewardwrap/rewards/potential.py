"""Potential-based shaping: advice that cannot change which policy is best."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError, warn
from rewardwrap.core.function import Each, UserFunction, require_each
from rewardwrap.core.info import Info
from rewardwrap.core.lane import LaneCode
from rewardwrap.core.plain import load_function
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward
from rewardwrap.core.signature import signature_of
from rewardwrap.core.task import Form, Task
from rewardwrap.core.transitions import Carry, FloatArray, Transitions
from rewardwrap.rewards.inline import inlined
from rewardwrap.rewards.standing import standing, standing_worth
from rewardwrap.rewards.truncation import OnTruncation, ended, require_on_truncation

Phi: TypeAlias = Form | Callable[..., Any]
BatchPhi: TypeAlias = Callable[[Any, Info], FloatArray]


@register("potential")
class Potential(Reward):
    """``F = gamma * Phi(s') - Phi(s)``, with ``Phi(s') = 0`` where the task terminated.

    For every policy ``sum_t gamma^t F_t = gamma^T Phi(s_T) - Phi(s_0)``, so the optimal policies stay
    what they were, for any ``Phi``. At a time limit the real ``Phi(s_T)`` is kept, because the learner
    bootstraps the value behind it. ``Phi(s)`` is the value AT THE TIME the state was entered, so ``Phi``
    may change while training (it may be learned); the telescope still closes.

    Give ``Phi`` the sign of the optimal value: ``Phi >= 0`` for a sparse goal with failing terminals,
    ``Phi <= 0`` (0 at the goal) for a cost per step. A negative ``Phi`` at a failing terminal pays
    ``-Phi(s) > 0`` for failing sooner; that is harmless in the limit and slow in practice (measured:
    0/10 instead of 10/10 seeds on FrozenLake), and is warned about once.

    Args:
        phi: A named field of the recipe (``"torso_z"``); a linear form of fields
            (``{"row": 0.07, "column": 0.07, "bias": 0.1}``); a function of ``(obs)`` or ``(obs, info)``
            of a batch, ``obs[:, 0]``, or of one row, ``obs[0]`` (see `rw.Function`), or its name,
            ``"module:function"``; a reward that reads nothing else, such as ``rw.KRC([...])`` or
            ``1 + rw.Distance("ball_distance", scale=0.5)``, which is then the worth of a state.
            A function of ``obs`` that is plain arithmetic is written into the step of one lane and of a
            few, and called at the start of an episode (``wrapper.source`` shows it).
        gamma: Discount of the *agent*, in [0, 1]; None takes the run's.
        on_truncation: ``"bootstrap"`` keeps ``Phi(s_T)``; ``"terminal"`` zeroes it, for learners that do
            not bootstrap at a time limit (REINFORCE, evolution).
        each: ``"row"`` or ``"batch"`` says outright what a function takes.

    Raises:
        ConfigError: gamma outside [0, 1] or not set anywhere, unknown field.
        RewardValueError: phi does not return one number per lane.

    Source: Ng, Harada, Russell, "Policy invariance under reward transformations", ICML 1999; terminal
        rule: Grzes, "Reward shaping in episodic reinforcement learning", AAMAS 2017; cached values:
        Devlin, Kudenko, "Dynamic potential-based reward shaping", AAMAS 2012.

    Example:
        >>> import rewardwrap as rw
        >>> phi = rw.Potential(lambda obs: obs[:, 0], gamma=0.9)
        >>> rw.relabel(phi, {"obs": [[0.0], [0.5], [7.0]], "action": [0, 0], "reward": [0, 0],
        ...                  "terminated": [False, True], "truncated": [False, False]})
        array([ 0.45, -0.5 ])
    """

    phi: Phi
    _: KW_ONLY
    gamma: float | None = None
    on_truncation: OnTruncation = "bootstrap"
    each: Each = None

    def __post_init__(self) -> None:
        require_each(self)
        object.__setattr__(self, "pays_at_end", self.on_truncation == "terminal")
        number = isinstance(self.gamma, int | float | np.number) or self.gamma is None
        if not number or (self.gamma is not None and not 0.0 <= self.gamma <= 1.0):
            raise ConfigError(
                f"Potential: gamma must lie in [0, 1], got {self.gamma!r}. "
                "Use the discount of the agent, e.g. PPO(gamma=0.99)."
            )
        require_on_truncation(self)
        if (worth := standing_worth(self.phi, "Potential")) is not None:
            object.__setattr__(self, "phi", worth)
        if not (isinstance(self.phi, str | Mapping) or callable(self.phi)):
            raise ConfigError(
                f"Potential: phi must be a field, a linear form, a function or a reward, got {self.phi!r}. "
                'Try rw.Potential("torso_z") or rw.Potential(lambda obs: obs[:, 0]).'
            )

    def validate(self, task: Task) -> None:
        task.discount(self.gamma, "Potential")
        form = self._form()
        if form is not None:
            task.require(form)
        elif not isinstance(self.phi, Reward):
            self._function()

    def init(self, lanes: int) -> Carry:
        return np.zeros(lanes)

    def step(self, carry: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        phi = self._batch_phi(batch.task)
        before = carry
        if batch.on_device:
            # to ask which rows are first would wait for the device
            before = np.where(batch.first, phi(batch.obs, batch.info_before), carry)
        elif batch.starts:
            before = carry.copy()
            rows = batch.first
            if rows.any():
                before[rows] = phi(tree.take(batch.obs, rows), batch.info_before.take(rows))
        after = phi(batch.next_obs, batch.info)
        if batch.ends:
            over = ended(self, batch)
            if not batch.on_device and (low := after[batch.terminated].min(initial=0.0)) < 0.0:
                self._warn_below_zero(low)
            after = np.where(over, 0.0, after)
        return after, self._gamma(batch.task) * after - before

    def values(self, batch: Transitions) -> FloatArray:
        """Phi of every successor, ``(B,)``."""
        return self._batch_phi(batch.task)(batch.next_obs, batch.info)

    def over_time(self, batch: Transitions) -> FloatArray:
        phi = self._batch_phi(batch.task)
        after = phi(batch.next_obs, batch.info)
        before = np.empty_like(after)
        before[1:] = after[:-1]
        rows = batch.first
        if rows.any():
            before[rows] = phi(tree.take(batch.obs, rows), batch.info_before.take(rows))
        after = np.where(ended(self, batch), 0.0, after)
        return self._gamma(batch.task) * after - before

    def write(self, code: LaneCode) -> str:
        if isinstance(self.phi, Reward):
            return super().write(code)
        before = code.carry(0.0)
        code.at_start(f"{before} = {self._write_phi(code, 'obs', 'info')}")
        after = code.let(self._write_next_phi(code), "phi")
        code.line("if terminated:")
        code.line(f"    if {after} < 0.0: {code.bind(self._warn_below_zero, 'warn')}({after})")
        code.line(f"    {after} = 0.0")
        if self.on_truncation == "terminal":
            code.line(f"elif truncated: {after} = 0.0")
        shaping = code.let(f"{float(self._gamma(code.task))!r} * {after} - {before}", "shaping")
        code.line(f"{before} = {after}")
        return shaping

    def _write_phi(self, code: LaneCode, obs: str, info: str) -> str:
        form = self._form()
        if form is not None:
            return code.read(form, obs, info)
        phi = self._function()
        read_only = f"{code.bind(MappingProxyType, 'read_only')}({info})"
        given = ", ".join(obs if name == "obs" else read_only for name in phi.signature.columns)
        return f"{code.bind(phi, 'phi')}.one({given})"

    def _write_next_phi(self, code: LaneCode) -> str:
        phi = None if self._form() is not None else self._function()
        if phi is None or phi.signature.columns != ("obs",):
            return self._write_phi(code, "next_obs", "info")
        written = None if code.arrays else inlined(code, phi)
        if written is not None or not code.many:
            return written or self._write_phi(code, "next_obs", "info")
        return code.column(
            lambda obs: phi.batch((obs,), tree.size(obs)), lambda obs, _: phi.row(obs)
        )

    def _gamma(self, task: Task) -> float:
        return task.discount(self.gamma, "Potential") if self.gamma is None else self.gamma

    def _form(self) -> Form | None:
        """phi as fields to read, or None where it is a function."""
        if isinstance(self.phi, Mapping):
            return self.phi
        return self.phi if isinstance(self.phi, str) and ":" not in self.phi else None

    def _batch_phi(self, task: Task) -> BatchPhi:
        form = self._form()
        if form is not None:
            return lambda obs, info: task.read(form, obs, info)
        if isinstance(worth := self.phi, Reward):
            return lambda obs, info: worth(standing(task, obs, info))
        phi = self._function()
        return lambda obs, info: phi.batch(
            tuple(obs if name == "obs" else info for name in phi.signature.columns),
            tree.size(obs),
        )

    def _function(self) -> UserFunction:
        made: UserFunction | None = self.__dict__.get("_called")
        if made is None:
            phi: Any = load_function(self.phi) if isinstance(self.phi, str) else self.phi
            columns = ("obs", "info")
            signature = signature_of(phi, "Potential: phi", allowed=columns, order=columns)
            made = UserFunction(phi, signature, "Potential: phi", self.each)
            object.__setattr__(self, "_called", made)
        return made

    def _warn_below_zero(self, value: float) -> None:
        if "_warned" not in self.__dict__:
            object.__setattr__(self, "_warned", True)
            warn(
                f"Potential: Phi should not be negative where an episode terminates, got {value:g}. "
                "Ending there pays -Phi(s) > 0, which slows learning if it is a failure. "
                "Add a constant so that Phi >= 0, or make Phi 0 at the goal."
            )

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if not k.startswith("_")}
