"""Episodes whose steps are a list of objects, as RLDS writes them: a row a step instead."""

from __future__ import annotations

from typing import Any

import numpy as np

from rewardwrap.data.readers import names as known
from rewardwrap.data.reading import Note


def steps_apart(table: Any, notes: list[Note]) -> Any:
    """The table with each object of its one column of such lists as a row of its own.

    What else stands in a row goes with each of its steps; without the name of an episode there, it is the
    number of the row. A table without such a column, or with rewards beside it, comes back as it is.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    lists = [
        name for name in table.column_names
        if _is_list(kind := table.schema.field(name).type) and pa.types.is_struct(kind.value_type)
    ]  # fmt: skip
    if len(lists) != 1 or any(name in table.column_names for name in known.REWARD):
        return table
    (name,) = lists
    inner = pc.list_flatten(table[name])
    counts = pc.list_value_length(table[name]).fill_null(0).to_numpy()
    steps = pa.Table.from_arrays(inner.combine_chunks().flatten() if isinstance(inner, pa.ChunkedArray)
                                 else inner.flatten(), names=[f.name for f in inner.type])  # fmt: skip
    row = np.repeat(np.arange(table.num_rows), counts)
    beside = table.drop_columns([name]).take(pa.array(row))
    for other in beside.column_names:
        if other not in steps.column_names:
            steps = steps.append_column(other, beside[other])
    if not any(other in steps.column_names for other in known.EPISODE):
        steps = steps.append_column("episode", pa.array(row))
    sentence = f"{table.num_rows} rows hold a list of {name}: read as {len(row)} rows, one a step"
    notes.append(Note("nested", sentence, len(row), "note"))
    return steps


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))
