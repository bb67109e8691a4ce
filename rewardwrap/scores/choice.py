"""A score from what people write: a tag, ``"module:function"``, ``{tag: {field: value}}``, or a sentence."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Callable, Mapping
from typing import Any, cast

from rewardwrap.core.config import Path, from_config
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.core.plain import load_function
from rewardwrap.core.registry import registered
from rewardwrap.core.reward import Reward
from rewardwrap.scores.contract import SCORES, Score

NAMED = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def chosen_score(given: Any, subject: str = "score", *, path: Path = ()) -> Score:
    """The score behind what a user may hand over.

    Args:
        given: A callable on finished episodes, ``"module:function"``, a tag, its configuration, or
            principles in words (`rewardwrap.StatedPrinciples`).
        subject: How errors call it.
        path: Where it stands in its file; errors carry it.

    Raises:
        ConfigError: None of these, or fields that the score does not take.
        UnknownName: Nobody registered that tag, or the score has no such field.
    """
    if isinstance(given, str):
        return cast(Score, _named(given, path))
    if isinstance(given, Mapping):
        if len(given) != 1:
            raise ConfigError(
                f"{subject} must have exactly one tag, got {', '.join(map(str, given)) or 'none'}. "
                "Write e.g. concise: {steps: [4, 20]}.",
                path=path,
            )
        ((tag, fields),) = given.items()
        return cast(Score, _built(str(tag), fields, (*path, str(tag))))
    if not callable(given) or isinstance(given, Reward):
        raise ConfigError(
            f"{subject} must be a callable on finished episodes, got {given!r}. "
            "Write score(episodes) -> (n,), e.g. lambda es: [e.reward.sum() for e in es].",
            path=path,
        )
    return cast(Score, given)


def _named(name: str, path: Path) -> Any:
    """A function or a class by its name, a score by its tag, or principles in a sentence."""
    if " " in name.strip():
        return _built("stated_principles", {"text": name}, path)
    if not NAMED.fullmatch(name):
        return _built(name, {}, path)
    found = load_function(name)
    if isinstance(found, type):
        # a class of one's own that is a score has to be made first
        return found()
    return found


def _built(tag: str, fields: Any, path: Path) -> Any:
    cls = SCORES.find(tag, path=path)
    known = {f.name: f for f in dataclasses.fields(cls) if f.init}
    if fields is None:
        fields = {}
    if not isinstance(fields, Mapping):
        # a value without a name stands for the first field, as in a call
        fields = {next(iter(known)): fields}
    hints = typing.get_type_hints(cls)
    for name in fields:
        if name not in known:
            raise UnknownName(f"field of {tag}", str(name), tuple(known), path=(*path, name))
    values = {n: _value(v, hints.get(n), (*path, n)) for n, v in fields.items()}
    missing = [
        name
        for name, f in known.items()
        if name not in values
        and f.default is dataclasses.MISSING
        and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ConfigError(
            f"{tag} must have {', '.join(missing)}, got {', '.join(values) or 'nothing'}. Add it.",
            path=path,
        )
    return cls(**values)


def _value(value: Any, hint: Any, path: Path) -> Any:
    """Plain data as what the field holds: scores, rewards and functions by their names."""
    if isinstance(value, list):
        return tuple(_value(item, hint, (*path, i)) for i, item in enumerate(value))
    holds = set(_leaves(hint))
    if isinstance(value, str) and NAMED.fullmatch(value) and holds & {Score, Callable}:
        return load_function(value)
    if not holds & {Score, Reward} or not isinstance(value, str | Mapping):
        return value
    tag = value if isinstance(value, str) else next(iter(value), "")
    if isinstance(value, str) and str in holds and tag not in {*SCORES.known(), *registered()}:
        # a number in info, which Hybrid and Calibrated also take by its name
        return value
    if Score in holds and tag in SCORES.known():
        return chosen_score(value, str(path[-1]), path=path)
    return from_config(value, path=path) if Reward in holds else value


def _leaves(hint: Any) -> list[Any]:
    """The classes that a hint is made of; a function's stands for all functions."""
    parts = typing.get_args(hint)
    if Callable in (hint, typing.get_origin(hint)):
        return [Callable]
    return [leaf for part in parts for leaf in _leaves(part)] if parts else [hint]
