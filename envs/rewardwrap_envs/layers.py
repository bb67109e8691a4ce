"""Wrappers written down as data: a dotted path and its arguments, as in RL Zoo's `env_wrapper`."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import gymnasium

from rewardwrap_envs.errors import RecipeError

TAKES_OVER = {"gymnasium.wrappers.AtariPreprocessing": ("obs_type", "frameskip")}
"""Arguments of `gymnasium.make` that a wrapper decides itself, by its dotted path."""


@dataclass(frozen=True)
class Layer:
    """One wrapper: the class (or function) at a dotted path, and its keyword arguments.

    Args:
        path: importable, e.g. ``gymnasium.wrappers.AtariPreprocessing``.
        arguments: keyword arguments after the environment.
    """

    path: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def apply(self, env: gymnasium.Env[Any, Any]) -> gymnasium.Env[Any, Any]:
        """Return `env` inside this wrapper.

        Raises:
            RecipeError: nothing can be imported at the path.
        """
        module, _, name = self.path.rpartition(".")
        try:
            wrapper = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise RecipeError(
                f"wrapper must be an importable dotted path, got {self.path!r} ({error}). "
                "Install its package, or correct the path."
            ) from error
        wrapped: gymnasium.Env[Any, Any] = wrapper(env, **copy.deepcopy(dict(self.arguments)))
        return wrapped


def read_layers(value: Any, *, where: str) -> tuple[Layer, ...]:
    """Read wrappers as RL Zoo writes them, innermost first.

    Args:
        value: ``None``, ``a.b.C``, ``{a.b.C: {argument: value}}``, or a list of the last two.
        where: the start of an error message, e.g. ``file.yml:12``.

    Raises:
        RecipeError: anything else.

    >>> read_layers(["a.B", {"c.D": {"skip": 4}}], where="x.yml:1")
    (Layer(path='a.B', arguments={}), Layer(path='c.D', arguments={'skip': 4}))
    """
    if value is None:
        return ()
    items = value if isinstance(value, list) else [value]
    return tuple(_layer(item, where) for item in items)


def overruled(layers: Iterable[Layer], asked: Iterable[str]) -> set[str]:
    """Arguments of `gymnasium.make` that layers would decide, where somebody asks for one of them.

    Args:
        layers: a recipe's wrappers.
        asked: names of the arguments that the user gives.
    """
    taken = {name for layer in layers for name in TAKES_OVER.get(layer.path, ())}
    return taken if taken & set(asked) else set()


def stack(
    env: gymnasium.Env[Any, Any], layers: Iterable[Layer], *, plain: bool = False
) -> gymnasium.Env[Any, Any]:
    """Return `env` inside all layers, the first innermost.

    Args:
        env: the environment.
        layers: what to put around it.
        plain: leave out layers that would change what the agent observes.
    """
    for layer in layers:
        if plain and layer.path in TAKES_OVER:
            continue
        wrapped = layer.apply(env)
        if not plain or wrapped.observation_space == env.observation_space:
            env = wrapped
    return env


def _layer(item: Any, where: str) -> Layer:
    if isinstance(item, str) and "." in item:
        return Layer(item)
    if isinstance(item, Mapping) and len(item) == 1:
        path, arguments = next(iter(item.items()))
        if isinstance(path, str) and "." in path and isinstance(arguments or {}, Mapping):
            return Layer(path, dict(arguments or {}))
    raise RecipeError(
        f"{where}: a wrapper must be a dotted path, or one path with its arguments, got {item!r}. "
        "Write e.g. `- gymnasium.wrappers.FrameStackObservation: {stack_size: 4}`."
    )
