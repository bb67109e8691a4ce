"""Look-back advice: a potential of states and actions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY
from typing import Any, ClassVar

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.function import Each, UserFunction, require_each
from rewardwrap.core.plain import load_function
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward
from rewardwrap.core.signature import signature_of
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import Carry, FloatArray, Transitions
from rewardwrap.rewards.limits import require_number


@register("advice")
class Advice(Reward):
    """``F = Phi(s, a) - Phi(s_-, a_-) / gamma``, with the step before; Phi is 0 before the first.

    Says which action is good where, which `Potential` cannot. The discounted sum over ``T`` steps
    is ``gamma^(T-1) Phi(s_{T-1}, a_{T-1})``; where the task terminates ``-Phi(s, a)`` is added on
    the last step, which closes it to 0, so no policy gains. At a time limit the rest stays, since
    the learner bootstraps what follows. Meant for on-policy learners, with ordinary choice of
    actions, and with the last action in the observation: a value of the state alone cannot see what
    is still to be taken back, and wrong advice then changes what SARSA ends with. Advice that looks
    ahead, ``gamma Phi(s', a') - Phi(s, a)``, needs another rule of choice and is not offered. A Phi
    of states alone gives `Potential`, one step late; then use that.

    Args:
        phi: Function of ``(obs, action)``, of a batch or of one row (see `rw.Function`), or its name
            as ``"module:function"``.
        gamma: Discount of the *agent*, in (0, 1]; None takes the run's.
        each: ``"row"`` or ``"batch"`` says outright what it takes.

    Raises:
        ConfigError: gamma outside (0, 1] or not set anywhere.
        RewardValueError: phi does not return one number per lane.

    Source: Wiewiora, Cottrell, Elkan, "Principled methods for advising reinforcement learning
        agents", ICML 2003. Deviation: the closing term, without which the sum depends on the last
        action.

    Example:
        >>> import rewardwrap as rw
        >>> advice = rw.Advice(lambda obs, action: obs[:, 0], gamma=0.5)
        >>> rw.relabel(advice, {"obs": [[2.0], [1.0], [0.0]], "action": [0, 0], "reward": [0, 0],
        ...                     "terminated": [0, 1], "truncated": [0, 0]})
        array([ 2., -4.])
    """

    pays_at_end: ClassVar[bool] = False

    phi: Callable[[Any, Any], Any] | str
    _: KW_ONLY
    gamma: float | None = None
    each: Each = None

    def __post_init__(self) -> None:
        require_each(self)
        if self.gamma is not None:
            cure = "Use the discount of the agent, e.g. PPO(gamma=0.99)."
            require_number(self, "gamma", cure, low=0.0, high=1.0, above=True)
        if not (callable(self.phi) or (isinstance(self.phi, str) and ":" in self.phi)):
            raise ConfigError(
                'Advice: phi must be a function of (obs, action) or "module:function", '
                f"got {self.phi!r}. For a potential of the state alone there is rw.Potential."
            )

    def validate(self, task: Task) -> None:
        self._gamma(task)
        self._function()

    def init(self, lanes: int) -> Carry:
        return np.zeros(lanes)

    def step(self, carry: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        phi = self._phi(batch)
        return phi, self._advice(carry, phi, batch)

    def over_time(self, batch: Transitions) -> FloatArray:
        phi = self._phi(batch)
        return self._advice(np.concatenate(([0.0], phi[:-1])), phi, batch)

    def _advice(self, before: FloatArray, phi: FloatArray, batch: Transitions) -> FloatArray:
        before = np.where(batch.first, 0.0, before)
        return np.where(batch.terminated, 0.0, phi) - before / self._gamma(batch.task)

    def _phi(self, batch: Transitions) -> FloatArray:
        phi = self._function()
        columns = (getattr(batch, name) for name in phi.signature.columns)
        return phi.batch(tuple(columns), batch.lanes)

    def _gamma(self, task: Task) -> float:
        gamma = task.discount(self.gamma, "Advice")
        if gamma == 0.0:
            raise ConfigError(
                "Advice: gamma must be above 0, got 0. Look-back advice divides by the discount."
            )
        return gamma

    def _function(self) -> UserFunction:
        made: UserFunction | None = self.__dict__.get("_called")
        if made is None:
            phi = load_function(self.phi) if isinstance(self.phi, str) else self.phi
            columns = ("obs", "action")
            signature = signature_of(phi, "Advice: phi", allowed=columns, order=columns)
            made = UserFunction(phi, signature, "Advice: phi", self.each)
            object.__setattr__(self, "_called", made)
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if not k.startswith("_")}
