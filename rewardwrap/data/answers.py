"""Tables of answers about clips, as people keep them: CSV, parquet, JSON, or lines of it.

| column | meaning |
|---|---|
| ``episode_a``, ``episode_b`` | ids of episodes |
| ``start_a``, ``start_b`` | first steps of the clips |
| ``length`` (or ``length_a``, ``length_b``) | steps |
| ``better_b`` (or ``answer``, ``preferred``) | 1: b is better; 0: a; 0.5: a tie; empty: skipped |
| ``preference``, ``winner``, ``choice``, ``label`` | the same in words: a, b, tie, skip, or an episode's id |
| ``annotator`` | who said it, if known |
| ``chosen``, ``rejected`` | instead: two clips as objects, or two ids of whole episodes |

``a`` and ``b`` may be clips as objects too; ids without starts and lengths are whole episodes.
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
from rewardwrap.data.readers.cells import as_numpy, numbers, spread, truths
from rewardwrap.data.readers.csvfile import table_of
from rewardwrap.data.readers.jsonfile import table as json_document
from rewardwrap.data.readers.table import require_distinct

ANSWER = ("better_b", "answer", "preferred")
WORDS = ("preference", "winner", "choice", "label")
"""Columns that say it in words alone: a number there may mean either clip."""
CLIP = ("episode", "start", "length")
SAID = {
    **dict.fromkeys(("a", "episode_a", "clip_a", "first", "left"), 0.0),
    **dict.fromkeys(("b", "episode_b", "clip_b", "second", "right"), 1.0),
    **dict.fromkeys(("tie", "equal", "both"), 0.5),
    **dict.fromkeys(("skip", "skipped", ""), np.nan),
}
SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".parquet")


def read_answers(path: Path, store: EpisodeStore) -> Preferences:
    """The answers of a table about the episodes of a store.

    Raises:
        DataError: A column that lacks, an answer that is none, or a clip outside its episode.
        UnknownName: An id that no episode has, or several have.
    """
    table = spread(_table(path))
    require_distinct(path, table.column_names)
    columns = {name: as_numpy(name, table[name]) for name in table.column_names}
    columns = _whole_episodes(_chosen(_named(columns), store), store)
    said = _answer(columns)
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


def _answer(columns: dict[str, Any]) -> str | None:
    """The column of the answers, which it leaves as numbers; several must say the same.

    Raises:
        DataError: They do not, or one says something else than an answer.
    """
    found = [name for name in (*ANSWER, *WORDS) if name in columns]
    each = {name: _in_numbers(name, columns) for name in found}
    for name in found[1:]:
        one, other = (np.asarray(numbers(n, each[n]), np.float64) for n in (found[0], name))
        if not np.array_equal(one, other, equal_nan=True):
            raise DataError(
                f'answers must stand in one column, got "{found[0]}" and "{name}", which differ. Leave one '
                "out."
            )
    columns |= each
    return found[0] if found else None


def _named(columns: dict[str, Any]) -> dict[str, Any]:
    """Columns in small letters where that is unique; ``a/start`` of a clip as an object is ``start_a``."""
    low = [name.lower() for name in columns]
    found = {
        low[i] if low.count(low[i]) == 1 else name: columns[name] for i, name in enumerate(columns)
    }
    for name in list(found):
        side, _, what = name.partition("/")
        if side in ("a", "b") and what in CLIP and f"{what}_{side}" not in found:
            found[f"{what}_{side}"] = found.pop(name)
    return found


def _whole_episodes(columns: dict[str, Any], store: EpisodeStore) -> dict[str, Any]:
    """Two ids alone are two whole episodes, as they are in ``chosen`` and ``rejected``."""
    more = [name for name in columns if name.partition("_")[0] in ("start", "length", "end")]
    if more or not all(f"episode_{x}" in columns for x in "ab"):
        return columns
    for x in "ab":
        steps = store.lengths[place_of(store, columns[f"episode_{x}"])]
        columns |= {f"start_{x}": np.zeros(len(steps)), f"length_{x}": steps}
    return columns


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


def _in_numbers(name: str, columns: dict[str, Any]) -> Any:
    """Answers in words, or by the better episode's id, as numbers; a number that may mean either is asked.

    Raises:
        DataError: No known word, or such a number.
    """
    cells = truths(columns[name]) if name in ANSWER else columns[name]
    if cells.dtype.kind != "O":
        if name in WORDS:
            raise DataError(
                f'column "{name}" must say a, b, tie or skip, got the number {cells[0]}, which may mean '
                "either clip. Rename the column to better_b where 1 means that b is better."
            )
        return cells
    words = ["" if cell is None else str(cell).strip().lower() for cell in cells]
    row = next((i for i, word in enumerate(words) if word not in SAID), None)
    if row is None:
        return np.array([SAID[word] for word in words])
    ids = [[str(x).strip().lower() for x in columns.get(f"episode_{x}", ())] for x in "ab"]
    if all(len(own) == len(words) for own in ids) and all(
        a != b and word in (a, b) for word, a, b in zip(words, *ids, strict=True)
    ):
        return np.array([float(word == b) for word, b in zip(words, ids[1], strict=True)])
    if name in WORDS:
        raise DataError(
            f'column "{name}" must say a, b, tie or skip, or the id of the better episode, got '
            f"{cells[row]!r} in row {row}. Correct it."
        )
    return numbers(name, cells)


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
