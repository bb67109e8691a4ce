"""Noise on rewards, to see what a learner survives; evaluation never sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY
from typing import Any, ClassVar, Literal

import numpy as np

from rewardwrap.core.errors import ConfigError, RewardValueError
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward, require_parts
from rewardwrap.core.transitions import BoolArray, Carry, FloatArray, Transitions
from rewardwrap.rewards.filter import Filter
from rewardwrap.rewards.limits import is_number, require_choice, require_count, require_number

Draw = Callable[[np.random.Generator], float]


class Noise(Filter):
    """A reward that draws: each lane from a stream of its own, made from the seed.

    Lanes are numbered in the order in which they first draw, over the reward's whole life, so two
    environments that share a reward, or two logged episodes, never share noise. Copies in several
    processes number their lanes alike: give each its own seed. Where ``batch.training`` is False
    nothing is drawn and the base is paid as it is. A run that is resumed numbers on, with new streams.
    """

    stochastic: ClassVar[bool] = True
    pays_at_end: ClassVar[bool] = False

    base: Reward
    seed: int

    def __post_init__(self) -> None:
        require_parts(self, (self.base,))
        require_count(self, "seed", "Any will do.", low=0)
        object.__setattr__(self, "_lanes_seen", 0)

    def state_arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        return {"lanes_seen": np.array(self._lanes_seen)}  # type: ignore[attr-defined]

    def load_state_arrays(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        object.__setattr__(self, "_lanes_seen", int(arrays["lanes_seen"]))

    def parts(self) -> tuple[Reward, ...]:
        return (self.base,)

    def start(self, lanes: int) -> Carry:
        return np.full(lanes, None, object)

    def over_time(self, batch: Transitions) -> FloatArray:
        if batch.training:
            return super().over_time(batch)
        # no draws, so all steps at once
        return self.follow(None, (self.base.over_time(batch),), batch)[1]

    def _draws(self, streams: Any, draw: Draw) -> tuple[Any, FloatArray]:
        """The streams, none missing any more, and one number from each, ``(B,)``."""
        streams = streams.copy()
        for i in np.flatnonzero(missing(streams)):
            number: int = self._lanes_seen  # type: ignore[attr-defined]
            streams[i] = np.random.default_rng([self.seed, number])
            object.__setattr__(self, "_lanes_seen", number + 1)
        return streams, np.array([draw(stream) for stream in streams], np.float64)


def missing(streams: Any) -> BoolArray:
    """Which lanes have no stream yet."""
    return np.array([stream is None for stream in streams], bool)


@register("flip")
class Flip(Noise):
    """A binary reward that is wrong at times: ``1 - r`` with probability p, else ``r``.

    ``E[flipped] = p + (1 - 2p) r``, so the gap between right and wrong shrinks to ``1 - 2p``:
    learners survive p below 1/2, and learn the opposite above. ``unbiased=True`` pays the surrogate
    ``(flipped - fp) / (1 - fp - fn)``, whose mean is ``r``, at a larger variance.

    Every step is judged, also those that pay 0 because nothing was decided yet. For an outcome that
    is known at the end alone write ``Sparsify(Flip(outcome, p), last=True)``.

    Args:
        base: A reward of 0 or 1.
        p: Probability of a flip, in [0, 1]; or a pair, of 0 read as 1 (false positive, fp) and of 1
            read as 0 (false negative, fn).
        scope: What shares one draw: ``"step"`` nothing, ``"episode"`` the steps of an episode,
            ``"group"`` the episodes that begin on one step with the same ``info[group]``, in all lanes.
        group: For that scope, a whole number in reset's info: the prompt, the task, the start.
        redraw: For that scope: True draws anew at every visit of a group, as the paper does, so a
            group that is visited often is judged rightly on the whole; False draws once for each
            group, for ever, which is a wrong label and not noise.
        unbiased: Whether to pay the surrogate; needs ``fp + fn < 1``.
        seed: Of the draws.

    Raises:
        ConfigError: p outside [0, 1], a group missing or not wanted, no surrogate for these rates.
        RewardValueError: The base pays something else than 0 or 1.

    Source: Lv et al., "The climb carves wisdom deeper than the summit: on the noisy rewards in
        learning to reason", 2025, arXiv 2505.22653: one draw for the group of a prompt, at each
        visit. Deviations: the other scopes, fp and fn, the surrogate, ``redraw=False``.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0] * 3, "action": [0] * 2, "reward": [0, 1], "terminated": [0, 1],
        ...        "truncated": [0, 0]}
        >>> rw.relabel(rw.Flip(rw.EnvReward(), 1.0), log, training=True)
        array([1., 0.])
    """

    base: Reward
    p: float | tuple[float, float]
    _: KW_ONLY
    scope: Literal["episode", "step", "group"] = "episode"
    group: str | None = None
    redraw: bool = True
    unbiased: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        rates = tuple(self.p) if isinstance(self.p, Sequence) else (self.p, self.p)
        if len(rates) != 2 or not all(is_number(rate) and 0.0 <= rate <= 1.0 for rate in rates):
            raise ConfigError(
                f"Flip: p must be a probability or a pair of them, got {self.p!r}. "
                "Give one number in [0, 1], or (false positive, false negative)."
            )
        require_choice(self, "scope", ("episode", "step", "group"))
        if (self.scope == "group") != (self.group is not None):
            raise ConfigError(
                f'Flip: group must be set exactly where scope is "group", got {self.group!r} and '
                f'"{self.scope}". Name the key in reset\'s info that episodes of a group share.'
            )
        if self.unbiased and sum(rates) >= 1.0:
            raise ConfigError(
                f"Flip: p must have fp + fn below 1 for an unbiased surrogate, got {sum(rates):g}. "
                "Rewards that are wrong as often as right tell nothing."
            )
        object.__setattr__(self, "_rates", rates)
        object.__setattr__(self, "_visits", {})

    def start(self, lanes: int) -> Carry:
        return super().start(lanes), np.zeros(lanes)

    def follow(
        self, own: Carry, values: Sequence[FloatArray], batch: Transitions
    ) -> tuple[Carry, FloatArray]:
        reward = values[0]
        wrong = np.flatnonzero((reward != 0.0) & (reward != 1.0))
        if wrong.size:
            raise RewardValueError(
                f"Flip: base must pay 0 or 1, got {reward[wrong[0]]} in lane {wrong[0]}. "
                "Compare it with a threshold first; for other rewards there is rw.Gaussian."
            )
        if not batch.training:
            return own, reward
        false_positive, false_negative = self._rates  # type: ignore[attr-defined]
        own, chance = self._chances(own, batch)
        flipped = np.where(reward == 1.0, chance >= false_negative, chance < false_positive).astype(
            np.float64
        )
        if self.unbiased:
            flipped = (flipped - false_positive) / (1.0 - false_positive - false_negative)
        return own, flipped

    def _chances(self, own: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        """A number in [0, 1) for each lane, one and the same within the scope."""
        streams, kept = own
        fresh = batch.first if self.scope != "step" else np.ones(batch.lanes, bool)
        if self.scope == "episode":
            # a lane that only now may learn has no draw of its episode yet
            fresh = fresh | missing(streams)
        if not fresh.any():
            return own, kept
        streams, kept = streams.copy(), kept.copy()
        if self.group is None:
            streams[fresh], kept[fresh] = self._draws(streams[fresh], np.random.Generator.random)
        else:
            keys = batch.info_before.take(fresh)[self.group]
            drawn = {key: self._draw_of(key) for key in dict.fromkeys(map(int, keys))}
            kept[fresh] = [drawn[int(key)] for key in keys]
        return (streams, kept), kept

    def _draw_of(self, group: int) -> float:
        """A group's number in [0, 1): one for each of its visits, or one for ever."""
        visits: dict[int, int] = self._visits  # type: ignore[attr-defined]
        visit = [visits.get(group, 0)] if self.redraw else []
        visits[group] = visits.get(group, 0) + 1
        return float(np.random.default_rng([self.seed, group, *visit]).random())


