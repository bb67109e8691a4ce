"""Tianshou's replay buffers as ``buffer.save_hdf5`` writes them, and HDF5 files with the names of tables.

| where | what |
|---|---|
| ``_meta/{obs, act, rew, terminated, truncated, obs_next}`` | rows, as many as there is room for |
| ``last_index``, ``_lengths`` or ``_size``, ``_extend_offset`` | which are filled, the newest, the lanes |

Rows of a full ring are turned so that the oldest comes first; rows that were never filled are no steps.
Parts that Tianshou pickled (``info``) are not read.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from rewardwrap.data.errors import DataError
from rewardwrap.data.ragged import IntArray
from rewardwrap.data.readers import names as known
from rewardwrap.data.readers.actions import unit_of
from rewardwrap.data.readers.buffers import unscaled
from rewardwrap.data.readers.table import read_columns
from rewardwrap.data.reading import Note, Options, Reading

ROWS = ("obs", "act", "rew", "terminated", "truncated", "obs_next")


def is_tianshou(file: Any) -> bool:
    """Whether the file is a buffer that Tianshou saved."""
    return "_meta" in file and "last_index" in file and {"obs", "act"} <= set(file["_meta"])


def tianshou(path: Path, file: Any, options: Options) -> Reading:
    """The steps of every lane, oldest first.

    Raises:
        DataError: An empty buffer, or actions whose unit nobody can tell.
    """
    rows, lane = _filled(file)
    if not len(rows):
        raise DataError(f"{path} must hold a step, got an empty buffer. Save it after collecting.")
    notes: list[Note] = []
    columns = _columns({n: file["_meta"][n] for n in ROWS if n in file["_meta"]}, rows)
    if len(np.unique(lane)) > 1:
        columns["lane"] = lane
    space = options.action_space
    scaled = unit_of(columns["act"], space, options.actions, notes) == "scaled"
    if isinstance(space, spaces.Box) and scaled:
        columns["act"] = unscaled(columns["act"], space)
    elif columns["act"].dtype.kind == "f" and options.actions is None and space is None:
        sentence = (
            "actions are what the policy said, which Tianshou maps to the space's bounds: name the "
            "environment before the file, or say --actions executed"
        )
        notes.append(Note("actions", sentence, 1))
    return read_columns(path, columns, options, notes)


def is_named(file: Any) -> bool:
    """Whether rows lie at the top under names that tables have, as ``obs``, ``act`` and ``rew``."""
    return bool({*known.OBS} & set(file) and {*known.ACTION} & set(file)) and any(
        name in file for name in known.REWARD
    )


def named(path: Path, file: Any, options: Options) -> Reading:
    """The columns of such a file as a table; groups are dicts of observations."""
    wanted = (*known.OBS, *known.NEXT_OBS)
    kept = {name: node for name, node in file.items() if getattr(node, "ndim", 0) or name in wanted}
    return read_columns(path, _columns(kept, None), options, [])


def _filled(file: Any) -> tuple[IntArray, IntArray]:
    """Rows that were written, oldest first in each lane, and the lane of each."""
    last = np.asarray(file["last_index"][()]).reshape(-1)
    edges = (
        file["_extend_offset"][()] if "_extend_offset" in file else [0, int(file.attrs["maxsize"])]
    )
    lengths = file["_lengths"][()] if "_lengths" in file else [int(file.attrs["_size"])]
    places = []
    for newest, (begin, end), length in zip(last, pairwise(edges), lengths, strict=True):
        first = newest + 1 if length == end - begin else begin
        places.append(begin + (first - begin + np.arange(length)) % (end - begin))
    rows = np.concatenate(places).astype(np.int64)
    return rows, np.repeat(np.arange(len(places)), [len(place) for place in places])


def _columns(nodes: Any, rows: Any, above: str = "") -> dict[str, Any]:
    """Datasets as columns, those of groups as ``GROUP/NAME``."""
    found: dict[str, Any] = {}
    for name, node in nodes.items():
        if hasattr(node, "shape"):
            if node.attrs.get("__data_type__") != "pickled_ndarray":
                column = np.asarray(node[()])
                found[above + name] = column if rows is None else column[rows]
        else:
            found |= _columns(node, rows, f"{above}{name}/")
    return found
