"""What a reward may know of its environment: named observation fields and the discount."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.core.info import Info, missing

BIAS = "bias"
Form: TypeAlias = str | Mapping[str, float]
"""A named field, or weights by field name with an optional ``bias``: ``bias + sum_i w_i * field_i``."""


class Field(Protocol):
    """One named number of an environment (a recipe's field has this shape).

    It lies in the observation (``index``, under ``key`` if that is a dict) or in ``info[info]`` (at
    ``index`` if that is a vector); its value is ``raw * scale + offset``.
    """

    @property
    def index(self) -> int | None: ...
    @property
    def info(self) -> str | None: ...
    @property
    def key(self) -> str | None: ...
    @property
    def scale(self) -> float: ...
    @property
    def offset(self) -> float: ...


@dataclass(frozen=True, eq=False)
class Task:
    """Named fields and the discount of one run.

    Args:
        name: What the user calls the environment; for error sentences.
        gamma: Discount of the agent, in [0, 1]; None where no learner is known.
        fields: Name -> where to read it.
        radix: For a Discrete observation, the bases of its digits, most significant first;
            a field's ``index`` is then the digit. ``(8, 8)`` reads FrozenLake 8x8 as row, column.
        width: Size of the flat observation that the indices are meant for.
        shape: Shape of one observation as the reward sees it, where known.
        spaces: The spaces of one lane by column, ``obs`` and ``action``, where known.
        teams: Where lanes are the players of one match, the team of each; else empty.
    """

    name: str = ""
    gamma: float | None = None
    fields: Mapping[str, Field] = field(default_factory=dict)
    radix: tuple[int, ...] = ()
    width: int | None = None
    shape: tuple[int, ...] | None = None
    spaces: Mapping[str, Any] = field(default_factory=dict)
    teams: tuple[int, ...] = ()
    _readers: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def read(self, form: Form, obs: Any, info: Info) -> np.ndarray[Any, Any]:
        """A field, or a linear form of fields, in every lane: ``(B,)`` float64."""
        if isinstance(form, str):
            return self._read(form, obs, info)
        value: Any = float(form.get(BIAS, 0.0))
        for name, weight in form.items():
            if name != BIAS:
                value = value + weight * self._read(name, obs, info)
        if isinstance(value, float):
            return np.full(tree.size(obs), value)
        read: np.ndarray[Any, Any] = value
        return read

    def require(self, form: Form) -> None:
        """Refuse a form of fields that the environment does not have, or not in this observation."""
        weights = {form: 1.0} if isinstance(form, str) else form
        for name, weight in weights.items():
            if not isinstance(weight, int | float | np.number) or not math.isfinite(weight):
                raise ConfigError(
                    f'weight of field "{name}" must be a finite number, got {weight!r}. '
                    "Write e.g. {row: 0.07, bias: 0.1}."
                )
            if name != BIAS:
                self.field(name)

    def _read(self, name: str, obs: Any, info: Info) -> np.ndarray[Any, Any]:
        reader = self._readers.get(name)
        if reader is None:
            reader = self._readers[name] = self._reader(self.field(name))
        return reader(obs, info)

    def _reader(self, place: Field) -> Callable[[Any, Info], np.ndarray[Any, Any]]:
        """How to read one field of all lanes: decided once, since every batch asks."""
        # np.float64 is a strong type: one multiplication both scales and leaves float32 behind
        scale, index = np.float64(place.scale), place.index
        if place.info is None and place.key is None and not self.radix and not place.offset:
            return lambda obs, info: obs[:, index] * scale
        raw = self._raw(place)
        if place.offset:
            return lambda obs, info: raw(obs, info) * scale + place.offset
        return lambda obs, info: raw(obs, info) * scale

    def _raw(self, place: Field) -> Callable[[Any, Info], np.ndarray[Any, Any]]:
        index, key, name = place.index, place.key, place.info
        if name is not None:
            return lambda obs, info: info[name] if index is None else info[name][:, index]
        if self.radix:
            return lambda obs, info: self._digit(obs if key is None else obs[key], index)
        return lambda obs, info: (obs if key is None else obs[key])[:, index]

    def __getstate__(self) -> dict[str, Any]:
        # readers are made anew: functions cannot be pickled
        return {**self.__dict__, "_readers": {}}

    def read_lane(self, name: str) -> Callable[[Any, Mapping[str, Any]], float]:
        """A field of one lane: a function of ``(obs, info)`` that returns a Python float."""
        place = self.field(name)
        scale, offset, index, key = place.scale, place.offset, place.index, place.key
        if place.info is not None:
            return _lane_info(place.info, index, scale, offset)
        if self.radix:
            assert index is not None
            below, base = math.prod(self.radix[index + 1 :]), self.radix[index]
            return lambda obs, info: (int(obs) // below % base) * scale + offset
        if key is not None:
            return lambda obs, info: float(obs[key][index]) * scale + offset
        return lambda obs, info: float(obs[index]) * scale + offset

    def field(self, name: str) -> Field:
        """The place of a named field.

        Raises:
            UnknownName: The environment has no such field.
            ConfigError: The observation was stacked, flattened or cut since.
        """
        if name not in self.fields:
            if self.fields:
                raise UnknownName(f"field of {self.name}", name, self.fields)
            raise UnknownName(
                f"field of {self.name}" if self.name else "field (the environment has no recipe)",
                name, (),
                way_out="No recipe says what this observation holds: read it by a function, "
                "rw.function(lambda obs: obs[2]), or write a recipe; `rewardwrap envs` lists them.",
            )  # fmt: skip
        place = self.fields[name]
        in_obs = place.info is None and place.key is None and not self.radix
        if in_obs and self.width and self.shape and self.shape != (self.width,):
            raise ConfigError(
                f'field "{name}" must be read from an observation of shape ({self.width},), '
                f"got {self.shape}. Wrap the reward below what stacks or flattens observations."
            )
        return place

    def discount(self, own: float | None, subject: str) -> float:
        """The discount to use: the reward's own, or else the run's.

        Raises:
            ConfigError: Neither is set.
        """
        gamma = self.gamma if own is None else own
        if gamma is None:
            raise ConfigError(
                f"{subject}: gamma must be set, got None. Use the discount of the agent, "
                "e.g. gamma=0.99, or give it once: rw.wrap(env, reward, gamma=0.99)."
            )
        return gamma

    def _digit(self, values: Any, index: int | None) -> np.ndarray[Any, Any]:
        assert index is not None
        digit: np.ndarray[Any, Any] = (
            np.asarray(values) // math.prod(self.radix[index + 1 :]) % self.radix[index]
        )
        return digit


def _lane_info(
    key: str, index: int | None, scale: float, offset: float
) -> Callable[[Any, Mapping[str, Any]], float]:
    def read(obs: Any, info: Mapping[str, Any]) -> float:
        if key not in info:
            raise missing(key, info)
        raw = info[key] if index is None else info[key][index]
        return float(raw) * scale + offset

    return read


NO_TASK = Task()
