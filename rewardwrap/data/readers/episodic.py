"""Sources that keep whole episodes: one group, one row or one slice of an array for each.

Tables of one row an episode are JSON lines, parquet files and the folders of Hugging Face's
``datasets`` (imitation saves trajectories so), whose cells are lists: observations of T or T + 1 rows,
actions and rewards of T.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.errors import UnknownName
from rewardwrap.data.checks import named_leaves
from rewardwrap.data.errors import DataError
from rewardwrap.data.flat import Rows
from rewardwrap.data.reading import Note, Options, Reading
from rewardwrap.data.rows import episodes_of


@dataclass(frozen=True)
class Whole:
    """One episode of T steps as a source keeps it.

    Args:
        id: Its name.
        obs: ``(T, ...)`` or, with the terminal observation, ``(T + 1, ...)`` leaves.
        action: ``(T, ...)`` leaves.
        reward: ``(T,)``; a column of width one is taken as such.
        next_obs: ``(T, ...)`` leaves where they are recorded.
        terminated: Whether it ended by itself.
        truncated: Whether a clock ended it.
        info: Name -> ``(T,)``.
    """

    id: str
    obs: Any
    action: Any
    reward: Any
    next_obs: Any = None
    terminated: bool = False
    truncated: bool = False
    info: dict[str, Any] = field(default_factory=dict)


def read_whole(
    path: Path, episodes: Sequence[Whole], options: Options, notes: list[Note], *, rule: str
) -> Reading:
    """The episodes as they are; a terminal observation that lacks is unknown, and said.

    Raises:
        DataError: None, or columns of one episode that do not fit each other.
    """
    if not episodes:
        raise DataError(f"{path} must hold an episode, got none. Check that the recording ran.")
    parts = [_rows(path, each) for each in episodes]
    known = any(part["next_obs"] is not None for part in parts)
    unknown = np.concatenate([part["unknown"] for part in parts])
    joined: dict[str, Any] = {}
    for name in ("obs", "action", "next_obs"):
        of = [_successors(p) if name == "next_obs" else p[name] for p in parts] \
            if known or name != "next_obs" else []  # fmt: skip
        joined[name] = _joined(path, name, of, episodes) if of else None
    lengths = [len(part["reward"]) for part in parts]
    starts = np.cumsum([0, *lengths[:-1]])
    begins = np.zeros(sum(lengths), bool)
    begins[starts] = True
    shared = set.intersection(*(set(each.info) for each in episodes))
    left = sorted({name for each in episodes for name in each.info} - shared)
    if left:
        notes.append(
            Note("columns", f"numbers that some episodes lack: {', '.join(left)}", len(left))
        )
    rows = Rows(
        **joined,
        reward=np.concatenate([part["reward"] for part in parts]),
        terminated=_ends(lengths, [each.terminated for each in episodes]),
        truncated=_ends(lengths, [each.truncated for each in episodes]),
        unknown=unknown if known and unknown.any() else None,
        episode=np.repeat([each.id for each in episodes], lengths),
        begins=begins,
        info={name: np.concatenate([np.asarray(e.info[name], np.float64) for e in episodes])
              for name in sorted(shared)},
        source=path.name,
    )  # fmt: skip
    reading = episodes_of(rows, rule=rule, drop_last=options.drop_last and not known)
    if options.without:
        out = ", ".join(sorted(options.without))
        notes.insert(0, Note("left out", f"episodes as asked: {out}", len(options.without), "note"))
    return Reading(reading.store, reading.rule, notes + reading.notes, tuple(options.without))


def kept_ids(names: Sequence[str], options: Options) -> list[str]:
    """The names without those of episodes that the user left out, before anything of them is read.

    Raises:
        UnknownName: One that there is not.
    """
    for name in sorted(options.without):
        if name not in names:
            raise UnknownName("episode", name, list(names))
    return [name for name in names if name not in options.without]


def say_done(name: str, count: int, notes: list[Note]) -> None:
    """Ends whose reason a source does not tell."""
    if count:
        sentence = (
            f'"{name}" says that {count} episodes ended but not why: such ends carry neither flag'
        )
        notes.append(Note("borders", sentence, count))


def _rows(path: Path, each: Whole) -> dict[str, Any]:
    """``obs``, ``action``, ``reward`` and successors of T rows each, and which are unknown."""
    reward = np.asarray(each.reward, np.float64).reshape(-1)
    steps = len(reward)
    sizes = {len(leaf) for _, leaf in named_leaves(each.obs, "obs")}
    acted = {len(leaf) for _, leaf in named_leaves(each.action, "action")}
    if not steps or acted != {steps} or sizes not in ({steps}, {steps + 1}):
        raise DataError(
            f"{path}: episode {each.id} must have as many actions as rewards and as many observations, or "
            f"one more, got {sorted(sizes)} observations, {sorted(acted)} actions and {steps} rewards. "
            f"Correct it, or leave it out: --leave-out episode:{each.id}."
        )
    unknown = np.zeros(steps, bool)
    after = each.next_obs
    if sizes == {steps + 1}:
        after = tree.map_leaves(lambda leaf: np.asarray(leaf)[1:], each.obs)
    unknown[-1] = after is None
    obs = tree.map_leaves(lambda leaf: np.asarray(leaf)[:steps], each.obs)
    return {
        "obs": obs,
        "action": each.action,
        "reward": reward,
        "next_obs": after,
        "unknown": unknown,
    }


def _successors(part: dict[str, Any]) -> Any:
    if part["next_obs"] is not None:
        return part["next_obs"]
    return tree.map_leaves(lambda leaf: np.concatenate([leaf[1:], leaf[-1:]]), part["obs"])


def _joined(path: Path, name: str, parts: list[Any], episodes: Sequence[Whole]) -> Any:
    def shapes(part: Any) -> list[tuple[str, tuple[int, ...]]]:
        return [(leaf, np.shape(a)[1:]) for leaf, a in named_leaves(part, name)]

    for part, each in zip(parts, episodes, strict=True):
        if shapes(part) != shapes(parts[0]):
            raise DataError(
                f"{path}: {name} must have one shape in all episodes, got {shapes(part)} in {each.id} and "
                f"{shapes(parts[0])} in {episodes[0].id}. Leave it out: --leave-out episode:{each.id}."
            )
    return tree.map_leaves(lambda *leaves: np.concatenate(leaves), *parts)


def _ends(lengths: list[int], said: list[bool]) -> Any:
    flags = np.zeros(sum(lengths), bool)
    flags[np.cumsum(lengths) - 1] = said
    return flags
