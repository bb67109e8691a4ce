"""Preferences on disk: one parquet file that names its store by fingerprint."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.data.episodes import EpisodeStore
from rewardwrap.data.errors import DataError
from rewardwrap.data.fragments import Fragments
from rewardwrap.files import write_whole

FORMAT = b"1"


def save(
    path: str | os.PathLike[str], *, a: Fragments, b: Fragments, annotator: Any, **columns: Any
) -> Path:
    """`Preferences.save`: clips, who answered, and columns of numbers."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    places = {
        f"{side}_{name}": getattr(clips, name)
        for side, clips in (("a", a), ("b", b))
        for name in ("episode", "start", "length")
    }
    words = {"annotator": pa.array(annotator.tolist(), pa.string())}
    table = pa.table({**places, **columns, **words})
    named = {b"format": FORMAT, b"store": a.store.fingerprint().encode()}
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(named), buffer)
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, buffer.getvalue())
    return target


def is_saved(path: str | os.PathLike[str]) -> bool:
    """Whether the file is what `save` wrote, or none that parquet reads; else it is a table of somebody's."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return b"store" in (pq.read_schema(path).metadata or {})
    except (OSError, pa.ArrowInvalid):
        return True


def load(path: str | os.PathLike[str], store: EpisodeStore) -> dict[str, Any]:
    """The fields of `Preferences.load`.

    Raises:
        DataError: No such file, one cut short, another format, or made on another store.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(
            f"{path} must be a whole parquet file of preferences, got: {error} Save it again."
        ) from error
    named = table.schema.metadata or {}
    if named.get(b"format") != FORMAT or b"store" not in named:
        raise DataError(
            f"{path} must have been written by Preferences.save, got columns "
            f"{', '.join(table.column_names)}. Save it again with this version."
        )
    if named[b"store"].decode() != store.fingerprint():
        raise DataError(
            f"{path} must be read with the store it was made on, "
            f"got fingerprint {store.fingerprint()[:12]} instead of {named[b'store'].decode()[:12]}. "
            "Load that store; a split or a changed one has other episode numbers."
        )
    column = {name: table[name].to_numpy() for name in table.column_names if name != "annotator"}
    a, b = (
        Fragments(store, *(column[f"{side}_{name}"] for name in ("episode", "start", "length")))
        for side in "ab"
    )
    words = np.array(table["annotator"].to_pylist(), np.str_)
    numbers = {name: column[name] for name in ("preferred", "weight", "group")}
    return {"a": a, "b": b, "annotator": words, **numbers}
