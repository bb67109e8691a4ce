"""The scores that people write on a command line, and the lanes that their groups need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rewardwrap.core.config import from_config
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.reward import Reward
from rewardwrap.rewards.trust import vetted
from rewardwrap.scores.grouped import Grouped
from rewardwrap_envs import marked_yaml
from rewardwrap_envs.errors import MarkedYamlError

SUFFIXES = (".yml", ".yaml", ".json")


def chosen_group(choice: str, *, group: int | None = None, limit: str | None = None) -> Grouped:
    """What a training is paid by ``--score``.

    Args:
        choice: A score's tag, ``"module:function"``, one line of YAML, or a file with a score or with
            ``grouped:`` and all its fields.
        group: Episodes of a group, 1 pays each its score; None takes the file's, else 4.
        limit: What a time limit is; None takes the file's, else ``"end"``.

    Raises:
        ConfigError: No such file, function or score, with ``file.yml:LINE:`` in front.
    """
    text = choice.strip()
    if text.endswith(SUFFIXES):
        return _from_file(Path(text), group, limit)
    if text[:1] in ("{", "["):
        try:
            data, _ = marked_yaml.parse(text, name="a score in one line")
        except MarkedYamlError as error:
            raise ConfigError(str(error)) from error
        return _grouped(data, group, limit)
    return _grouped(text, group, limit)


def _from_file(file: Path, group: int | None, limit: str | None) -> Grouped:
    if not file.is_file():
        raise ConfigError(f"score file must exist, got {file}. Check the path.")
    try:
        data, lines = marked_yaml.load(file)
    except MarkedYamlError as error:
        raise ConfigError(str(error)) from error
    if isinstance(data, dict) and set(data) == {"score"}:
        data = data["score"]
    try:
        return _grouped(vetted(data, file), group, limit)
    except ConfigError as error:
        if str(error).startswith(f"{file}: "):
            raise
        # the path begins where a Grouped would hold the score
        path = error.path[2:] if error.path[:2] == ("grouped", "score") else error.path
        where = marked_yaml.place(file, lines, *path)
        raise ConfigError(f"{where}: {error}", path=path) from error


def _grouped(data: Any, group: int | None, limit: str | None) -> Grouped:
    whole = isinstance(data, Mapping) and set(data) == {Grouped.tag}
    fields = dict(data[Grouped.tag] or {}) if whole else {"score": data}
    if group is not None:
        fields["group"] = group
        if group == 1:
            # an episode alone is its own mean
            fields["centred"] = False
    if limit is not None:
        fields["limit"] = limit
    made = from_config({Grouped.tag: fields})
    assert isinstance(made, Grouped)
    return made


def whole_groups(row: Mapping[str, Any], rewards: Iterable[Reward], asked: Any) -> dict[str, Any]:
    """A preset's row whose lanes fill the groups of these rewards; what was asked for stays.

    A rollout stays as long as it was: more lanes take fewer steps each.

    Args:
        row: Hyperparameters.
        rewards: Which are paid.
        asked: The hyperparameters that somebody wrote, as a mapping or as ``key:value`` words.
    """
    sizes = [
        node.group for reward in rewards for node in reward.walk() if isinstance(node, Grouped)
    ]
    said = asked or {}
    written = {str(key).partition(":")[0] for key in said}
    if not sizes or "n_envs" in written:
        return dict(row)
    few = lanes = int(row.get("n_envs") or 1)
    for size in sizes:
        lanes += -lanes % size
    found = {**row, "n_envs": lanes}
    if isinstance(row.get("n_steps"), int) and "n_steps" not in written:
        found["n_steps"] = max(2, row["n_steps"] * few // lanes)
    return found
