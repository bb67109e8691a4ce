"""JSON files: one list of objects, of steps or of episodes, or one object of columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rewardwrap.data.errors import DataError
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
        document = parsed(path.read_bytes())
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
