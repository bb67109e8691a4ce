"""Tables of yes-or-no answers about clips, one column a principle: parquet, CSV or lines of JSON.

| column | meaning |
|---|---|
| ``episode`` | its id |
| ``start``, ``length`` | first step and steps of the clip; without both, the whole episode |
| any other | a principle: 1 kept, 0 broken, empty: nobody said |
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rewardwrap.core.transitions import FloatArray
from rewardwrap.data.answers import place_of, whole
from rewardwrap.data.episodes import EpisodeStore
from rewardwrap.data.errors import DataError
from rewardwrap.data.fragments import Fragments
from rewardwrap.data.readers.arrowfile import json_table
from rewardwrap.data.readers.cells import as_numpy, numbers
from rewardwrap.data.readers.csvfile import table_of

CLIP = ("episode", "start", "length")
OTHER = ("annotator",)


class Judged(NamedTuple):
    """n clips and what was said of each by k principles.

    Args:
        clips: n.
        names: k.
        said: ``(n, k)`` in [0, 1], NaN where nobody said it.
    """

    clips: Fragments
    names: tuple[str, ...]
    said: FloatArray


def read_principles(path: Path, store: EpisodeStore) -> Judged:
    """The table of a file about the episodes of a store.

    Raises:
        DataError: No such file, no column ``episode`` or of a principle, a number outside [0, 1], or a
            principle of which nobody said both.
        UnknownName: An id that no episode has.
    """
    if not path.is_file():
        raise DataError(f"labels must be a file, got {path}. Name a parquet, CSV or JSONL table.")
    table = _table(path)
    columns = {name: as_numpy(name, table[name]) for name in table.column_names}
    names = tuple(name for name in columns if name not in (*CLIP, *OTHER))
    if "episode" not in columns or not names:
        raise DataError(
            f"{path} must have a column episode and one for each principle, got {', '.join(columns)}. "
            "Write 1 where a clip keeps a principle, 0 where it breaks it, nothing where nobody said it."
        )
    said = np.stack([np.asarray(numbers(n, columns[n]), np.float64) for n in names], axis=1)
    for j, name in enumerate(names):
        known = said[~np.isnan(said[:, j]), j]
        if not known.size or known.min() < 0 or known.max() > 1 or known.min() == known.max():
            got = f"{known.min():g} to {known.max():g}" if known.size else "no answer"
            raise DataError(
                f'principle "{name}" must have answers in [0, 1] of both sorts, got {got}. Leave its '
                "column out, or label more."
            )
    episode = place_of(store, columns["episode"])
    if "start" in columns and "length" in columns:
        start, length = whole(columns, "start"), whole(columns, "length")
    else:
        start, length = np.zeros(len(episode), np.int64), store.lengths[episode]
    return Judged(Fragments(store, episode, start, length), names, said)


def _table(path: Path) -> Any:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return pq.read_table(path)
    return json_table(path) if path.suffix == ".jsonl" else table_of(path)
