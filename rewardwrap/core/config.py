"""Rewards as plain data and back.

A node is ``{tag: {field: value}}``. For people who write YAML by hand there are four short forms:
``env`` is ``{env: {}}``; a list is a sum; ``{constant: 1.0}`` gives the first field; and ``weight``,
``clip`` and ``name`` may stand beside the tag, applied in this order::

    - env
    - potential: {phi: torso_z, gamma: 0.99}
      weight: 0.5
      name: height
"""

from __future__ import annotations

import dataclasses
import importlib
import typing
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rewardwrap.core.combine import Sum, affine
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.core.reward import Reward, field_names, registered, reward_type

Path = tuple[str | int, ...]
MODIFIERS = ("weight", "clip", "name")


def to_config(reward: Reward) -> dict[str, Any]:
    """The reward as plain nested data.

    Raises:
        ConfigError: A field holds something that has no name, such as a lambda.
    """
    if not reward.tag:
        name = type(reward).__name__
        raise ConfigError(
            f"{name} must be registered to be written down, got a class without a tag. "
            f'Put @rw.register("{name.lower()}") above it.'
        )
    fields = {}
    for f in dataclasses.fields(reward):  # type: ignore[arg-type]
        value = getattr(reward, f.name)
        if f.default is dataclasses.MISSING or value is not f.default:
            fields[f.name] = _plain(value, f"{type(reward).__name__}: {f.name}")
    return {reward.tag: fields}


def _plain(value: Any, subject: str) -> Any:
    if isinstance(value, Reward):
        return to_config(value)
    if isinstance(value, Mapping):
        return {key: _plain(item, subject) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item, subject) for item in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if callable(value):
        return function_name(value, subject)
    raise ConfigError(
        f"{subject} must be plain data, got {type(value).__name__}. "
        "Use numbers, text, lists, rewards or a function named by module."
    )


def function_name(function: Callable[..., Any], subject: str = "function") -> str:
    """``"module:function"`` for a function that can be imported again.

    Raises:
        ConfigError: It is a lambda, a closure or lives in ``__main__``.
    """
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", "")
    if module and module != "__main__" and "<" not in name:
        spelled = f"{module}:{name}"
        try:
            if load_function(spelled) is function:
                return spelled
        except ConfigError:
            pass
    shown = f"{module}.{name}" if name else type(function).__name__
    raise ConfigError(
        f"{subject} must be a function that can be imported to be written down, got {shown}. "
        'Put it at the top of a module and name it "module:function"; training works with it as it is.'
    )


def load_function(spelled: str) -> Callable[..., Any]:
    """The function behind ``"module:function"``.

    Raises:
        ConfigError: No such module or function.
    """
    module_name, _, qualname = spelled.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
        for part in qualname.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f'function must be an importable "module:function", got "{spelled}" ({error}). '
            "Check the spelling and that the module lies on the Python path."
        ) from error
    if not callable(found):
        raise ConfigError(
            f'"{spelled}" must be a function, got {type(found).__name__}. Name a callable.'
        )
    function: Callable[..., Any] = found
    return function


def from_config(config: Any, *, path: Path = ()) -> Reward:
    """Build a reward from plain data; the inverse of ``reward.to_config()``.

    Args:
        config: A node as described at the top of this module.
        path: Where the node lies in its file; errors carry it.

    Raises:
        ConfigError: Unknown tag or field, missing field, value of the wrong shape.

    Example:
        >>> import rewardwrap as rw
        >>> rw.from_config(["env", {"constant": -0.1, "name": "time"}])
        Sum(terms=(EnvReward(), Named(name='time', base=Constant(value=-0.1))))
    """
    if isinstance(config, Reward):
        return config
    if isinstance(config, str):
        return _build(config, {}, path)
    if isinstance(config, list | tuple):
        return _sum(config, path)
    if not isinstance(config, Mapping):
        raise ConfigError(
            f"a reward must be a name, a list or a mapping, got {config!r}. "
            "Write e.g. env, or potential: {phi: torso_z}.",
            path=path,
        )
    tags = [key for key in config if key not in MODIFIERS]
    if len(tags) != 1:
        raise ConfigError(
            f"a reward must have exactly one tag beside {', '.join(MODIFIERS)}, "
            f"got {', '.join(map(str, tags)) or 'none'}. Start a list item for each term.",
            path=(*path, *tags[1:2]),
        )
    tag = str(tags[0])
    reward = _build(tag, config[tags[0]], (*path, tag))
    return _modified(reward, config, path)


