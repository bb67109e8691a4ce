"""CSV files with a header line, compressed or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rewardwrap.data.errors import DataError
from rewardwrap.data.readers.packed import unpacked
from rewardwrap.data.readers.table import read_table
from rewardwrap.data.readers.text import Text, recognised
from rewardwrap.data.reading import Note, Options, Reading


def read(path: Path, options: Options) -> Reading:
    """Read a CSV file; delimiter, decimal comma, encoding and comments are recognised and said.

    Raises:
        DataError: Lines with other numbers of cells, or what `readers.text` and `readers.table` ask.
    """
    raw = unpacked(path)
    text = recognised(path, raw, sep=options.sep, decimal=options.decimal)
    table = _parsed(path, text)
    notes = list(text.notes)
    if path.suffix == ".csv" and not text.content.endswith((b"\n", b"\r")):
        sentence = "the last line does not end: its last cell may have been cut short"
        notes.insert(0, Note("cut short", sentence, 1))
    return read_table(path, table, options, notes)


def table_of(path: Path, options: Options | None = None, notes: list[Note] | None = None) -> Any:
    """A CSV file as an arrow table."""
    given = options or Options()
    text = recognised(path, unpacked(path), sep=given.sep, decimal=given.decimal)
    if notes is not None:
        notes += text.notes
    return _parsed(path, text)


def _spellings(word: str) -> tuple[str, str, str]:
    return word, word.upper(), word.capitalize()


def cells_of(text: Text, **more: Any) -> Any:
    """How cells are read, whole or block by block: decimal point, and words for true and false."""
    from pyarrow import csv

    return csv.ConvertOptions(
        decimal_point=text.decimal,
        true_values=[*_spellings("true"), *_spellings("yes"), "T", "t", "Y", "y", "1"],
        false_values=[*_spellings("false"), *_spellings("no"), "F", "f", "N", "n", "0"],
        **more,
    )


def _parsed(path: Path, text: Text) -> Any:
    import pyarrow as pa
    from pyarrow import csv

    try:
        table = csv.read_csv(
            pa.BufferReader(text.content),
            parse_options=csv.ParseOptions(delimiter=text.sep),
            convert_options=cells_of(text),
        )
    except (pa.ArrowInvalid, OSError) as error:
        said = str(error).splitlines()[0].rstrip(".")
        raise DataError(
            f"{path} must be a CSV table with a header and equally many cells in each line, got: "
            f"{said}. If that is its last line, it was cut short; else correct the line, or name "
            "the separator with --sep."
        ) from error
    kept = [name for name in table.column_names if name.strip()]
    # an unnamed first column is the row number that pandas writes
    table = table.select([i for i, name in enumerate(table.column_names) if name.strip()])
    return table.rename_columns([name.strip() for name in kept])
