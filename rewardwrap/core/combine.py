"""Sums, products, bounds and names: how rewards are put together.

Numbers are folded while composing. Any chain of ``*``, ``+`` and ``.clip`` with numbers is one
`Affine`, ``clip(scale * x + shift, low, high)``; a number times a sum goes to its terms, and a number
times a named term goes inside the name. So what is stepped is short, whatever was written, and a term is
always recorded as what it contributes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.lane import LaneCode
from rewardwrap.core.reward import Pointwise, Reward, register
from rewardwrap.core.transitions import Carry, FloatArray, Transitions

TRUE = "env"
SHAPED = "shaped"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


@register("sum")
class Sum(Pointwise):
    """The sum of its terms, lane by lane; what ``a + b`` builds."""

    terms: tuple[Reward, ...]

    def __post_init__(self) -> None:
        require_parts(self, self.terms)

    def parts(self) -> tuple[Reward, ...]:
        return self.terms

    @property
    def recorded(self) -> tuple[str, ...]:
        return tuple(name for term in self.terms for name in term.recorded)

    def combine(self, values: Sequence[Any]) -> Any:
        return sum(values[1:], start=values[0])

    def write(self, code: LaneCode) -> str:
        return f"({' + '.join(term.write(code) for term in self.terms)})"


@register("product")
class Product(Pointwise):
    """The product of its factors, lane by lane; what ``a * b`` builds."""

    factors: tuple[Reward, ...]

    def __post_init__(self) -> None:
        require_parts(self, self.factors)

    def combine(self, values: Sequence[Any]) -> Any:
        return reduce(lambda a, b: a * b, values)


@register("minimum")
class Minimum(Pointwise):
    """The smallest of its terms, lane by lane: a soft AND; not policy-invariant."""

    terms: tuple[Reward, ...]

    def __post_init__(self) -> None:
        require_parts(self, self.terms)

    def combine(self, values: Sequence[Any]) -> Any:
        return reduce(np.minimum, values)


@register("maximum")
class Maximum(Pointwise):
    """The largest of its terms, lane by lane: a soft OR; not policy-invariant."""

    terms: tuple[Reward, ...]

    def __post_init__(self) -> None:
        require_parts(self, self.terms)

    def combine(self, values: Sequence[Any]) -> Any:
        return reduce(np.maximum, values)


@register("affine")
class Affine(Pointwise):
    """``clip(scale * base + shift, low, high)``.

    A positive scale keeps the optimal policy; a shift keeps it only where episodes have one length; a
    bound does not keep it.

    Args:
        base: The reward to rescale.
        scale: Factor.
        shift: Added after scaling, in reward per step.
        low: Lower bound of the result, or None.
        high: Upper bound of the result, or None.
    """

    base: Reward
    scale: float = 1.0
    shift: float = 0.0
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        require_parts(self, (self.base,))
        for name in ("scale", "shift", "low", "high"):
            value = getattr(self, name)
            if value is None and name in ("low", "high"):
                continue
            if not math.isfinite(_number(value)):
                raise ConfigError(
                    f"Affine: {name} must be finite, got {value}. Use None for no bound."
                )
            object.__setattr__(self, name, float(value))
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ConfigError(
                f"clip: low must not exceed high, got [{self.low}, {self.high}]. Swap them."
            )
        object.__setattr__(self, "_scaled", self.base.recorded if self.scale != 1.0 else ())

    def parts(self) -> tuple[Reward, ...]:
        return (self.base,)

    @property
    def recorded(self) -> tuple[str, ...]:
        return self.base.recorded

    def step(self, carry: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        carry, value = super().step(carry, batch)
        self._scale_terms(batch)
        return carry, value

    def __call__(self, batch: Transitions) -> FloatArray:
        value = super().__call__(batch)
        self._scale_terms(batch)
        return value

    def over_time(self, batch: Transitions) -> FloatArray:
        value = super().over_time(batch)
        self._scale_terms(batch)
        return value

    def _scale_terms(self, batch: Transitions) -> None:
        """What the base recorded is multiplied too: a term is what it contributes."""
        names: tuple[str, ...] = self._scaled  # type: ignore[attr-defined]
        for name in names:
            batch.terms[name] = batch.terms[name] * self.scale

    def combine(self, values: Sequence[Any]) -> Any:
        value = values[0]
        if self.scale != 1.0:
            value = value * self.scale
        if self.shift != 0.0:
            value = value + self.shift
        if self.low is not None:
            value = np.maximum(value, self.low)
        if self.high is not None:
            value = np.minimum(value, self.high)
        return value

    def write(self, code: LaneCode) -> str:
        value = self.base.write(code)
        for name in self._scaled:  # type: ignore[attr-defined]
            code.terms[name] = code.let(f"{code.terms[name]} * {self.scale!r}", "term")
        if self.scale != 1.0:
            value = f"{value} * {self.scale!r}"
        if self.shift != 0.0:
            value = f"{value} + {self.shift!r}"
        if self.low is None and self.high is None:
            return f"({value})"
        # comparisons with NaN are false, so NaN passes through and is reported as such
        value = code.let(value, "clipped")
        if self.low is not None:
            code.line(f"if {value} < {self.low!r}: {value} = {self.low!r}")
        if self.high is not None:
            code.line(f"if {value} > {self.high!r}: {value} = {self.high!r}")
        return value


@register("named")
class Named(Reward):
    """Records what its base contributes as a term; what ``.named(...)`` builds.

    Args:
        name: Letters, digits, ``_ . -``; not ``env`` or ``shaped``, which every run has.
        base: The reward.
    """

    name: str
    base: Reward

    def __post_init__(self) -> None:
        require_parts(self, (self.base,))
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise ConfigError(
                f"term name must be letters, digits, '_', '.' or '-', got {self.name!r}. "
                "It becomes part of a TensorBoard tag and a column name."
            )
        if self.name in (TRUE, SHAPED):
            raise ConfigError(
                f'term name must not be "{self.name}", which every run records. Choose another.'
            )

    def parts(self) -> tuple[Reward, ...]:
        return (self.base,)

    @property
    def recorded(self) -> tuple[str, ...]:
        return (self.name, *self.base.recorded)

    def init(self, lanes: int) -> Carry:
        return self.base.init(lanes)

    def step(self, carry: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        carry, value = self.base.step(carry, batch)
        batch.terms[self.name] = value
        return carry, value

    def __call__(self, batch: Transitions) -> FloatArray:
        batch.terms[self.name] = value = self.base(batch)
        return value

    def over_time(self, batch: Transitions) -> FloatArray:
        batch.terms[self.name] = value = self.base.over_time(batch)
        return value

    def write(self, code: LaneCode) -> str:
        code.terms[self.name] = value = code.let(self.base.write(code), "term")
        return value


def total(one: Reward, other: Reward) -> Sum:
    """``one + other`` as one flat sum."""
    terms = [t for r in (one, other) for t in (r.terms if isinstance(r, Sum) else (r,))]
    return Sum(tuple(terms))


def affine(
    base: Reward,
    *,
    scale: float = 1.0,
    shift: float = 0.0,
    low: float | None = None,
    high: float | None = None,
) -> Reward:
    """``clip(scale * base + shift, low, high)``, folded into what ``base`` already is."""
    scale, shift = _number(scale), _number(shift)
    only_scale = shift == 0.0 and low is None and high is None
    if only_scale and scale == 1.0:
        return base
    if only_scale and isinstance(base, Named):
        return Named(base.name, affine(base.base, scale=scale))
    if only_scale and isinstance(base, Sum):
        return Sum(tuple(affine(term, scale=scale) for term in base.terms))
    low, high = _bound(low, -math.inf), _bound(high, math.inf)
    if low > high:
        raise ConfigError(f"clip: low must not exceed high, got [{low}, {high}]. Swap them.")
    inner = base if isinstance(base, Affine) else Affine(base)
    ends = [_moved(inner.low, -math.inf, scale, shift), _moved(inner.high, math.inf, scale, shift)]
    below, above = ends if scale >= 0 else ends[::-1]
    # clip(clip(y, a, b), low, high) is clip(y, a', b') with both ends clipped themselves
    return replace(
        inner,
        scale=inner.scale * scale,
        shift=inner.shift * scale + shift,
        low=_finite(min(max(below, low), high)),
        high=_finite(min(max(above, low), high)),
    )


def _moved(bound: float | None, absent: float, scale: float, shift: float) -> float:
    if bound is None:
        return absent if scale >= 0 else -absent
    return bound * scale + shift


def _bound(bound: float | None, absent: float) -> float:
    if bound is None:
        return absent
    bound = _number(bound)
    if math.isnan(bound) or bound == -absent:
        raise ConfigError(f"clip: a bound must be finite, got {bound}. Use None for an open side.")
    return bound


def _finite(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise ConfigError(
            f"a reward must be combined with a number or a reward, got {type(value).__name__}. "
            "Wrap a function with rw.function(f)."
        )
    return float(value)


def require_parts(owner: Reward, parts: Sequence[Any]) -> None:
    """Refuse a composite whose parts are missing or are no rewards.

    Raises:
        ConfigError: No part, or one that is not a `Reward`.
    """
    if not parts:
        raise ConfigError(
            f"{type(owner).__name__} must have at least one reward, got none. Add one."
        )
    for part in parts:
        if not isinstance(part, Reward):
            raise ConfigError(
                f"{type(owner).__name__} must be made of rewards, got {type(part).__name__}. "
                "Wrap a number with rw.Constant(c) and a function with rw.function(f)."
            )


def term_names(reward: Reward) -> tuple[str, ...]:
    """Names of the recorded terms, outermost first.

    Raises:
        ConfigError: Two terms share a name.
    """
    names = [node.name for node in reward.walk() if isinstance(node, Named)]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ConfigError(
            f"term names must differ, got {', '.join(sorted(twice))} twice. Rename one with .named()."
        )
    return tuple(names)


def with_every_term_named(reward: Reward) -> Reward:
    """Give each unnamed addend its tag as name, so that nothing that is paid goes unrecorded."""
    terms = reward.terms if isinstance(reward, Sum) else (reward,)
    taken = set(term_names(reward)) | {TRUE, SHAPED}
    labelled = []
    for term in terms:
        if not isinstance(term, Named) and term.tag != TRUE:
            term = Named(_free(_default_name(term), taken), term)
            taken.add(term.name)
        labelled.append(term)
    return Sum(tuple(labelled)) if isinstance(reward, Sum) else labelled[0]


def _default_name(term: Reward) -> str:
    core = term
    while isinstance(core, Affine):
        core = core.base
    return "env_rescaled" if core.tag == TRUE else core.tag or type(core).__name__.lower()


def _free(name: str, taken: set[str]) -> str:
    number = 2
    candidate = name
    while candidate in taken:
        candidate, number = f"{name}_{number}", number + 1
    return candidate
