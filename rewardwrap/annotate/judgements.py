"""Judgements out of the file and into it: as `Preferences`, as rows for others, from an oracle."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.annotate.annotator import Query
from rewardwrap.annotate.database import UNDONE, Database
from rewardwrap.annotate.desk import Desk, side_of
from rewardwrap.annotate.pool import add_pairs, clip_hash, same_data
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import DataError, EpisodeStore, Fragments, Preferences
from rewardwrap.files import write_whole
from rewardwrap.limits import parsed

PREFERRED = {"a": 0.0, "b": 1.0, "equal": 0.5, "skip": float("nan")}
_WINDOW = ("episode", "start", "length")
EXPORTED = ("judgment", "a_episode_id", "a_hash", "b_hash", "preferred", "labeler")
"""Columns by which an export is known."""
IMPORTED = "imported"
"""The ``ui_version`` of answers that no page gave."""

_ROWS = f"""
SELECT j.id, j.pair, p.repeats, p.a_left, j.choice, j.ms, j.created, j.session, j.ui_version,
  l.name AS labeler,
  a.id AS a_id, a.episode_id AS a_episode_id, a.episode AS a_episode, a.start AS a_start,
  a.length AS a_length, a.hash AS a_hash,
  b.id AS b_id, b.episode_id AS b_episode_id, b.episode AS b_episode, b.start AS b_start,
  b.length AS b_length, b.hash AS b_hash
FROM judgment j JOIN pair p ON p.id = j.pair JOIN labeler l ON l.id = j.labeler
  JOIN clip a ON a.id = p.a JOIN clip b ON b.id = p.b
