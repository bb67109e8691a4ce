"""What a benchmark says: one row per goal, for people and as JSON."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from tests.bench.timing import TOLERANCE, Estimate, Times


@dataclass(frozen=True)
class Bound:
    """``<=`` or ``>=`` a number."""

    sign: Literal["<=", ">="]
    value: float

    def holds(self, value: float) -> bool:
        """Whether ``value`` is on the right side."""
        return value <= self.value if self.sign == "<=" else value >= self.value


@dataclass(frozen=True)
class Row:
    """One measured figure.

    Args:
        goal: Its name in the list of goals; ``H`` for the hand-written wrappers.
        what: What is divided by what.
        measured: The figure.
        bound: What it must be; None for a figure that is only reported.
        control: A/A control of the table it comes from.
        beside: Other figures of the same table, by variant.
        unit: Of ``beside``.
    """

    goal: str
    what: str
    measured: Estimate
    bound: Bound | None
    control: float
    beside: dict[str, float] = field(default_factory=dict)
    unit: Literal["x bare", "ns"] = "x bare"

    @property
    def holds(self) -> str:
        """``yes``, ``no``, ``noisy: repeat``, or ``-`` where there is no bound."""
        if self.bound is None:
            return "-"
        if abs(self.control - 1.0) > TOLERANCE or not math.isfinite(self.measured.value):
            return "noisy: repeat"
        return "yes" if self.bound.holds(self.measured.value) else "no"


def at_most(
    value: float | None, goal: str, what: str, measured: Estimate, times: Times, **rest: Any
) -> Row:
    """A row whose figure must not exceed ``value``; None reports it only."""
    bound = None if value is None else Bound("<=", value)
    return Row(goal, what, measured, bound, times.control, **rest)


def at_least(
    value: float | None, goal: str, what: str, measured: Estimate, times: Times, **rest: Any
) -> Row:
    """A row whose figure must reach ``value``; None reports it only."""
    bound = None if value is None else Bound(">=", value)
    return Row(goal, what, measured, bound, times.control, **rest)


_COLOURS = {"yes": "green", "no": "red", "noisy: repeat": "yellow", "-": "dim"}


def show(rows: Sequence[Row], console: Console) -> None:
    """Print the table."""
    table = Table(title="speed: goal / measured / holds", title_justify="left")
    for name in ("goal", "what", "measured", "95 %", "bound", "holds", "A/A"):
        table.add_column(
            name, justify="left" if name in ("goal", "what") else "right", no_wrap=name != "what"
        )
    for row in rows:
        what = row.what
        if row.beside:
            what += f"\n[dim]{_beside(row)}[/dim]"
        table.add_row(
            row.goal,
            what,
            _number(row.measured.value),
            f"{_number(row.measured.low)} - {_number(row.measured.high)}",
            "" if row.bound is None else f"{row.bound.sign} {row.bound.value:g}",
            f"[{_COLOURS[row.holds]}]{row.holds}[/]",
            f"{row.control:.3f}",
        )
    console.print(table)
    bounded = [row.holds for row in rows if row.bound is not None]
    console.print(
        f"{bounded.count('yes')} of {len(bounded)} goals hold, {bounded.count('noisy: repeat')} too noisy "
        f"to say. CPU time, garbage collector off inside blocks; load {os.getloadavg()[0]:.1f}."
    )


def as_json(rows: Sequence[Row]) -> dict[str, Any]:
    """The same as plain data."""
    return {"load": os.getloadavg(), "rows": [{**asdict(row), "holds": row.holds} for row in rows]}


def _beside(row: Row) -> str:
    digits = 0 if row.unit == "ns" else 3
    shown = ", ".join(f"{name} {value:.{digits}f}" for name, value in row.beside.items())
    return f"{row.unit}: {shown}"


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
