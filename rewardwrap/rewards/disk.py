"""Rewards on disk: YAML and JSON that people write, and folders that programs save. Never pickle.

| file of a saved reward | content |
|---|---|
| ``reward.json`` | format version and configuration |
| ``knowledge.safetensors`` | what it learned, arrays only; absent where it learns nothing |
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from rewardwrap.core.config import from_config
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.reward import Reward
from rewardwrap.files import write_whole
from rewardwrap.limits import parsed
from rewardwrap.rewards.trust import vetted
from rewardwrap_envs import marked_yaml
from rewardwrap_envs.errors import MarkedYamlError

FORMAT = 1
CONFIG = "reward.json"
KNOWLEDGE = "knowledge.safetensors"
SUFFIXES = (".yml", ".yaml", ".json")


def save(reward: Reward, path: str | os.PathLike[str]) -> Path:
    """Write a reward: what it is, and what it learned.

    Args:
        reward: Any reward whose functions are named ``"module:function"``.
        path: A folder, made if missing; or a file (``.yml``, ``.yaml``, ``.json``) for a reward that has
            learned nothing, which people can read and change. Each file is replaced whole or not at all.

    Returns:
        The path.

    Raises:
        ConfigError: A field cannot be written down, such as a lambda; or a file was asked for and the
            reward has learned something, which needs a folder.
    """
    if not isinstance(reward, Reward):
        raise ConfigError(
            f"reward must be one of rewardwrap, got {type(reward).__name__}. Functions enter by "
            "rw.function(f)."
        )
    target = Path(path)
    if target.suffix in SUFFIXES:
        return _save_file(reward, target)
    from safetensors.numpy import save as to_bytes

    config = reward.to_config()
    target.mkdir(parents=True, exist_ok=True)
    state = reward.state_dict()
    if state:
        write_whole(target / KNOWLEDGE, to_bytes(state))
    else:
        (target / KNOWLEDGE).unlink(missing_ok=True)
    text = json.dumps({"format": FORMAT, "reward": config}, indent=2)
    write_whole(target / CONFIG, text)
    return target


def _save_file(reward: Reward, file: Path) -> Path:
    """One readable file; `read_reward` reads it back."""
    if reward.state_dict():
        raise ConfigError(
            f"{file} must be a folder for a reward that learns, got a file name. Leave {file.suffix} out: "
            "what it learned is written beside what it is."
        )
    config = reward.to_config()
    if file.suffix == ".json":
        text = json.dumps({"reward": config}, indent=2)
    else:
        text = yaml.safe_dump({"reward": config}, sort_keys=False, allow_unicode=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, text)
    return file


def is_saved(folder: Path) -> bool:
    """Whether a folder is that of a saved reward."""
    return (folder / CONFIG).is_file()


def load(
    folder: str | os.PathLike[str],
    *,
    trust: Iterable[str] = (),
    isolation: Mapping[str, Any] | None = None,
) -> Reward:
    """Read what `save` wrote. Nothing in the folder is executed, and no module is imported unasked.

    Args:
        folder: Of the reward.
        trust: Modules that a ``"module:function"`` in it may lie in: importing one runs it.
        isolation: Settings of the wall around `CodeReward`, e.g. ``{"deadline": 5.0}``; a file has none.

    Raises:
        ConfigError: The folder holds no reward, one of another format, one cut short, or one that names
            a module that is not in ``trust``.
    """
    source = Path(folder)
    if not (source / CONFIG).is_file():
        raise ConfigError(
            f"folder must hold {CONFIG}, got {source}. Save one with rw.save(reward, folder)."
        )
    try:
        written = parsed((source / CONFIG).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(
            f"{source / CONFIG} must be JSON, got {error}. It was cut short; save the reward again."
        ) from error
    if not isinstance(written, dict) or written.get("format") != FORMAT:
        found = written.get("format") if isinstance(written, dict) else type(written).__name__
        raise ConfigError(
            f"{source / CONFIG} must have format {FORMAT}, got {found}. "
            "Save it again with this version."
        )
    config = vetted(written.get("reward"), source / CONFIG, trust=trust, isolation=isolation)
    reward = from_config(config)
    reward.load_state_dict(knowledge(source))
    return reward


def knowledge(folder: Path) -> dict[str, Any]:
    """What the reward in a folder learned, as arrays.

    Raises:
        ConfigError: The file was cut short.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    file = folder / KNOWLEDGE
    try:
        return load_file(file) if file.exists() else {}
    except SafetensorError as error:
        raise ConfigError(
            f"{file} must be a whole safetensors file, got {error}. Save it again."
        ) from error


def read_reward(
    path: str | os.PathLike[str],
    *,
    trust: Iterable[str] = (),
    isolation: Mapping[str, Any] | None = None,
) -> Reward:
    """Read a reward that a person wrote in YAML or JSON, or the folder of a saved one.

    The reward is the document, or stands under the key ``reward``.

    Args:
        path: Of the file or folder.
        trust: Modules that it may name; see `load`.
        isolation: Settings of the wall around its code; see `load`.

    Raises:
        ConfigError: No such file, a module that is not in ``trust``, or the sentence with
            ``file.yml:LINE:`` in front.
    """
    source = Path(path)
    if source.is_dir():
        return load(source, trust=trust, isolation=isolation)
    if not source.is_file():
        raise ConfigError(f"reward file must exist, got {source}. Check the path.")
    try:
        data, lines = marked_yaml.load(source)
    except MarkedYamlError as error:
        raise ConfigError(str(error)) from error
    keys: tuple[Any, ...] = ()
    if isinstance(data, dict) and set(data) == {"reward"}:
        data, keys = data["reward"], ("reward",)
    try:
        return from_config(vetted(data, source, trust=trust, isolation=isolation), path=keys)
    except ConfigError as error:
        if str(error).startswith(f"{source}: "):
            raise
        where = marked_yaml.place(source, lines, *error.path)
        located = ConfigError(f"{where}: {error}", path=error.path)
        raise located from error