@register("gaussian")
class Gaussian(Noise):
    """``r + sigma * N(0, 1)``, drawn anew on every step; the mean stays ``r``.

    Args:
        base: The reward.
        sigma: Standard deviation, in units of the reward; at least 0.
        seed: Of the draws.

    Raises:
        ConfigError: sigma is negative or not finite.

    Example:
        >>> import rewardwrap as rw
        >>> venv = rw.make("CartPole-v1", rw.Gaussian(rw.EnvReward(), 0.5, seed=1), n_envs=2)
    """

    base: Reward
    sigma: float
    _: KW_ONLY
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number(self, "sigma", "Use 0 for no noise.", low=0.0)

    def follow(
        self, own: Carry, values: Sequence[FloatArray], batch: Transitions
    ) -> tuple[Carry, FloatArray]:
        if not batch.training:
            return own, values[0]
        own, draws = self._draws(own, np.random.Generator.standard_normal)
        return own, values[0] + self.sigma * draws


@register("dropout")
class Dropout(Noise):
    """``r`` with probability ``1 - p``, else 0, drawn anew on every step; the mean is ``(1 - p)
    r``.

    Divide by ``1 - p`` to keep the mean.

    Args:
        base: The reward.
        p: Probability that a reward is lost, in [0, 1].
        seed: Of the draws.

    Raises:
        ConfigError: p outside [0, 1].

    Example:
        >>> import rewardwrap as rw
        >>> venv = rw.make("CartPole-v1", rw.Dropout(rw.EnvReward(), 0.2) / 0.8, n_envs=2)
    """

    base: Reward
    p: float
    _: KW_ONLY
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number(self, "p", "It is a probability.", low=0.0, high=1.0)

    def follow(
        self, own: Carry, values: Sequence[FloatArray], batch: Transitions
    ) -> tuple[Carry, FloatArray]:
        if not batch.training:
            return own, values[0]
        own, draws = self._draws(own, np.random.Generator.random)
        return own, np.where(draws < self.p, 0.0, values[0])
