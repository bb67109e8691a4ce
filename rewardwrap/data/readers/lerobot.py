"""What a LeRobot data set says of its episodes: ``meta/episodes.jsonl`` (v2) or ``meta/episodes/`` (v3)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rewardwrap.data.episodes import EpisodeStore
from rewardwrap.data.readers.arrowfile import json_table
from rewardwrap.data.reading import Note


def lacking(folder: Path, store: EpisodeStore) -> list[Note]:
    """Episodes that hold fewer steps than the table of episodes says: their ends are missing."""
    stated = _lengths(folder / "meta")
    held: dict[str, int] = {}
    for name, steps in zip(store.ids.tolist(), store.lengths.tolist(), strict=True):
        held[name] = held.get(name, 0) + int(steps)
    short = {name: steps for name, steps in stated.items() if name in held and held[name] < steps}
    gone = [name for name in stated if name not in held]
    notes = []
    if short:
        name, steps = next(iter(short.items()))
        sentence = (
            f"{len(short)} episodes lack steps that meta/ counts, episode {name} holds {held[name]} of "
            f"{steps}: their ends are missing; --leave-out episode:{name} leaves it out"
        )
        notes.append(Note("short of meta", sentence, len(short)))
    if gone:
        sentence = f"{len(gone)} episodes that meta/ counts have no steps: {', '.join(gone[:8])}"
        notes.append(Note("short of meta", sentence, len(gone)))
    return notes


def _lengths(meta: Path) -> dict[str, int]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = ["episode_index", "length"]
    tables: list[Any] = []
    if (meta / "episodes.jsonl").is_file():
        tables.append(json_table(meta / "episodes.jsonl"))
    elif (meta / "episodes").is_dir():
        tables += [pq.read_table(path) for path in sorted((meta / "episodes").rglob("*.parquet"))]
    tables = [t.select(columns) for t in tables if set(columns) <= set(t.column_names)]
    if not tables:
        return {}
    whole = pa.concat_tables(tables, promote_options="permissive").to_pydict()
    return dict(zip(map(str, whole["episode_index"]), whole["length"], strict=True))
