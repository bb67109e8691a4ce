"""Files that Arrow reads by itself: parquet, Feather, and lines of JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rewardwrap.data.errors import DataError
from rewardwrap.data.readers.packed import unpacked
from rewardwrap.data.readers.table import column_of, read_columns, read_table, require_distinct
from rewardwrap.data.reading import Options, Reading


def read_parquet(path: Path, options: Options) -> Reading:
    """Read a parquet file, column by column, so that it is in memory once.

    Raises:
        DataError: A file that was cut short, a column that lacks, or no rule for borders.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            require_distinct(path, schema.names)
            if any(pa.types.is_nested(field.type) for field in schema):
                return read_table(path, file.read(), options, [])
            columns: dict[str, Any] = {}
            for i, name in enumerate(schema.names):
                values = column_of(name, file.read([name])[name])
                # arrow keeps what it lets go of for its next column; a view of it would keep all
                columns[name] = values if values.flags.owndata else values.copy()
                options.progress(i + 1, len(schema.names))
    except (pa.ArrowException, OSError) as error:
        raise _cut(path, "parquet file", error) from error
    return read_columns(path, columns, options, [])


def parquet(path: Path, options: Options) -> Any:
    """One parquet file as an arrow table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            groups = []
            for i in range(file.num_row_groups):
                groups.append(file.read_row_group(i))
                options.progress(i + 1, file.num_row_groups)
            return pa.concat_tables(groups) if groups else file.schema_arrow.empty_table()
    except (pa.ArrowException, OSError) as error:
        raise _cut(path, "parquet file", error) from error


def read_feather(path: Path, options: Options) -> Reading:
    """Read a Feather (Arrow IPC) file."""
    import pyarrow as pa
    from pyarrow import feather

    try:
        table = feather.read_table(path)
    except (pa.ArrowException, OSError) as error:
        try:
            # a stream of the same, which Hugging Face's datasets calls .arrow too
            with pa.OSFile(str(path)) as file:
                table = pa.ipc.open_stream(file).read_all()
        except (pa.ArrowException, OSError):
            raise _cut(path, "Feather file", error) from error
    return read_table(path, table, options, [])


def read_jsonl(path: Path, options: Options) -> Reading:
    """Read one JSON object a line, packed or not; lists of numbers are vectors."""
    return read_table(path, json_table(path), options, [])


def json_table(path: Path) -> Any:
    """Lines of JSON as an arrow table.

    Raises:
        DataError: A line that is none.
    """
    import pyarrow as pa
    from pyarrow import json

    try:
        return json.read_json(pa.BufferReader(unpacked(path)))
    except pa.ArrowInvalid as error:
        raise DataError(
            f"{path} must hold one JSON object a line, got: {_first_line(error)}. "
            "Correct that line; if it is the last, it was cut short."
        ) from error


def _cut(path: Path, what: str, error: Exception) -> DataError:
    return DataError(
        f"{path} must be a whole {what}, got: {_first_line(error)}. It was cut short; write it again."
    )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")
