"""The validation report of a data set: as text for people, as JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rewardwrap.data.checks import named_leaves
from rewardwrap.data.episodes import EpisodeStore
from rewardwrap.data.findings import findings, worst_first
from rewardwrap.data.reading import Note, Reading
from rewardwrap.files import write_whole

if TYPE_CHECKING:
    from rich.console import Console

FORMAT = 1
FILE = "report.json"
MARKS = {"error": ("red", "✗"), "warning": ("yellow", "!"), "note": ("cyan", "·")}


@dataclass(frozen=True)
class Report:
    """What was read and what was found.

    Args:
        source: What the user named.
        rule: How borders were found.
        counts: Episodes, steps, ends, missing rewards, and episodes that share a name.
        lengths: Shortest, median and longest episode.
        returns: The same of the returns, over episodes without a missing reward; None without any.
        columns: Name, dtype, shape of one row, smallest and largest finite value.
        notes: What was noticed, while reading and after.
        fingerprint: sha256 of the data.
    """

    source: str
    rule: str
    counts: dict[str, int]
    lengths: dict[str, float]
    returns: dict[str, float] | None
    columns: list[dict[str, Any]]
    notes: list[Note]
    fingerprint: str

    def count(self, severity: str) -> int:
        """How many notes are that severe."""
        return sum(note.severity == severity for note in self.notes)

    def to_json(self) -> str:
        """Strict JSON: no NaN, no infinity."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, allow_nan=False)

    def write(self, folder: Path) -> Path:
        """Write ``report.json``."""
        write_whole(folder / FILE, self.to_json())
        return folder / FILE

    def show(self, out: Console) -> None:
        """Print it."""
        _show(self, out)


def inspect(reading: Reading, *, source: str) -> Report:
    """Look at everything that was read."""
    store = reading.store
    ends = store.first_step + store.lengths - 1
    terminated, truncated = store.terminated[ends], store.truncated[ends]
    whole = store.returns()
    whole = whole[np.isfinite(whole)]
    named = np.unique(np.stack([store.source, store.ids]), axis=1).shape[1]
    return Report(
        source=source,
        rule=reading.rule,
        counts={
            "episodes": len(store),
            "steps": store.steps,
            "terminated": int(terminated.sum()),
            "truncated": int((truncated & ~terminated).sum()),
            "cut": int((~terminated & ~truncated).sum()),
            "missing_rewards": int(np.isnan(store.reward).sum()),
            "sharing_a_name": len(store) - named,
        },
        lengths=spread_of(store.lengths),
        returns=spread_of(whole) if len(whole) else None,
        columns=_columns(store),
        notes=worst_first(reading.notes + findings(store)),
        fingerprint=store.fingerprint(),
    )


def spread_of(values: Any) -> dict[str, float]:
    """The smallest, the median and the largest."""
    return {
        "min": float(np.min(values)),
        "median": float(np.median(values)),
        "max": float(np.max(values)),
    }


def _columns(store: EpisodeStore) -> list[dict[str, Any]]:
    leaves = [
        *named_leaves(store.obs, "obs"),
        *named_leaves(store.action, "action"),
        ("reward", store.reward),
        *((f"info/{name}", column) for name, column in store.info.items()),
    ]
    return [_column(name, array) for name, array in leaves]


def _column(name: str, array: np.ndarray[Any, Any]) -> dict[str, Any]:
    there = np.isfinite(array) if array.dtype.kind == "f" else None
    # a copy only where something has to be left out
    finite = array if there is None or there.all() else array[there]
    return {
        "name": name,
        "dtype": array.dtype.name,
        "shape": list(array.shape[1:]),
        "min": float(finite.min()) if finite.size else None,
        "max": float(finite.max()) if finite.size else None,
        "not_finite": int(array.size - finite.size),
    }


def _show(report: Report, out: Console) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    counts = report.counts
    out.print(f"[bold]{escape(report.source)}[/bold]", highlight=False)
    out.print(
        f"{counts['episodes']:,} episodes, {counts['steps']:,} steps: "
        f"{counts['terminated']:,} terminated, {counts['truncated']:,} truncated, "
        f"{counts['cut']:,} cut",
        highlight=False,
    )
    out.print(f"[dim]borders: {escape(report.rule)}[/dim]", highlight=False)
    spread = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    spread.add_column("per episode")
    for heading in ("min", "median", "max"):
        spread.add_column(heading, justify="right")
    for name, row in (("length", report.lengths), ("return", report.returns)):
        if row is not None:
            spread.add_row(name, *(f"{row[key]:,.6g}" for key in ("min", "median", "max")))
    out.print(spread)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("column", "dtype", "row shape"):
        table.add_column(heading)
    for heading in ("min", "max", "empty or inf"):
        table.add_column(heading, justify="right")
    for column in report.columns:
        shape = "×".join(map(str, column["shape"])) or "one number"
        low, high = (_number(column[key]) for key in ("min", "max"))
        wrong = f"{column['not_finite']:,}" if column["not_finite"] else ""
        table.add_row(escape(column["name"]), column["dtype"], shape, low, high, wrong)
    out.print(table)
    for note in report.notes:
        color, mark = MARKS[note.severity]
        line = f"[{color}]{mark} {escape(note.check)}[/{color}]: {escape(note.sentence)}."
        out.print(line, highlight=False, soft_wrap=True)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.5g}"
