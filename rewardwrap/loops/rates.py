"""Behaviours as rates: what share of all steps may look how, and the weights that see to it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from rewardwrap.core.errors import ConfigError, RewardwrapWarning
from rewardwrap.core.lane import LaneCode
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward, require_parts
from rewardwrap.core.transitions import Carry, FloatArray, Transitions
from rewardwrap.loops.bounds import Bound, no_event, read_bounds, refuse_contradictions
from rewardwrap.rewards.filter import Filter
from rewardwrap.rewards.limits import require_count, require_number

if TYPE_CHECKING:
    from stable_baselines3.common.callbacks import BaseCallback


@register("rates")
class Rates(Filter):
    """The task's reward under limits on rates, with weights that find themselves.

    With events ``c_i`` in {0, 1}, their shares ``J_i`` of the steps of a rollout and limits ``d_i``::

        lam_i <- clip(lam_i + eta * (J_i - d_i), 0, most)          after each rollout; at least: -eta
        w_i    = clip(lam_i + damping * (J_i - d_i), 0, most)      with the sign of the same side
        r = (task - sum_at_most w_i c_i + sum_at_least w_i c_i) / (1 + sum_i w_i)

    Nobody weighs torque against speed: "at most 15 % of all steps" is said, and the weight follows.
    While a rate holds its multiplier falls, and with all of them at 0 the task is paid as it is. A
    learner follows its reward slowly, so a multiplier alone overshoots and swings; the damping answers
    to the rate as it is now and fades as it comes near its limit.
    All lanes share one set of multipliers; they are saved with the reward and change in `update`'s
    callback alone, which ``rewardwrap train`` and ``compare`` install by themselves.

    A multiplier must grow to the size of the task's reward before it matters, so give a task of
    awkward scale as ``rw.EnvReward().normalize()``. A learner with a replay buffer stored what older
    multipliers paid. Paying for an event that only the living have (``at_least``) pays for living.

    Args:
        task: What is to be done within the limits.
        at_most: ``{name: (event, share)}``; an event is a comparison, ``rw.Field("speed") > 2``, or any
            other reward of 0 and 1. A name becomes a tag, ``rates/<name>/value``.
        at_least: The same, for what should happen often enough.
        eta: How far a multiplier moves in a rollout for a rate that is off by 1.
        damping: How much a rate that is off by 1 weighs at once; 0 leaves it to the multiplier.
        most: Largest multiplier.
        bootstrap: Pay nothing for the task until, in one rollout, all rates have held.
        patience: Rollouts at the largest multiplier after which a rate is called infeasible, once.

    Raises:
        ConfigError: No rate, a limit outside [0, 1], a reward that is no event, one name twice, or one
            event that shall be rarer than it shall be frequent.
        RewardValueError: An event that paid something else than 0 or 1.

    Source: Roy et al., "Direct behavior specification via constrained reinforcement learning", ICML
        2022, arXiv 2112.12228: indicator costs, normalised multipliers and the bootstrap constraint;
        the damping is the proportional term of Stooke, Achiam, Abbeel, "Responsive safety in
        reinforcement learning by PID Lagrangian methods", 2020, arXiv 2007.03964. Deviations:
        multipliers of their own scale instead of a softmax, one update a rollout on its plain mean
        instead of a discounted one, and the bootstrap opens once instead of holding the largest
        multiplier.

    Example:
        >>> import rewardwrap as rw
        >>> fast = rw.Field("cart_velocity") > 0.5
        >>> rates = rw.Rates(rw.EnvReward(), at_most={"fast": (fast, 0.1)})
        >>> venv = rw.make("CartPole-v1", rates)
        >>> from stable_baselines3 import PPO
        >>> _ = PPO("MlpPolicy", venv, n_steps=64).learn(64, callback=rates.update())
    """

    learns: ClassVar[bool] = True
    pays_at_end: ClassVar[bool] = False

    task: Reward
    _: KW_ONLY
    at_most: Mapping[str, Any] = field(default_factory=dict)
    at_least: Mapping[str, Any] = field(default_factory=dict)
    eta: float = 0.1
    damping: float = 20.0
    most: float = 100.0
    bootstrap: bool = False
    patience: int = 10

    def __post_init__(self) -> None:
        require_parts(self, (self.task,))
        for side in ("at_most", "at_least"):
            object.__setattr__(self, side, read_bounds(getattr(self, side), side))
        if not (self.at_most or self.at_least):
            raise ConfigError(
                'Rates must hold at least one rate, got none. Give at_most={"fast": (event, 0.1)}.'
            )
        refuse_contradictions(self.at_most, self.at_least)
        require_number(self, "eta", "Start with 0.1.", low=0.0, above=True)
        require_number(self, "damping", "Use 0 for none.", low=0.0)
        require_number(self, "most", "Start with 100.", low=0.0, above=True)
        require_count(self, "patience", "Use 10.")
        if not isinstance(self.bootstrap, bool):
            raise ConfigError(
                f"Rates: bootstrap must be true or false, got {self.bootstrap!r}. Leave it out."
            )
        count = len(self._bounds)
        object.__setattr__(self, "_multipliers", np.zeros(count))
        object.__setattr__(self, "_excess", np.zeros(count))
        object.__setattr__(self, "_counted", [0.0] * (1 + count))
        object.__setattr__(self, "_open", not self.bootstrap)
        object.__setattr__(self, "_stuck", [0] * count)
        self._weigh()

    # --- what is paid ---------------------------------------------------------------------------

    def parts(self) -> tuple[Reward, ...]:
        return (self.task, *(bound.of for bound in self._bounds.values()))

    def start(self, lanes: int) -> Carry:
        return ()

    def follow(
        self, own: Carry, values: Sequence[FloatArray], batch: Transitions
    ) -> tuple[Carry, FloatArray]:
        paid = self._weights[0] * values[0]
        for name, weight, event in zip(self._bounds, self._weights[1:], values[1:], strict=True):
            wrong = np.flatnonzero((event != 0.0) & (event != 1.0))
            if wrong.size:
                raise no_event(name, event[wrong[0]])
            paid = paid + weight * event
        if batch.training:
            self._count(len(paid), [float(event.sum()) for event in values[1:]])
        return own, paid

    def __call__(self, batch: Transitions) -> FloatArray:
        return self.follow((), [part(batch) for part in self.parts()], batch)[1]

    def over_time(self, batch: Transitions) -> FloatArray:
        return self.follow((), [part.over_time(batch) for part in self.parts()], batch)[1]

    def write(self, code: LaneCode) -> str:
        code.use("training")
        task = code.let(self.task.write(code), "task")
        events = [code.let(bound.of.write(code), "event") for bound in self._bounds.values()]
        pay = code.bind(self._pay_one, "rates")
        return code.let(f"{pay}({task}, ({', '.join(events)},), training)", "paid")

    def _pay_one(self, task: float, events: tuple[float, ...], training: bool) -> float:
        paid = self._weights[0] * task
        for name, weight, event in zip(self._bounds, self._weights[1:], events, strict=True):
            if event not in (0.0, 1.0):
                raise no_event(name, event)
            paid += weight * event
        if training:
            self._count(1, events)
        return paid

    # --- what is learned ------------------------------------------------------------------------

    @property
    def multipliers(self) -> dict[str, float]:
        """``lam_i`` by name."""
        return dict(zip(self._bounds, self._multipliers.tolist(), strict=True))

    @property
    def counted(self) -> int:
        """Steps seen in training since the multipliers last moved."""
        return int(self._counted[0])

    def update(self, *, every: int = 1000) -> BaseCallback:
        """The callback that moves the multipliers after each rollout and logs the rates.

        It writes ``rates/<name>/value``, ``limit`` and ``multiplier``, and ``rates/task_weight``.

        Args:
            every: Steps, of all lanes together, between two moves where rollouts are shorter: those of
                off-policy learners are of one step.
        """
        from rewardwrap.loops.rollouts import AfterRollouts

        return AfterRollouts(self, every)

    def adapt(self) -> dict[str, float]:
        """Move the multipliers by what was counted; returns what is logged."""
        steps, *sums = self._counted
        rates = np.array(sums) / steps
        limits = np.array([bound.limit for bound in self._bounds.values()])
        excess = self._signs * (rates - limits)
        self._multipliers[:] = np.clip(self._multipliers + self.eta * excess, 0.0, self.most)
        self._excess[:] = excess
        self._counted[:] = [0.0] * len(self._counted)
        object.__setattr__(self, "_open", self._open or bool((excess <= 0.0).all()))
        self._weigh()
        self._tell_stuck(rates, excess)
        told = {"rates/task_weight": self._weights[0]}
        columns = zip(self._bounds, rates, limits, self._multipliers, strict=True)
        for name, *row in columns:
            for what, number in zip(("value", "limit", "multiplier"), row, strict=True):
                told[f"rates/{name}/{what}"] = float(number)
        return told

    def state_arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        counted, opened = np.array(self._counted), np.array([self._open])
        moved = {"multipliers": self._multipliers.copy(), "excess": self._excess.copy()}
        return {**moved, "counted": counted, "open": opened}

    def load_state_arrays(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        multipliers = np.asarray(arrays["multipliers"], np.float64)
        inside = multipliers.shape == self._multipliers.shape and (
            (multipliers >= 0.0) & (multipliers <= self.most)
        )
        if not np.all(inside):
            raise ConfigError(
                f"Rates: multipliers must be {len(self._multipliers)} numbers in [0, {self.most:g}], "
                f"got {multipliers.tolist()}. Load what this reward saved."
            )
        self._multipliers[:] = multipliers
        self._excess[:] = np.asarray(arrays["excess"], np.float64)
        self._counted[:] = np.asarray(arrays["counted"], np.float64).tolist()
        object.__setattr__(self, "_open", bool(arrays["open"][0]))
        self._weigh()

    def _count(self, steps: int, sums: Sequence[float]) -> None:
        self._counted[:] = [a + b for a, b in zip(self._counted, (steps, *sums), strict=True)]

    def _weigh(self) -> None:
        """``(1, -w_i, .., +w_j, ..) / sum``; all 0 where nothing weighs anything."""
        damped = np.clip(self._multipliers + self.damping * self._excess, 0.0, self.most)
        weights = np.array([float(self._open), *(-self._signs * damped)])
        total = float(np.abs(weights).sum())
        object.__setattr__(self, "_weights", (weights / (total or 1.0)).tolist())

    def _tell_stuck(self, rates: FloatArray, excess: FloatArray) -> None:
        for i, (name, bound) in enumerate(self._bounds.items()):
            at_end = self._multipliers[i] >= self.most and excess[i] > 0.0
            self._stuck[i] = self._stuck[i] + 1 if at_end else 0
            if self._stuck[i] == self.patience:
                side = "at most" if name in self.at_most else "at least"
                warnings.warn(
                    f"rate {name} stays at {rates[i]:.2f} with its multiplier at the maximum "
                    f"({self.most:g}), where {side} {bound.limit:g} was asked. It may be infeasible "
                    "with the other rates; widen a limit, or raise most.",
                    RewardwrapWarning,
                    stacklevel=2,
                )

    @property
    def _bounds(self) -> dict[str, Bound]:
        return {**self.at_most, **self.at_least}

    @property
    def _signs(self) -> FloatArray:
        """+1 where a higher rate is worse, -1 where it is better."""
        return np.array([1.0] * len(self.at_most) + [-1.0] * len(self.at_least))

    if TYPE_CHECKING:
        _multipliers: ClassVar[FloatArray]
        _excess: ClassVar[FloatArray]
        _counted: ClassVar[list[float]]
        _weights: ClassVar[list[float]]
        _stuck: ClassVar[list[int]]
        _open: ClassVar[bool]
