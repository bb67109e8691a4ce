"""Tables of answers about clips, as people keep them: CSV or lines of JSON.

| column | meaning |
|---|---|
| ``episode_a``, ``episode_b`` | ids of episodes |
| ``start_a``, ``start_b`` | first steps of the clips |
| ``length`` (or ``length_a``, ``length_b``) | steps |
| ``better_b`` (or ``answer``, ``preferred``) | 1: b is better; 0: a; 0.5: a tie; empty: skipped |
| ``annotator`` | who said it, if known |
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.core.errors import UnknownName
from rewardwrap.data.episodes import EpisodeStore
from rewardwrap.data.errors import DataError
from rewardwrap.data.fragments import Fragments
from rewardwrap.data.preferences import Preferences
from rewardwrap.data.readers.arrowfile import json_table
from rewardwrap.data.readers.cells import as_numpy, numbers
from rewardwrap.data.readers.csvfile import table_of

ANSWER = ("better_b", "answer", "preferred")
SUFFIXES = (".csv", ".jsonl")


def read_answers(path: Path, store: EpisodeStore) -> Preferences:
    """The answers of a table about the episodes of a store.

    Raises:
        DataError: A column that lacks, an answer that is none, or a clip outside its episode.
        UnknownName: An id that no episode has, or several have.
    """
    table = json_table(path) if path.suffix == ".jsonl" else table_of(path)
    columns = {name: as_numpy(name, table[name]) for name in table.column_names}
    said = next((name for name in ANSWER if name in columns), None)
    lengths = [f"length_{x}" if f"length_{x}" in columns else "length" for x in "ab"]
    needed = ["episode_a", "start_a", "episode_b", "start_b", *lengths]
    lacking = [name for name in dict.fromkeys(needed) if name not in columns]
    if lacking or said is None:
        raise DataError(
            f"{path} must have columns episode_a, start_a, episode_b, start_b, length and better_b, got "
            f"{', '.join(columns)}. Add {', '.join([*lacking, *([] if said else ['better_b'])])}."
        )
    answer = np.asarray(numbers(said, columns[said]), np.float64)
    wrong = np.flatnonzero(~(np.isnan(answer) | ((answer >= 0) & (answer <= 1))))
    if wrong.size:
        raise DataError(
            f'column "{said}" must lie in [0, 1] or be empty, got {answer[wrong[0]]:g} in row {wrong[0]}. '
            "Write 1 where b is better, 0 where a is, 0.5 for a tie."
        )
    a, b = (
        Fragments(store, place_of(store, columns[f"episode_{x}"]), whole(columns, f"start_{x}"),
                  whole(columns, length))
        for x, length in zip("ab", lengths, strict=True)
    )  # fmt: skip
    who = columns["annotator"].astype(np.str_) if "annotator" in columns else \
        np.full(len(answer), path.stem)  # fmt: skip
    return Preferences(a, b, answer, annotator=who)


def whole(columns: dict[str, Any], name: str) -> Any:
    values = np.asarray(numbers(name, columns[name]), np.float64)
    if not (values == np.round(values)).all():
        raise DataError(f'column "{name}" must hold whole numbers, got {values[0]:g}. Correct it.')
    return values.astype(np.int64)


def place_of(store: EpisodeStore, names: Any) -> Any:
    ids = store.ids.tolist()
    where = {name: i for i, name in enumerate(ids)}
    if len(where) < len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        raise DataError(
            f'episodes must have ids of their own to be answered about, got "{twice}" for several. '
            "Give each its own id before ingesting."
        )
    asked = [
        str(int(x)) if isinstance(x, float) and x == int(x) else str(x) for x in names.tolist()
    ]
    unknown = next((name for name in asked if name not in where), None)
    if unknown is not None:
        raise UnknownName("episode", unknown, ids)
    return np.array([where[name] for name in asked], np.int64)
