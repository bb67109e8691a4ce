"""HDF5 files of other packages: robomimic's demonstrations and what d3rlpy dumps.

| package | layout |
|---|---|
| robomimic | ``data/demo_0/{actions, rewards, dones, obs/KEY, next_obs/KEY}`` |
| d3rlpy 2 | ``observations_0, actions_0, rewards_0, terminated_0, observations_1, ...`` and ``columns`` |
| d3rlpy 1 | flat columns with ``episode_terminals`` (read by `readers.hdf5`) |
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.data.errors import DataError
from rewardwrap.data.readers.episodic import Whole, kept_ids, read_whole, say_done
from rewardwrap.data.reading import Note, Options, Reading

_OF_EPISODE = re.compile(r"actions_(\d+)(_\d+)?")


def is_robomimic(file: Any) -> bool:
    """Whether the file holds demonstrations as robomimic writes them."""
    group = file.get("data")
    return (
        group is not None
        and hasattr(group, "items")
        and any("actions" in g for g in group.values())
    )


def is_d3rlpy(file: Any) -> bool:
    """Whether the file holds episodes as d3rlpy 2 dumps them."""
    return "columns" in file and ("actions_0" in file or "actions_0_0" in file)


def robomimic(path: Path, file: Any, options: Options) -> Reading:
    """Demonstrations; ``dones`` says that one ended and not why.

    Keys of observations can be left out by name, and demonstrations as ``episode:demo_3``.

    Raises:
        DataError: A demonstration without actions or rewards, or none left.
    """
    notes: list[Note] = []
    names = sorted((n for n in file["data"] if hasattr(file["data"][n], "items")), key=natural)
    wanted, ended, lacking = [], 0, 0
    for i, name in enumerate(kept_ids(names, options)):
        demo = file["data"][name]
        if "actions" not in demo or ("obs" not in demo and "states" not in demo):
            raise DataError(
                f"{path}: data/{name} must hold actions and obs, got {', '.join(demo)}. "
                f"Leave it out: --leave-out episode:{name}."
            )
        steps = len(demo["actions"])
        over = np.asarray(demo["dones"][()]).reshape(-1)[-1:] if "dones" in demo else np.zeros(1)
        ended += int(over.any())
        lacking += "rewards" not in demo
        wanted.append(
            Whole(
                name,
                obs=_kept(demo["obs"] if "obs" in demo else demo["states"], options, notes),
                action=np.asarray(demo["actions"][()]),
                reward=demo["rewards"][()] if "rewards" in demo else np.full(steps, np.nan),
                next_obs=_kept(demo["next_obs"], options, []) if "next_obs" in demo else None,
            )
        )
        options.progress(i + 1, len(names))
    say_done("dones", ended, notes)
    if lacking:
        notes.append(
            Note("rewards", f"{lacking} demonstrations have none: they are missing", lacking)
        )
    return read_whole(path, wanted, options, notes, rule="a group below data for each")


def d3rlpy(path: Path, file: Any, options: Options) -> Reading:
    """Episodes of d3rlpy 2; an end that is not the environment's own is a clock's.

    d3rlpy drops the terminal observation, so the successor of a last step is unknown.
    """
    found = sorted({int(m[1]) for name in file if (m := _OF_EPISODE.fullmatch(name))})
    numbers = kept_ids(list(map(str, found)), options)
    episodes = []
    for at, i in enumerate(numbers):
        action = _tuple(file, f"actions_{i}")
        if (
            isinstance(action, np.ndarray)
            and action.dtype.kind in "iu"
            and action.shape[1:] == (1,)
        ):
            action = action[:, 0]
        over = bool(np.asarray(file[f"terminated_{i}"][()]).any())
        episodes.append(
            Whole(
                i,
                obs=_tuple(file, f"observations_{i}"),
                action=action,
                reward=file[f"rewards_{i}"][()],
                terminated=over,
                truncated=not over,
            )
        )
        options.progress(at + 1, len(numbers))
    return read_whole(path, episodes, options, [], rule="one set of columns for each")


def natural(name: str) -> list[Any]:
    """A key by which ``demo_10`` follows ``demo_9``."""
    return [int(word) if word.isdecimal() else word for word in re.split(r"(\d+)", name)]


def _tuple(file: Any, name: str) -> Any:
    if name in file:
        return np.asarray(file[name][()])
    found: list[Any] = []
    while f"{name}_{len(found)}" in file:
        found.append(np.asarray(file[f"{name}_{len(found)}"][()]))
    return tuple(found)


def _kept(node: Any, options: Options, notes: list[Note]) -> Any:
    """A group as a dict without the keys that were left out by name."""
    if hasattr(node, "shape"):
        return np.asarray(node[()])
    asked = options.without_columns
    out = [k for k in node if any(fnmatchcase(k, x) or fnmatchcase(f"obs/{k}", x) for x in asked)]
    unknown = [x for x in asked if not any(fnmatchcase(k, x.removeprefix("obs/")) for k in node)]
    if unknown or len(out) == len(node):
        raise DataError(
            f"--leave-out must name keys of the observations and leave one, got {', '.join(asked)} of "
            f"{', '.join(node)}. Name others."
        )
    note = Note("left out", f"keys as asked: {', '.join(out)}", len(out), "note")
    if out and note not in notes:
        notes.append(note)
    return {k: _kept(node[k], options, notes) if hasattr(node[k], "items") else np.asarray(node[k][()])
            for k in node if k not in out}  # fmt: skip