WHERE j.superseded_by IS NULL AND j.choice <> '{UNDONE}' AND j.id > ?
ORDER BY j.id
"""


def read(path: str | os.PathLike[str], store: EpisodeStore) -> Preferences:
    """All standing answers over the data they were given on.

    Skipped questions are NaN. Repeated questions are answers like any other and share the ``group``
    of the first one, so a split keeps them together; `Preferences.contradictions` counts them.

    Raises:
        DataError: No such file, no answers, or clips that the store does not show.
    """
    with Database(path) as database:
        return preferences_from(database, store)


def preferences_from(database: Database, store: EpisodeStore, *, after: int = 0) -> Preferences:
    """The same, of an open file; only answers with a number above ``after``.

    Raises:
        DataError: No answers, or clips that the store does not show.
    """
    rows = database.read(_ROWS, (after,))
    if not rows:
        raise DataError(
            f"{database.path} must hold answers, got none. Give some with rewardwrap label."
        )
    a, b = _clips(rows, store, str(database.path))
    return Preferences(
        a,
        b,
        np.array([PREFERRED[row["choice"]] for row in rows]),
        annotator=np.array([row["labeler"] for row in rows], np.str_),
        group=np.array([row["repeats"] or row["pair"] for row in rows], np.int64),
    )


def is_exported(path: Path) -> bool:
    """Whether a table is what `export` wrote."""
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return set(EXPORTED) <= set(pq.read_schema(path).names)
        except (OSError, pa.ArrowInvalid):
            return False
    if path.suffix != ".jsonl":
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        head = file.readline()
    return all(f'"{name}"' in head for name in EXPORTED)


def read_exported(path: Path, store: EpisodeStore) -> Preferences:
    """The answers that `export` wrote, over the data they were given on; clips are found by their hashes.

    Raises:
        DataError: No answers, a line that was changed, or clips that the store does not show.
    """
    try:
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            rows = pq.read_table(path).to_pylist()
        else:
            rows = [parsed(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
        if not rows:
            raise DataError(f"{path} must hold answers, got none. Give some with rewardwrap label.")
        a, b = _clips(rows, store, str(path))
        said = [np.nan if row["preferred"] is None else float(row["preferred"]) for row in rows]
        return Preferences(
            a,
            b,
            np.array(said),
            annotator=np.array([row["labeler"] for row in rows], np.str_),
            group=np.array([row["repeats"] or row["pair"] for row in rows], np.int64),
        )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{path} must be answers as rewardwrap label --export writes them, got "
            f"{type(error).__name__}: {error}. Export them again."
        ) from error


def _clips(rows: list[Any], store: EpisodeStore, path: str) -> tuple[Fragments, Fragments]:
    """Where the clips lie in this store, which may have grown or changed its order: hashes decide."""
    named = {str(name): i for i, name in enumerate(store.ids)}
    moved: dict[tuple[str, int], int] = {}
    seen: dict[tuple[int, int, int], str] = {}

    def shows(episode: int, start: int, length: int, wanted: str) -> bool:
        if not (0 <= episode < len(store) and start + length <= store.lengths[episode]):
            return False
        key = (episode, start, length)
        if key not in seen:
            seen[key] = clip_hash(store, *key)
        return seen[key] == wanted

    def find(row: Any, side: str) -> tuple[int, int, int]:
        name, number, start, length, wanted = (
            row[f"{side}_{what}"] for what in ("episode_id", "episode", "start", "length", "hash")
        )
        likely = (moved.get((name, number), -1), named.get(name, -1), number)
        for episode in (*likely, *range(len(store))):
            if shows(episode, start, length, wanted):
                moved[name, number] = episode
                return episode, start, length
        raise DataError(
            f"{path} must go with the data it was made on, got other data than steps {start} to "
            f"{start + length} of episode {name!r}. Give the episodes that were labelled."
        )

    a, b = (
        Fragments(store, *np.array([find(row, side) for row in rows], np.int64).reshape(-1, 3).T)
        for side in "ab"
    )
    return a, b


def records(database: Database) -> Iterator[dict[str, Any]]:
    """One mapping for each standing answer, for people and programs that know nothing of us."""
    for row in database.read(_ROWS, (0,)):
        clips = {
            f"{side}_{name}": row[f"{side}_{name}"]
            for side in "ab"
            for name in ("id", "episode_id", "episode", "start", "length", "hash")
        }
        preferred = PREFERRED[row["choice"]]
        yield {
            "judgment": row["id"],
            "pair": row["pair"],
            "repeats": row["repeats"],
            **clips,
            "choice": row["choice"],
            "preferred": None if np.isnan(preferred) else preferred,
            "left": "a" if row["a_left"] else "b",
            "side": side_of(row["choice"], bool(row["a_left"])),
            "ms": row["ms"],
            "labeler": row["labeler"],
            "session": row["session"],
            "ui_version": row["ui_version"],
            "created": datetime.fromtimestamp(row["created"], UTC).isoformat(),
        }


def export(path: str | os.PathLike[str], to: str | os.PathLike[str]) -> int:
    """Write every standing answer as JSON lines or parquet; returns how many.

    Raises:
        ConfigError: Another suffix.
        DataError: No file of judgements.
    """
    target = Path(to)
    if target.suffix not in (".jsonl", ".parquet"):
        raise ConfigError(
            f"export must go to a .jsonl or .parquet file, got {target.name!r}. Rename it."
        )
    with Database(path) as database:
        rows, store = list(records(database)), database.meta("store")
    if target.suffix == ".jsonl":
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    else:
        content = _parquet(rows, store)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, content)
    return len(rows)


def _parquet(rows: list[dict[str, Any]], store: str) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    words = {"choice", "left", "side", "labeler", "ui_version", "created"}
    words |= {f"{side}_{name}" for side in "ab" for name in ("episode_id", "hash")}
    names = ["judgment", "pair", "repeats"]
    names += [
        f"{s}_{n}" for s in "ab" for n in ("id", "episode_id", "episode", "start", "length", "hash")
    ]
    names += ["choice", "preferred", "left", "side", "ms", "labeler", "session", "ui_version"]
    kinds = {"preferred": pa.float64(), **dict.fromkeys(words, pa.string())}
    schema = pa.schema([(name, kinds.get(name, pa.int64())) for name in (*names, "created")])
    table = pa.Table.from_pylist(rows, schema=schema)
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({b"store": store.encode()}), buffer)
    return buffer.getvalue()


def add_answers(
    path: str | os.PathLike[str], preferences: Preferences, *, labeler: str = "", seed: int = 0
) -> None:
    """Write answers that exist already, such as an oracle's, as if a labeler had given them.

    Args:
        path: The file, made where there is none.
        preferences: Answers of 0, 0.5, 1 or NaN.
        labeler: Who gave them; the preferences' own annotators where left out.
        seed: Of the sides.

    Raises:
        DataError: A probability in between, or a file for other data.
    """
    said = preferences.preferred
    if not np.isin(said[~np.isnan(said)], (0.0, 0.5, 1.0)).all():
        raise DataError(
            "answers to import must be 0, 0.5, 1 or NaN, got a probability in between. "
            "Round them, or fit the preferences as they are."
        )
    sides = {0.0: "a", 1.0: "b", 0.5: "equal"}
    with Database(path, create=True) as database:
        same_data(database, preferences.store)
        desk = Desk(database, repeats=0.0)
        names = np.where(preferences.annotator == "", "unnamed", preferences.annotator)
        given = [str(name) for name in (np.full(len(said), labeler) if labeler else names)]
        pairs = _pairs(database, preferences, given, seed)
        sessions = {name: desk.open(name, ui_version=IMPORTED) for name in sorted(set(given))}
        choices = ["skip" if np.isnan(p) else sides[float(p)] for p in said]
        owners = [sessions[name] for name in given]
        desk.enter(list(zip(pairs, owners, choices, strict=True)), ui_version=IMPORTED)


def _pairs(database: Database, preferences: Preferences, given: list[str], seed: int) -> list[int]:
    """The pair of each answer: one in the file that the labeler has not answered, else a new one."""
    there = database.read(
        "SELECT p.id, a.episode, a.start, a.length, b.episode, b.start, b.length FROM pair p "
        "JOIN clip a ON a.id = p.a JOIN clip b ON b.id = p.b WHERE p.repeats IS NULL ORDER BY p.id"
    )
    taken = {
        (row["pair"], row["name"])
        for row in database.read(
            "SELECT j.pair, l.name FROM judgment j JOIN labeler l ON l.id = j.labeler"
        )
    }
    known: dict[tuple[int, ...], list[int]] = {}
    for row in there:
        known.setdefault(tuple(row)[1:], []).append(row["id"])
    columns = (getattr(c, n) for c in (preferences.a, preferences.b) for n in _WINDOW)
    keys = [tuple(key) for key in np.stack(list(columns), axis=1).tolist()]
    found = []
    for key, name in zip(keys, given, strict=True):
        free = [pair for pair in known.get(key, []) if (pair, name) not in taken]
        found.append(free[0] if free else 0)
        taken |= {(free[0], name)} if free else set()
    new = [i for i, pair in enumerate(found) if not pair]
    asked = Query(preferences.a.select(new), preferences.b.select(new))
    first = add_pairs(database, asked, seed=seed).first
    for place, i in enumerate(new):
        found[i] = first + place
    return found
