"""One entry of the catalogue: an environment's recipe and the names of what it shows."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from rewardwrap_envs.errors import MissingPackage, RecipeError, UnknownField, near_misses
from rewardwrap_envs.hush import SETTOTALMASS, hushed
from rewardwrap_envs.layers import Layer, overruled, stack
from rewardwrap_envs.mujoco_log import listen
from rewardwrap_envs.trust import require_trusted


@dataclass(frozen=True)
class Field:
    """One named number of an environment: a position of the observation, or an info entry.

    The value is ``raw * scale + offset``; unit, `low` and `high` speak of the value.

    Args:
        name: what users type, e.g. ``torso_z``.
        unit: ``m``, ``rad/s``, ``1`` for pure numbers ...
        description: a phrase, no full stop.
        index: position in the flat Box observation, in the Dict entry `key`, in the info entry
            `info`, or the digit of a Discrete observation with a radix (0 = most significant).
        info: name of an info entry; without `index` the entry is a single number.
        key: entry of a Dict observation.
        scale: factor from the raw number to the value.
        offset: added after `scale`.
        low: smallest value, None if unbounded or unknown.
        high: largest value, None if unbounded or unknown.
        reset: False if an info entry is missing in the info of `reset`.
        check: where the simulator holds the same number, e.g. ``qpos.rootz``; tests compare.
        verified: for RAM addresses taken from a table: whether play confirmed the meaning.
    """

    name: str
    unit: str
    description: str
    index: int | None = None
    info: str | None = None
    key: str | None = None
    scale: float = 1.0
    offset: float = 0.0
    low: float | None = None
    high: float | None = None
    reset: bool = True
    check: str | None = None
    verified: bool | None = None

    def read(
        self, obs: Any, info: Mapping[str, Any] | None = None, *, radix: tuple[int, ...] = ()
    ) -> npt.NDArray[np.float64]:
        """Return the value in one observation (or its info), or in a batch of them.

        Args:
            obs: the observation, or a batch with leading axes.
            info: the info of the same step; needed for info fields only.
            radix: bases of a Discrete observation, most significant first.

        Returns:
            float64, the shape of the leading axes (``()`` for a single observation).
        """
        if self.info is not None:
            raw = np.asarray((info or {})[self.info])
        else:
            raw = np.asarray(obs if self.key is None else obs[self.key])
        if radix and self.info is None and self.index is not None:
            raw = raw // math.prod(radix[self.index + 1 :]) % radix[self.index]
        elif self.index is not None:
            raw = raw[..., self.index]
        return np.asarray(raw, dtype=np.float64) * self.scale + self.offset


@dataclass(frozen=True)
class Returns:
    """True returns that give a scale to others.

    Args:
        random: mean of a uniformly random policy.
        reference: of a good agent, or the optimum; None where none is known.
        source: where both numbers come from.
    """

    random: float | None = None
    reference: float | None = None
    source: str = ""


LIMIT = "max_episode_steps"
"""The one argument of `gymnasium.make` that changes how long an episode is and not what a step pays."""
Range = tuple[float | None, float | None]
"""The least and the most, where the rules of an environment bound it."""


@dataclass(frozen=True)
class Bounds:
    """What the rules of an environment let its own reward be, whatever an agent does.

    Args:
        step: the least and the most that a step pays.
        episode: the least and the most that an episode pays, where that is closer than its steps say.
    """

    step: Range = (None, None)
    episode: Range = (None, None)

    def of_return(self, steps: int | None) -> Range:
        """The least and the most return of an episode of at most ``steps`` steps, at least one."""
        low, high = self.episode
        if low is None and self.step[0] is not None:
            low = self.step[0] if self.step[0] >= 0 else _times(self.step[0], steps)
        if high is None and self.step[1] is not None:
            high = self.step[1] if self.step[1] <= 0 else _times(self.step[1], steps)
        return low, high


def _times(least: float, steps: int | None) -> float | None:
    return None if steps is None else least * steps


@dataclass(frozen=True)
class Recipe:
    """How to make one environment, what its numbers mean, and what a good return is.

    Args:
        name: what users type; the gymnasium id unless several recipes share an id.
        id: the gymnasium id.
        summary: the task in one sentence.
        suite: family, e.g. ``mujoco``.
        make: keyword arguments for `gymnasium.make`.
        wrappers: layers under ``all``, ``train`` and ``eval``, innermost first.
        fields: named numbers.
        width: length of the flat Box observation the fields were written for.
        radix: bases of a Discrete observation, most significant first.
        gamma: default discount of the agent, in [0, 1].
        success: ``{"true_return_at_least": x}`` or ``{"info": key}``; None if undefined.
        returns: random and reference true returns.
        bounds: what a step or an episode can pay by the rules of the environment.
        threshold: true return for steps-to-threshold statistics; None if undefined.
        potential: linear potential, field name to weight, with an optional ``bias``; or the name of
            a function of a batch of observations, ``"module:function"``.
        mirror: fields that change sign where the world is seen in a mirror, left for right; actions turn
            around with them, numbers by their sign and choices by their order, and every reward stays.
        tags: words to filter by.
        path: the file it was read from.
    """

    name: str
    id: str
    summary: str
    suite: str
    make: Mapping[str, Any] = field(default_factory=dict)
    wrappers: Mapping[str, tuple[Layer, ...]] = field(default_factory=dict)
    fields: Mapping[str, Field] = field(default_factory=dict)
    width: int | None = None
    radix: tuple[int, ...] = ()
    gamma: float = 0.99
    success: Mapping[str, Any] | None = None
    returns: Returns = field(default_factory=Returns)
    bounds: Bounds = field(default_factory=Bounds)
    threshold: float | None = None
    potential: Mapping[str, float] | str | None = None
    mirror: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    path: Path | None = None

    def return_bounds(self, kwargs: Mapping[str, Any] | None = None) -> Range:
        """The least and the most true return of an episode; None where the rules do not say.

        Args:
            kwargs: arguments beside the recipe's; any but ``max_episode_steps`` may change the rules.
        """
        given = {**self.make, **(kwargs or {})}
        if {k: v for k, v in given.items() if k != LIMIT} != {
            k: v for k, v in self.make.items() if k != LIMIT
        }:
            return None, None
        made = gymnasium.registry.get(self.id)
        steps: int | None = given.get(LIMIT, made and made.max_episode_steps)
        return self.bounds.of_return(steps)

    def build(
        self, *, split: str = "train", render_mode: str | None = None, **overrides: Any
    ) -> gymnasium.Env[Any, Any]:
        """Make the environment.

        Args:
            split: "train" or "eval"; a recipe may wrap the two differently.
            render_mode: as in `gymnasium.make`.
            **overrides: win over the recipe's own arguments for `gymnasium.make`. Who asks for
                what a wrapper decides, ``obs_type="ram"`` say, gets the environment as
                `gymnasium.make` gives it, with layers that leave observations alone.

        Raises:
            RecipeError: `split` is neither, a wrapper cannot be imported, or nobody vouched for its
                module.
            MissingPackage: an Atari environment without the Atari packages.
        """
        self.require_trusted()
        if split not in ("train", "eval"):
            raise RecipeError(f'split must be "train" or "eval", got {split!r}. Choose one.')
        if self.id.startswith("ALE/"):
            _register_atari(self.name)
        layers = (*self.wrappers.get("all", ()), *self.wrappers.get(split, ()))
        asked = {name for name, value in overrides.items() if self.make.get(name) != value}
        given_up = overruled(layers, asked)
        own = {name: value for name, value in self.make.items() if name not in given_up}
        kwargs = {**copy.deepcopy(own), **overrides}
        with hushed(SETTOTALMASS) if self.suite == "mujoco" else nullcontext():
            env: gymnasium.Env[Any, Any] = gymnasium.make(
                self.id, render_mode=render_mode, **kwargs
            )
        listen()
        return stack(env, layers, plain=bool(given_up))

    def require_trusted(self) -> None:
        """Refuse a recipe out of a file that names a module nobody vouched for.

        Raises:
            RecipeError: see `rewardwrap_envs.trust`.
        """
        if self.path is not None:
            layers = [layer.path for split in self.wrappers.values() for layer in split]
            require_trusted({"id": self.id, "wrappers": layers}, self.path)

    def field(self, name: str) -> Field:
        """Return a field by name.

        Raises:
            UnknownField: with near misses.
        """
        if name in self.fields:
            return self.fields[name]
        raise UnknownField(f'{self.name} has no field "{name}". {near_misses(name, self.fields)}')

    def read(
        self, name: str, obs: Any, info: Mapping[str, Any] | None = None
    ) -> npt.NDArray[np.float64]:
        """Return the value of a field; see `Field.read`."""
        return self.field(name).read(obs, info, radix=self.radix)

    def succeeded(self, true_return: float, info: Mapping[str, Any]) -> bool | None:
        """Say whether an episode did the task: None where the recipe has no rule.

        Args:
            true_return: undiscounted sum of the environment's own rewards.
            info: the info of the last step.
        """
        if self.success is None:
            return None
        if "info" in self.success:
            return bool(info[self.success["info"]])
        return bool(true_return >= self.success["true_return_at_least"])

    def check(self, env: gymnasium.Env[Any, Any]) -> None:
        """Refuse an environment whose observations are not the ones the fields name.

        Raises:
            RecipeError: another observation width, radix or key than the recipe says.
        """
        space = env.observation_space
        if self.width is not None:
            self._check_width(space)
        if self.radix and not (
            isinstance(space, spaces.Discrete) and int(space.n) == math.prod(self.radix)
        ):
            raise RecipeError(
                f"{self.name}: the observation must be Discrete({math.prod(self.radix)}) as radix "
                f"{list(self.radix)} says, got {space}. Correct `radix` or the make arguments."
            )
        for entry in self.fields.values():
            if entry.key is not None:
                self._check_key(entry, entry.key, space)

    def _check_width(self, space: spaces.Space[Any]) -> None:
        if not isinstance(space, spaces.Box) or space.shape != (self.width,):
            raise RecipeError(
                f"{self.name}: the observation must be a flat Box of width {self.width}, got "
                f"{space}. The recipe's field positions hold for that width only; drop the "
                "argument or wrapper that changed it, or write a recipe of your own."
            )

    def _check_key(self, entry: Field, key: str, space: spaces.Space[Any]) -> None:
        inner = space.spaces.get(key) if isinstance(space, spaces.Dict) else None
        shape = None if inner is None else inner.shape
        fits = shape is not None and (entry.index is None or entry.index < (shape or (0,))[-1])
        if not fits:
            raise RecipeError(
                f"{self.name}: field {entry.name!r} must lie in entry {key!r} of a Dict "
                f"observation at index {entry.index}, got {space}. Correct `key` and `index`."
            )


def _register_atari(name: str) -> None:
    try:
        import ale_py
        import cv2  # noqa: F401 - AtariPreprocessing resizes with it
    except ImportError as error:
        raise MissingPackage(
            f"{name} must have the Atari packages installed, got: {error}. "
            'Run: pip install "rewardwrap[atari]"'
        ) from error
    gymnasium.register_envs(ale_py)
