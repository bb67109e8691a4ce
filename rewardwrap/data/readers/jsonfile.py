"""JSON files: one list of objects, of steps or of episodes, or one object of columns.

The list may stand in an object beside other things (``{"env": ..., "episodes": [...]}``), and an object of
columns may be written as pandas does: ``{column: {row: cell}}`` or ``{"columns": [...], "data": [[...]]}``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rewardwrap.data.errors import DataError
from rewardwrap.data.readers import names
from rewardwrap.data.readers.table import read_table
from rewardwrap.data.reading import Options, Reading
from rewardwrap.limits import parsed


def read(path: Path, options: Options) -> Reading:
    """Read a JSON document as the table that it is.

    Raises:
        DataError: No JSON, or no table.
    """
    return read_table(path, table(path), options, [])


def table(path: Path) -> Any:
    """The document as an arrow table.

    Raises:
        DataError: As `read`.
    """
    import pyarrow as pa

    try:
        document = _unwrapped(parsed(path.read_bytes()))
        if isinstance(document, list) and document and all(isinstance(x, dict) for x in document):
            return pa.Table.from_pylist(document)
        if isinstance(document, dict) and all(isinstance(x, list) for x in document.values()):
            return pa.table(document)
    except (json.JSONDecodeError, UnicodeDecodeError, pa.ArrowException, TypeError) as error:
        said = str(error).splitlines()[0].rstrip(".")
        raise DataError(
            f"{path} must be a JSON table, got: {said}. If it was cut short, copy it again."
        ) from error
    raise DataError(
        f"{path} must be a list of objects, of one step or one episode each, or an object of columns, got "
        f"{type(document).__name__}. Write one object a line and call it .jsonl."
    )


def _unwrapped(document: Any) -> Any:
    """The list of objects, or the object of columns, that a document holds."""
    if not isinstance(document, dict) or not document:
        return document
    heads, rows = document.get("columns"), document.get("data")
    if (
        isinstance(heads, list)
        and isinstance(rows, list)
        and all(isinstance(r, list) for r in rows)
    ):
        if any(len(row) != len(heads) for row in rows):
            return document
        return {str(head): [row[i] for row in rows] for i, head in enumerate(heads)}
    inner = list(document.values())
    if all(isinstance(one, dict) and one.keys() == inner[0].keys() for one in inner):
        if not any(name in inner[0] for name in names.OBS):
            return {name: list(column.values()) for name, column in document.items()}
        # episodes by their names
        return [{"episode": name, **one} for name, one in document.items()]
    lists = [one for one in inner if isinstance(one, list)]
    alone = len(lists) == 1 and all(isinstance(x, dict) for x in lists[0])
    return lists[0] if alone and lists[0] else document
