"""Tables of answers about clips, as people keep them: CSV, parquet, JSON, or lines of it.

| column | meaning |
|---|---|
| ``episode_a``, ``episode_b`` | ids of episodes |
| ``start_a``, ``start_b`` | first steps of the clips |
| ``length`` (or ``length_a``, ``length_b``) | steps |
| ``better_b`` (or ``answer``, ``preferred``) | 1: b is better; 0: a; 0.5: a tie; empty: skipped |
| ``preference``, ``winner``, ``choice``, ``label`` | the same in words: a, b, tie, skip |
| ``annotator`` | who said it, if known |
| ``chosen``, ``rejected`` | instead: two clips as objects, or two ids of whole episodes |
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
from rewardwrap.data.readers.cells import as_numpy, numbers, spread
from rewardwrap.data.readers.csvfile import table_of
from rewardwrap.data.readers.jsonfile import table as json_document

ANSWER = ("better_b", "answer", "preferred")
WORDS = ("preference", "winner", "choice", "label")
"""Columns that say it in words alone: a number there may mean either clip."""
SAID = {"a": 0.0, "first": 0.0, "left": 0.0, "b": 1.0, "second": 1.0, "right": 1.0, "tie": 0.5, "equal": 0.5,
        "both": 0.5, "skip": np.nan, "skipped": np.nan, "": np.nan}  # fmt: skip
SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".parquet")


def read_answers(path: Path, store: EpisodeStore) -> Preferences:
    """The answers of a table about the episodes of a store.

    Raises:
        DataError: A column that lacks, an answer that is none, or a clip outside its episode.
        UnknownName: An id that no episode has, or several have.
    """
    table = spread(_table(path))
    columns = {name: as_numpy(name, table[name]) for name in table.column_names}
    columns = _chosen(columns, store)
    said = next((name for name in (*ANSWER, *WORDS) if name in columns), None)
    if said is not None:
        columns[said] = _in_numbers(said, columns[said])
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


def _table(path: Path) -> Any:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return pq.read_table(path)
    if path.suffix == ".json":
        return json_document(path)
    return json_table(path) if path.suffix == ".jsonl" else table_of(path)


def _chosen(columns: dict[str, Any], store: EpisodeStore) -> dict[str, Any]:
    """Rows of ``chosen`` and ``rejected`` as answers: the chosen clip is b."""
    sides = {"b": "chosen", "a": "rejected"}
    if not all(
        any(n == side or n.startswith(f"{side}/") for n in columns) for side in sides.values()
    ):
        return columns
    found = {n: c for n, c in columns.items() if n.partition("/")[0] not in sides.values()}
    for letter, side in sides.items():
        names = columns[f"{side}/episode"] if f"{side}/episode" in columns else columns.get(side)
        if names is None:
            raise DataError(
                f"{side} must name an episode, got {', '.join(columns)}. "
                "Write an id, or an object of episode, start and length."
            )
        found[f"episode_{letter}"] = names
        start, length = (columns.get(f"{side}/{what}") for what in ("start", "length"))
        steps = store.lengths[place_of(store, names)]
        found[f"start_{letter}"] = np.zeros(len(names)) if start is None else start
        found[f"length_{letter}"] = steps - found[f"start_{letter}"] if length is None else length
    return found | {"better_b": np.ones(len(found["episode_a"]))}


def _in_numbers(name: str, cells: Any) -> Any:
    """Answers in words as numbers; a number where it may mean either clip is asked about.

    Raises:
        DataError: No known word, or such a number.
    """
    if cells.dtype.kind != "O":
        if name in WORDS:
            raise DataError(
                f'column "{name}" must say a, b, tie or skip, got the number {cells[0]}, which may mean '
                "either clip. Rename the column to better_b where 1 means that b is better."
            )
        return cells
    words = ["" if cell is None else str(cell).strip().lower() for cell in cells]
    row = next((i for i, word in enumerate(words) if word not in SAID), None)
    if row is not None:
        return numbers(name, cells)
    return np.array([SAID[word] for word in words])


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
