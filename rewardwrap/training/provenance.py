"""What a training came out of: versions of libraries, hashes of code and recipe."""

from __future__ import annotations

import hashlib
import inspect
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import rewardwrap_envs
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.plain import Written, function_name, load_function
from rewardwrap.core.reward import Reward
from rewardwrap.core.unnamed import MODULE

LIBRARIES = ("rewardwrap", "gymnasium", "stable-baselines3", "torch", "numpy", "mujoco", "ale-py")


def versions(*more: str) -> dict[str, str]:
    """Library -> version, of those that decide what a training comes to, and of ``more``."""
    found = {}
    for name in (*LIBRARIES, *more):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def code_hashes(reward: Reward, env: str, catalog: tuple[str, ...] = ()) -> dict[str, str]:
    """Hashes of the code and the recipe behind a run: change them and it is another run."""
    sources: dict[str, Any] = {}
    nodes: list[Any] = list(reward.walk())
    while nodes:
        node = nodes.pop()
        sources[f"{type(node).__module__}:{type(node).__qualname__}"] = type(node)
        for value in vars(node).values():
            if isinstance(value, Written) and not isinstance(value, Reward):
                # a score, which writes itself and may hold functions
                nodes.append(value)
            elif isinstance(value, str) and re.fullmatch(r"[\w.]+:[\w.]+", value):
                sources[value] = load_function(value)
            elif callable(value) and not isinstance(value, Reward):
                sources |= _named(value)
    hashes = {name: _hash_of_source(source) for name, source in sources.items()}
    recipe = rewardwrap_envs.find(env, catalog)
    if recipe is not None and recipe.path is not None:
        hashes["recipe"] = _hash(recipe.path.read_bytes())
    return dict(sorted(hashes.items()))


def _named(function: Any) -> dict[str, Any]:
    """A function that another process can import; the name of any other says what it computes."""
    try:
        name = function_name(function)
    except ConfigError:
        return {}
    return {} if name.startswith(f"{MODULE}:") else {name: function}


def _hash_of_source(source: Any) -> str:
    try:
        file = inspect.getsourcefile(source)
    except TypeError:
        file = None
    return "" if file is None else _hash(Path(file).read_bytes())


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
