"""What the file of a reward may not say: modules to import, and how strong the wall around code is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from rewardwrap.core.errors import ConfigError
from rewardwrap.rewards.code import CodeReward
from rewardwrap_envs.trust import require_trusted

VARIABLE = "REWARDWRAP_ISOLATION"
TAG = CodeReward.tag


def vetted(
    config: Any,
    source: object,
    *,
    trust: Iterable[str] = (),
    isolation: Mapping[str, Any] | None = None,
) -> Any:
    """A reward's configuration out of a file, ready for `from_config`. Imports and runs nothing.

    Args:
        config: What the file holds.
        source: The file, for errors.
        trust: Modules that the caller vouches for, beside those in ``REWARDWRAP_TRUST``.
        isolation: What the caller asks of `CodeReward`'s wall, e.g. ``{"deadline": 5.0}``; None takes
            ``REWARDWRAP_ISOLATION``, the same written as ``deadline: 5, memory_mb: 1024``.

    Raises:
        ConfigError: It names another module, or says itself how its code is confined.
    """
    require_trusted(config, source, trust, ConfigError)
    return _walled(config, source, _asked() if isolation is None else dict(isolation), ())


def _asked() -> dict[str, Any]:
    text = os.environ.get(VARIABLE, "").strip()
    try:
        found = yaml.safe_load("{" + text.strip("{}") + "}")
    except yaml.YAMLError:
        found = None
    if not isinstance(found, dict) or set(found) - set(CodeReward.of_caller):
        raise ConfigError(
            f"{VARIABLE} must give {', '.join(CodeReward.of_caller)}, got {text!r}. "
            'Write e.g. "deadline: 5, allow_weaker: true".'
        )
    return found


def _walled(
    data: Any, source: object, isolation: dict[str, Any], path: tuple[str | int, ...]
) -> Any:
    """The data with the caller's settings in every node of code."""
    if isinstance(data, list | tuple):
        return [_walled(item, source, isolation, (*path, i)) for i, item in enumerate(data)]
    if not isinstance(data, Mapping):
        return data
    made = {key: _walled(item, source, isolation, (*path, key)) for key, item in data.items()}
    if TAG not in made:
        return made
    node = made[TAG]
    fields = node if isinstance(node, dict) else {"source": node}
    carried = [n for n in CodeReward.of_caller if n in fields and n not in isolation]
    if carried:
        raise ConfigError(
            f"{source}: a file must leave the wall around its code to its reader, got "
            f"{', '.join(carried)}. Take them out, and say them yourself: isolation={{...}} in Python, or "
            f'{VARIABLE}="{", ".join(f"{n}: {fields[n]}" for n in carried)}".',
            path=(*path, TAG, carried[0]),
        )
    return {**made, TAG: {**fields, **isolation}} if isolation else made
