"""Results as tables: of pandas or polars for who goes on computing, of HTML for a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from markupsafe import escape

from rewardwrap.core.errors import MissingExtra

LIBRARIES = ("pandas", "polars")


def frame(columns: Mapping[str, Sequence[Any]]) -> Any:
    """A pandas ``DataFrame``, or one of polars where only that is installed.

    Raises:
        MissingExtra: Neither is.
    """
    found = next((name for name in LIBRARIES if find_spec(name) is not None), None)
    if found is None:
        raise MissingExtra(
            "to_frame must have pandas or polars, got neither. Run: pip install pandas."
        )
    return import_module(found).DataFrame({name: list(column) for name, column in columns.items()})


def html_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A small table without a style of its own: a notebook brings one."""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows
    )
    caption = f"<caption style='text-align:left'>{escape(title)}</caption>"
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def text_table(headings: Sequence[str], rows: Sequence[Sequence[Any]], *, most: int = 9) -> str:
    """Columns under each other, numbers to the right; of many rows the first and the last.

    >>> print(text_table(("name", "weight"), [("env", 1.0), ("height", 0.5)]))
    name    weight
    env          1
    height     0.5
    """
    cells = [[_written(cell) for cell in row] for row in rows]
    right = [
        bool(rows) and all(isinstance(row[i], int | float) or row[i] is None for row in rows)
        for i in range(len(headings))
    ]
    if len(cells) > most:
        cells = [*cells[: most - 2], ["..."] * len(headings), cells[-1]]
    lines = [list(headings), *cells]
    widths = [max(len(line[i]) for line in lines) for i in range(len(headings))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )


def _written(cell: Any) -> str:
    if cell is None:
        return "-"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


class Shown:
    """A result that shows itself: in at most twelve lines, as HTML, as a data frame.

    A class says `_title` and `_columns`; one whose columns are long may say `_shown`, fewer of them.
    """

    def _title(self) -> str:
        """One sentence."""
        raise NotImplementedError

    def _columns(self) -> dict[str, Sequence[Any]]:
        """Everything, heading -> column."""
        raise NotImplementedError

    def _shown(self) -> dict[str, Sequence[Any]]:
        """What is printed."""
        return self._columns()

    def to_frame(self) -> Any:
        """Everything as a table of pandas, or of polars where only that is installed."""
        return frame(self._columns())

    def __repr__(self) -> str:
        shown = self._shown()
        rows = list(zip(*shown.values(), strict=True))
        return f"{self._title()}\n{text_table(tuple(shown), rows)}" if rows else self._title()

    def _repr_html_(self) -> str:
        shown = self._shown()
        rows = [[_written(cell) for cell in row] for row in zip(*shown.values(), strict=True)]
        return html_table(self._title(), list(shown), rows)
