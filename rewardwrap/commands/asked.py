"""Which environment a command was asked about, made in any process, and folders that a command goes on in."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rewardwrap.commands.arguments import add_env, add_env_kwargs, key_values, named_env
from rewardwrap.core.errors import ConfigError


@dataclass(frozen=True)
class Asked:
    """An environment as it was named; makes it, in any process and folder."""

    env: str
    kwargs: dict[str, Any]
    catalog: tuple[str, ...]

    def __call__(self, split: str = "train") -> Any:
        from rewardwrap.adapters.build import builder_of

        return builder_of(self.env, self.catalog)(split, self.kwargs)


def add_task(parser: argparse.ArgumentParser, *, then: str = "", what: str = "") -> None:
    """`add_env` and ``--env-kwargs``, as in RL Zoo: all that `asked` reads."""
    add_env(parser, then=then, what=what)
    add_env_kwargs(parser)


def asked(args: argparse.Namespace) -> Asked:
    """The environment of a command that needs one.

    Raises:
        ConfigError: None was named.
    """
    name, kwargs = named_env(args), key_values(args.env_kwargs, "--env-kwargs")
    folders = tuple(str(Path(folder).absolute()) for folder in args.catalog)
    return Asked(name, kwargs, folders)


def is_begun(place: Path, file: str, command: str) -> bool:
    """Whether a command that goes on finds its ``file`` in a folder.

    Raises:
        ConfigError: Something else lies there.
    """
    if (place / file).exists():
        return True
    if place.exists() and not (place.is_dir() and not any(place.iterdir())):
        raise ConfigError(
            f"--out must be new, or a folder of `rewardwrap {command}`, got {place}. Choose another."
        )
    return False


def require_same(place: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to go on with something else than what lies there.

    Raises:
        ConfigError: With what was asked for, and what is there.
    """
    for name, value in now.items():
        if before.get(name) != value:
            raise ConfigError(
                f"{place} must go on with its {name}, got {value!r} where it has {before.get(name)!r}. "
                "Choose another --out."
            )
