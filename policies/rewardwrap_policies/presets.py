"""Hyperparameters from files in the format of RL Zoo, read unchanged.

One file per algorithm, one row per environment. A row is looked up by the name of the environment,
then its gymnasium id, then ``atari`` (pixel games), then ``default``; in each case first in the
user's files, then in those of other packages (entry-point group ``rewardwrap.presets``), then in
the shipped ones.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from rewardwrap_envs import marked_yaml
from rewardwrap_envs.installed import installed_folders
from rewardwrap_envs.trust import require_trusted
from rewardwrap_policies.algorithms import ALGORITHMS, known_algorithm
from rewardwrap_policies.errors import PresetError, UnknownPreset
from rewardwrap_policies.rows import Hyperparameters, read_row

__all__ = ["Hyperparameters", "hyperparameters", "override", "rows", "written_row"]

File: TypeAlias = str | PathLike[str]

ENTRY_POINTS = "rewardwrap.presets"
_SHIPPED = Path(__file__).parent / "presets"


@dataclass(frozen=True)
class _Table:
    """One settings file."""

    path: Path
    data: Mapping[str, Any]
    lines: marked_yaml.Lines


def hyperparameters(
    algo: str, env_name: str, extra_files: Iterable[File] = (), *, env_id: str | None = None
) -> Hyperparameters:
    """Return the settings of an algorithm for an environment.

    Args:
        algo: e.g. ``ppo``.
        env_name: the recipe's name, e.g. ``ALE/Freeway-ram-v5``, or a gymnasium id.
        extra_files: files in RL Zoo's format for this algorithm, or folders with
            ``<algo>.yml``; the first wins.
        env_id: the gymnasium id, where it differs from the name.

    Raises:
        UnknownAlgorithm: with near misses.
        UnknownPreset: no row fits, not even ``default``.
        PresetError: ``file.yml:LINE:`` and what is wrong with the row.

    >>> hyperparameters("ppo", "Acrobot-v1").n_timesteps
    50000
    """
    known, name, table = _lookup(algo, env_name, extra_files, env_id)
    if isinstance(table.data[name], Mapping):
        layers = {"env_wrapper": table.data[name].get("env_wrapper")}
        require_trusted(layers, table.path, error=PresetError)
    return read_row(known, name, table.data[name], path=table.path, lines=table.lines)


def written_row(algo: str, env_name: str, *, env_id: str | None = None) -> dict[str, Any]:
    """Return the same row as it is written, unchecked: checking it loads the algorithm.

    Args:
        algo: e.g. ``ppo``.
        env_name: the recipe's name or a gymnasium id.
        env_id: the gymnasium id, where it differs from the name.

    Raises:
        UnknownAlgorithm: with near misses.
        UnknownPreset: no row fits, not even ``default``.

    >>> written_row("ppo", "Acrobot-v1")["n_envs"]
    8
    """
    _, name, table = _lookup(algo, env_name, (), env_id)
    return dict(table.data[name])


def _lookup(
    algo: str, env_name: str, extra_files: Iterable[File], env_id: str | None
) -> tuple[str, str, _Table]:
    """The algorithm as the files spell it, the row's name, and the file that has it."""
    known = known_algorithm(algo)
    tables = [_read(*version) for version in _versions(known, extra_files)]
    for name in _candidates(env_name, env_id or env_name):
        for table in tables:
            if name in table.data:
                return known, name, table
    raise UnknownPreset(
        f'{known} has no settings for "{env_name}" and no row "default", looked in '
        f"{', '.join(str(table.path) for table in tables)}. Add a row to a file of your own."
    )


def rows(algo: str, extra_files: Iterable[File] = ()) -> dict[str, str]:
    """Return which rows an algorithm has, each with the file and line it comes from."""
    found: dict[str, str] = {}
    for version in _versions(known_algorithm(algo), extra_files):
        table = _read(*version)
        for name in table.data:
            found.setdefault(name, marked_yaml.place(table.path, table.lines, name))
    return found


def override(
    settings: Hyperparameters, params: Iterable[str] | Mapping[str, Any]
) -> Hyperparameters:
    """Return the settings with some values replaced, as written behind ``-params`` or as a mapping.

    Args:
        settings: what to start from.
        params: ``key:value`` each, e.g. ``learning_rate:0.001``, ``clip_range:lin_0.2``,
            ``policy_kwargs:dict(net_arch=[64, 64])``; ``key:None`` takes a setting away. A mapping holds
            the values themselves, and None takes one away.

    Raises:
        PresetError: no colon, an unknown key, or a value of the wrong kind.

    >>> override(hyperparameters("ppo", "Acrobot-v1"), ["gamma:0.98"]).model["gamma"]
    0.98
    """
    if isinstance(params, Mapping):
        row = {k: v for k, v in {**settings.row, **params}.items() if v is not None}
        return read_row(
            settings.algo, "hyperparameters", row, path="hyperparameters", lines={},
            base=settings.source,
        )  # fmt: skip
    row = dict(settings.row)
    for param in params:
        key, colon, text = param.partition(":")
        if not (colon and key.strip() and text.strip()):
            raise PresetError(
                f"-params must be key:value, got {param!r}. Write e.g. learning_rate:0.001."
            )
        row[key.strip()] = _literal(text.strip())
        if row[key.strip()] is None:
            del row[key.strip()]
    return read_row(settings.algo, "-params", row, path="-params", lines={}, base=settings.source)


def _literal(text: str) -> Any:
    words = {"true": True, "false": False, "null": None, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return _mapping(text)


def _mapping(text: str) -> Any:
    """``{level: [2, 3]}`` is a mapping in a file, and behind -params too; else the text."""
    if not text.startswith("{"):
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _candidates(name: str, env_id: str) -> list[str]:
    """Row names to try; memory games share the id of the pixel game but not its settings.

    ``module:Id`` has the row of ``Id``, as in RL Zoo.
    """
    name, env_id = name.rpartition(":")[2], env_id.rpartition(":")[2]
    if "-ram" in name.lower():
        return [name, "default"]
    pixels = env_id.startswith("ALE/") or "NoFrameskip" in env_id
    return list(dict.fromkeys([name, env_id, *(["atari"] if pixels else []), "default"]))


def _versions(algo: str, extra_files: Iterable[File]) -> Iterator[tuple[Path, int, int]]:
    """Yield the files of an algorithm, most important first, each with its version."""
    for given in map(Path, extra_files):
        path = given / f"{algo}.yml" if given.is_dir() else given
        if not path.is_file():
            raise PresetError(
                f"settings must be a file, or a folder with {algo}.yml, got {str(given)!r}. "
                "Check the path."
            )
        yield _version(path)
    for folder in (*installed_folders(ENTRY_POINTS), _SHIPPED):
        if (folder / f"{algo}.yml").is_file():
            yield _version(folder / f"{algo}.yml")


def _version(path: Path) -> tuple[Path, int, int]:
    stat = path.stat()
    return path, stat.st_mtime_ns, stat.st_size


@functools.lru_cache(maxsize=256)
def _read(path: Path, modified: int, size: int) -> _Table:
    data, lines = marked_yaml.load(path)
    if not isinstance(data, Mapping):
        raise PresetError(
            f"{path}:1: settings must be rows by environment, got {data!r}. "
            f"See the files of {', '.join(ALGORITHMS)} in RL Zoo."
        )
    return _Table(path, data, lines)