def _modified(reward: Reward, config: Mapping[str, Any], path: Path) -> Reward:
    steps: tuple[Callable[[Reward, Any], Reward], ...] = (_weighted, _clipped, Reward.named)
    for name, modify in zip(MODIFIERS, steps, strict=True):
        if name in config:
            try:
                reward = modify(reward, config[name])
            except ConfigError as error:
                error.path = error.path or (*path, name)
                raise
    return reward


def _weighted(reward: Reward, weight: float) -> Reward:
    return affine(reward, scale=weight)


def _clipped(reward: Reward, bounds: Any) -> Reward:
    if not isinstance(bounds, list | tuple) or len(bounds) != 2:
        raise ConfigError(f"clip must be [low, high], got {bounds!r}. Use null for an open side.")
    return reward.clip(*bounds)


def _sum(items: list[Any] | tuple[Any, ...], path: Path) -> Reward:
    if not items:
        raise ConfigError("a sum must have at least one term, got none. Add one.", path=path)
    return Sum(tuple(from_config(item, path=(*path, i)) for i, item in enumerate(items)))


def _build(tag: str, fields: Any, path: Path) -> Reward:
    cls = reward_type(tag, path=path)
    names = field_names(cls)
    if fields is None:
        fields = {}
    if not isinstance(fields, Mapping) or _is_node(fields, names):
        if not names:
            raise ConfigError(
                f"{tag} must have no fields, got {fields!r}. Leave it out.", path=path
            )
        fields = {names[0]: fields}
    for name in fields:
        if name not in names:
            raise UnknownName(f"field of {tag}", str(name), names, path=(*path, name))
    hints = _hints(cls)
    values = {n: _value(v, hints.get(n), (*path, n)) for n, v in fields.items()}
    try:
        return cls(**values)
    except TypeError as error:
        missing = [
            f.name
            for f in dataclasses.fields(cls)  # type: ignore[arg-type]
            if f.name not in values
            and f.default is dataclasses.MISSING
            and f.default_factory is dataclasses.MISSING
        ]
        if not missing:
            raise ConfigError(
                f"{tag} must be built from values of the right type, got {values!r} ({error}). "
                "Compare it with the class's docstring.",
                path=path,
            ) from error
        raise ConfigError(
            f"{tag} must have {', '.join(missing)}, got {', '.join(fields) or 'nothing'}. Add it.",
            path=path,
        ) from error
    except ConfigError as error:
        error.path = error.path or path
        raise


def _is_node(fields: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    """Whether a mapping is a reward standing for the first field, rather than the fields."""
    return not set(fields) & set(names) and bool(set(fields) & set(registered()))


def _value(value: Any, hint: Any, path: Path) -> Any:
    if hint is not None and _holds_rewards(hint):
        if typing.get_origin(hint) is tuple:
            if not isinstance(value, list | tuple):
                raise ConfigError(
                    f"{path[-1]} must be a list of rewards, got {value!r}. Start an item for each.",
                    path=path,
                )
            return tuple(from_config(item, path=(*path, i)) for i, item in enumerate(value))
        return None if value is None else from_config(value, path=path)
    return _frozen(value)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _holds_rewards(hint: Any) -> bool:
    if isinstance(hint, type):
        return issubclass(hint, Reward)
    return any(_holds_rewards(arg) for arg in typing.get_args(hint))


def _hints(cls: type[Reward]) -> dict[str, Any]:
    return typing.get_type_hints(cls)
