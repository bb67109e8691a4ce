"""From plain data to a reward; ``reward.to_config()`` is the way back.

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
import typing
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.core.registry import make, registered, reward_type
from rewardwrap.core.reward import Reward, Sum, affine, field_names

Path = tuple[str | int, ...]
MODIFIERS = ("weight", "clip", "name")


def from_config(config: Any, *, path: Path = ()) -> Reward:
    """Build a reward from plain data; the inverse of ``reward.to_config()``.

    Args:
        config: A node as described at the top of this module; a reward stands for itself, and a function
            for the reward that it computes, see `rw.function`.
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
    if isinstance(config, type):
        raise ConfigError(
            f"a reward must be made first, got the class {config.__name__}. Write {config.__name__}(...).",
            path=path,
        )
    if callable(config):
        built: Reward = make("function", function=config)
        return built
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


def _weighted(reward: Reward, weight: Any) -> Reward:
    if isinstance(weight, bool) or not isinstance(weight, int | float | np.number):
        raise ConfigError(f"weight must be a number, got {weight!r}. Write e.g. weight: 0.5.")
    return affine(reward, scale=float(weight))


def _clipped(reward: Reward, bounds: Any) -> Reward:
    if not isinstance(bounds, list | tuple) or len(bounds) != 2:
        raise ConfigError(f"clip must be [low, high], got {bounds!r}. Use null for an open side.")
    return reward.clip(*bounds)


def _sum(items: list[Any] | tuple[Any, ...], path: Path) -> Reward:
    if not items:
        raise ConfigError("a sum must have at least one term, got none. Add one.", path=path)
    return Sum(tuple(from_config(item, path=(*path, i)) for i, item in enumerate(items)))


def _build(tag: str, fields: Any, path: Path) -> Reward:
    cls: type[Reward] = reward_type(tag, path=path)
    names = field_names(cls)
    first = next((f.name for f in dataclasses.fields(cls) if not f.kw_only), None)  # type: ignore[arg-type]
    if fields is None:
        fields = {}
    if not isinstance(fields, Mapping) or _is_node(fields, names):
        # a value without a name stands for the first field, as in a call
        if not first:
            rule = f"have fields by name ({', '.join(names)})" if names else "have no fields"
            raise ConfigError(f"{tag} must {rule}, got {fields!r}. Leave it out.", path=path)
        fields = {first: fields}
    for name in fields:
        if name not in names:
            raise UnknownName(f"field of {tag}", str(name), names, path=(*path, name))
    hints = _hints(cls)
    values = {n: _value(v, hints.get(n), (*path, n)) for n, v in fields.items()}
    missing = [
        f.name
        for f in dataclasses.fields(cls)  # type: ignore[arg-type]
        if f.name not in values
        and f.default is dataclasses.MISSING
        and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ConfigError(
            f"{tag} must have {', '.join(missing)}, got {', '.join(fields) or 'nothing'}. Add it.",
            path=path,
        )
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigError(
            f"{tag} must be built from values of the right type, got {values!r} ({error}). "
            "Compare it with the class's docstring.",
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
