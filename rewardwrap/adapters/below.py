"""What lies below a wrapper, looked at without asking it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def lane_spaces(env: Any) -> dict[str, Any]:
    """What one lane observes and does, of a single environment or of a vector of them."""
    obs = getattr(env, "single_observation_space", env.observation_space)
    action = getattr(env, "single_action_space", env.action_space)
    return {"obs": obs, "action": action}


def layers(env: Any) -> Iterator[Any]:
    """The layers of a stack, outermost first, and then those of its first lane where that is at hand."""
    while env is not None:
        yield env
        lanes = _own(env, "envs")
        env = inner(env) if lanes is None else lanes[0]


def inner(layer: Any) -> Any:
    """What a layer wraps, or None."""
    env = _own(layer, "env")
    return _own(layer, "venv") if env is None else env


def _own(layer: Any, name: str) -> Any:
    """An attribute of a layer, not of one below it; reading ``__dict__`` instead would slow its steps."""
    try:
        return object.__getattribute__(layer, name)
    except AttributeError:
        return None
