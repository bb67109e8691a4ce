"""Modules that a file names: none is imported before the person who reads the file has named it too.

``env: "helper:Id"``, ``phi: "helper:f"`` and ``env_wrapper: helper.Layer`` import ``helper``, which
runs it. A file may come from anybody, so what it names counts only if it is on the list of its
reader: the argument ``trust``, ``--trust MODULE``, or ``REWARDWRAP_TRUST=module,module``, which
processes of the same run inherit. What a person types or writes in Python is their own word.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from typing import Any

from rewardwrap_envs import marked_yaml
from rewardwrap_envs.errors import MarkedYamlError, RecipeError

VARIABLE = "REWARDWRAP_TRUST"
KNOWN = (
    "gymnasium.wrappers",
    "rl_zoo3.wrappers",
    "sb3_contrib.common.wrappers",
    "stable_baselines3.common.atari_wrappers",
    "rewardwrap_envs.foreign",
    "rewardwrap_envs.highway",
    "rewardwrap_envs.minigrid_view",
    "rewardwrap_envs.potentials",
    "rewardwrap_envs.ram",
)
"""What every catalogue and settings file may name: layers and potentials that are only that."""

GROUPS = ("rewardwrap.recipes", "rewardwrap.rewards", "rewardwrap.presets")
"""Entry points: an installed package runs before any file is read, and may name itself."""

DEEPEST = 64
"""Lists and mappings inside each other; no reward or plan needs a quarter of it."""

_REFERENCE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\s\\/]\S*")
_NAMES = {"env", "envs", "id", "phi", "function", "potential"}
"""Keys whose text names a module wherever it holds a colon."""

_LAYERS = {"env_wrapper", "wrappers"}
_UNNAMED = "unnamed:"
"""Begins the name of a function that was never written down: nothing is imported for it."""
_ENVS = {"env", "envs", "id"}


def require_trusted(
    data: Any, source: object, trust: Iterable[str] = (), error: type[Exception] = RecipeError
) -> None:
    """Refuse a file's data that name a module nobody vouched for. Imports nothing.

    Args:
        data: plain data, as YAML and JSON give it.
        source: the file, for the error.
        trust: modules that the caller vouches for; each stands for what lies in it too.
        error: what to raise.

    Raises:
        RecipeError: or `error`, with every such module and how to vouch for it.
    """
    named = dict.fromkeys(references(data, source, error))
    if not named:
        return
    listed = os.environ.get(VARIABLE, "").split(",")
    known = {*KNOWN, *trust, *filter(None, map(str.strip, listed))}
    if all(_covered(module, known) for module in named):
        return
    known |= {e.module.partition(".")[0] for g in GROUPS for e in metadata.entry_points(group=g)}
    missing = [module for module in named if not _covered(module, known)]
    if missing:
        flags = " ".join(f"--trust {module}" for module in missing)
        raise error(
            f"{source}: a module that a file names must be trusted before it is imported, got "
            f"{', '.join(missing)}. Read it first, then give {flags}, or trust={tuple(missing)!r} "
            f"in Python, or {VARIABLE}={','.join(missing)}."
        )


@contextmanager
def trusting(modules: Iterable[str]) -> Iterator[None]:
    """Vouch for modules in this process and in those that it starts."""
    before = os.environ.get(VARIABLE, "")
    os.environ[VARIABLE] = ",".join(filter(None, (before, *modules)))
    try:
        yield
    finally:
        os.environ[VARIABLE] = before


def references(
    data: Any, source: object = "the data", error: type[Exception] = RecipeError
) -> Iterator[str]:
    """Yield the modules that plain data would import, in the order of the text.

    >>> list(references({"env": "helper:Walk-v0", "reward": [{"function": "mine.f:pay"}]}))
    ['helper', 'mine.f']

    Raises:
        RecipeError: or `error`: deeper than any reward.
    """
    waiting: list[tuple[str, Any, int]] = [("", data, 0)]
    while waiting:
        key, value, depth = waiting.pop()
        if depth > DEEPEST:
            raise error(
                f"{source}: lists and mappings must lie at most {DEEPEST} deep in each other, got "
                "more. Write it flatter."
            )
        if isinstance(value, str):
            yield from _in_text(key, value)
            if value.lstrip()[:1] in ("{", "[") and ":" in value:
                waiting.append((key, _parsed(value), depth + 1))
        elif isinstance(value, Mapping):
            for name, part in reversed(list(value.items())):
                # a key may name an environment or a layer too
                waiting += [(str(name), part, depth + 1), (key, str(name), depth + 1)]
        elif isinstance(value, list | tuple):
            waiting += [(key, item, depth + 1) for item in reversed(value)]


def _in_text(key: str, text: str) -> Iterator[str]:
    if key in _LAYERS:
        module = text.rpartition(".")[0]
        if module:
            yield module
    elif text.startswith(_UNNAMED) and key not in _ENVS:
        return
    elif ":" in text and (key in _NAMES or _REFERENCE.fullmatch(text)):
        yield text.partition(":")[0]


def _parsed(text: str) -> Any:
    """A reward in one line of YAML; text that is none names nothing."""
    try:
        return marked_yaml.parse(text)[0]
    except MarkedYamlError:
        return None


def _covered(module: str, known: Iterable[str]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in known)
