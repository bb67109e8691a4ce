"""HDF5 files: flat rows as D4RL and d3rlpy 1 have them; what robomimic, d3rlpy 2 and Tianshou write."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.core.errors import extra
from rewardwrap.data import boundary
from rewardwrap.data.errors import DataError
from rewardwrap.data.flat import Rows
from rewardwrap.data.readers import dialects, tianshou
from rewardwrap.data.reading import Note, Options, Reading
from rewardwrap.data.rows import episodes_of
from rewardwrap.limits import require_room

NEEDED = ("observations", "actions", "rewards", "terminals")
NOT_FLAT = ("observations", "actions", "next_observations")


def read(path: Path, options: Options) -> Reading:
    """Read flat columns ``observations, actions, rewards, terminals, timeouts``, or `readers.dialects`.

    Episodes end after ``terminals`` and ``timeouts``; d3rlpy 1 has ``episode_terminals`` for both. The
    rows after the last flag are an episode that was cut; it is kept. Without
    ``next_observations`` see `rewardwrap.data.rows`.

    Raises:
        DataError: The file is cut short, or lacks a column.
    """
    h5py = extra("h5py", needs="HDF5 files", install="data")
    try:
        with h5py.File(path, "r") as file:
            held = path.stat().st_size
            file.visititems(partial(_require_modest, path, held))
            for known, reader in (
                (dialects.is_robomimic, dialects.robomimic),
                (dialects.is_d3rlpy, dialects.d3rlpy),
                (tianshou.is_tianshou, tianshou.tianshou),
            ):
                if known(file):
                    _refuse_rules(path, options)
                    return reader(path, file, options)
            if not all(name in file for name in NEEDED) and tianshou.is_named(file):
                return tianshou.named(path, file, options)
            return _read(path, file, options)
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"{path} must be a whole HDF5 file, got: {error}. It was cut short; copy it again."
        ) from error


def _refuse_rules(path: Path, options: Options) -> None:
    if options.boundary:
        raise DataError(
            f"{path} must be cut as it says itself, got --boundary {options.boundary[0]}. Leave it out."
        )


def _read(path: Path, file: Any, options: Options) -> Reading:
    missing = [name for name in NEEDED if name not in file]
    if missing:
        raise DataError(
            f"{path} must hold {', '.join(NEEDED)}, got {', '.join(file) or 'nothing'}. "
            f"Add {', '.join(missing)}; a Minari file is read through its dataset's folder."
        )
    notes = []
    if not {"timeouts", "episode_terminals"} & set(file) and not options.boundary:
        sentence = "there is no column timeouts: episodes that a clock ended run into the next one"
        notes.append(Note("borders", sentence))
    if options.without_columns:
        raise DataError(
            f"--leave-out must name episodes of a flat HDF5 file, got {options.without_columns[0]}. "
            "Write episode:ID, or leave it out."
        )
    names = [name for name in (*NEEDED, "timeouts", "next_observations") if name in file]
    columns = {}
    for i, name in enumerate(names):
        columns[name] = _tree(file[name])
        options.progress(i + 1, len(names))
    if "timeouts" not in columns and "episode_terminals" in file:
        # d3rlpy 1: the environment's own ends among all of them
        ends = np.asarray(file["episode_terminals"][()]).reshape(-1) > 0
        columns["timeouts"] = ends & ~(np.asarray(columns["terminals"]).reshape(-1) > 0)
    acted = columns["actions"]
    if "discrete_action" in file and bool(file["discrete_action"][()]):
        columns["actions"] = np.asarray(acted).reshape(-1).astype(np.int64)
    for name, column in columns.items():
        if isinstance(column, np.ndarray) and column.ndim == 0:
            raise DataError(f"{path}: {name} must have one row per step, got a single number.")
    steps = len(columns["rewards"])
    # some files keep one number per step as a column of width one
    flat = {k: v.reshape(steps) for k, v in columns.items()
            if isinstance(v, np.ndarray) and v.size == steps and k not in NOT_FLAT}  # fmt: skip
    info = _info(file, steps)
    rules = [boundary.parse(text) for text in options.boundary]
    if any(isinstance(rule, boundary.Name) for rule in rules):
        raise DataError(
            f"{path} must be cut by flag:, gap: or length:, got an id rule. "
            "Convert the file to parquet to cut it by a name."
        )
    rows = Rows(
        obs=columns["observations"],
        action=columns["actions"],
        reward=flat.get("rewards", columns["rewards"]),
        terminated=flat.get("terminals", columns["terminals"]),
        truncated=flat.get("timeouts", columns.get("timeouts", np.zeros(steps))),
        next_obs=columns.get("next_observations"),
        begins=boundary.begins(rules, boundary.column_reader(info | flat), steps),
        info=info,
        source=path.name,
    )
    rule = ", ".join(("after terminals or timeouts", *options.boundary))
    reading = episodes_of(rows, rule=rule, drop_last=options.drop_last)
    return Reading(reading.store, reading.rule, notes + reading.notes)


def _require_modest(path: Path, held: int, name: str, node: Any) -> None:
    if hasattr(node, "shape"):
        require_room(node.nbytes, held, f"{path}: {name}")


def _tree(node: Any) -> Any:
    """A dataset as an array, a group as a dict."""
    if hasattr(node, "shape"):
        return np.asarray(node[()])
    return {key: _tree(node[key]) for key in node}


def _info(file: Any, steps: int) -> dict[str, Any]:
    """Numbers per step under ``infos``; vectors there are state that info cannot hold."""
    group = file.get("infos")
    if group is None or hasattr(group, "shape"):
        return {}
    return {
        key: np.asarray(column[()])
        for key, column in group.items()
        if getattr(column, "shape", None) == (steps,) and column.dtype.kind in "biuf"
    }
