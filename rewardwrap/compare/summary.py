"""A comparison on the terminal: one table, then the verdict in words."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rewardwrap.compare.measures import half_by
from rewardwrap.compare.results import Comparison
from rewardwrap.compare.verdict import Judgement, judge
from rewardwrap.pages.words import number
from rewardwrap.statistics import Interval

UNTRUSTED = "°"
"""Marks an interval whose stated confidence rests on an assumption; the reason is printed below."""

_LABELS = {
    "learns": "does the task",
    "mostly": "done in at least half",
    "partly": "done in some seeds",
    "below": "better, but below the threshold",
    "flat": "does not learn",
    "bounded": "no cheat, no task",
    "diverges": "learns only its reward",
    "cheats": "CHEATS",
    "unfinished": "no finished run",
}


def print_summary(console: Console, comparison: Comparison) -> None:
    """Print the table, the headline, one sentence for each strategy and the notes."""
    judgement = judge(comparison)
    console.print(console_table(comparison, judgement))
    console.print(Text(judgement.headline, style="bold"))
    console.print(Text(judgement.method))
    for finding in judgement.findings:
        style = "red" if finding.label == "cheats" else ""
        console.print(Text(f"- {finding.text}", style=style))
    for strategy in comparison.strategies:
        verdict = judgement.of(strategy)
        if verdict is not None:
            console.print(Text(f"- {strategy} against {judgement.baseline}: {verdict.phrase}."))
    for note in (*judgement.notes, *reasons(comparison)):
        console.print(Text(note, style="dim"))


def console_table(comparison: Comparison, judgement: Judgement | None = None) -> Table:
    """One row for each strategy; the last column says what it did, in two to four words."""
    judgement = judgement or judge(comparison)
    title = f"{comparison.env}, {comparison.algo}, {comparison.steps:,} steps"
    table = Table(title=title, title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("strategy", no_wrap=True)
    for heading in ("seeds", "final true", "95 %", "area", "reached", "median step", "shaped"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("finding")
    for strategy in comparison.strategies:
        table.add_row(*(Text(cell) for cell in cells(comparison, judgement, strategy)))
    return table


def label_text(label: str) -> str:
    """What a finding's label means, in two to four words."""
    return _LABELS[label]


def interval_text(interval: Interval) -> str:
    """``[0.56, 1.0]``, marked where it cannot be fully trusted; empty without bounds."""
    if interval.method == "none":
        return ""
    mark = "" if interval.trusted else UNTRUSTED
    return f"[{number(interval.low)}, {number(interval.high)}]{mark}"


def reached_text(comparison: Comparison, strategy: str) -> tuple[str, str]:
    """``9/10`` and the median step, or that the median lies beyond the budget."""
    if comparison.threshold is None or not comparison.of(strategy):
        return "", ""
    reached, runs = comparison.reached(strategy)
    return f"{reached}/{runs}", half_by(comparison, strategy)


def reasons(comparison: Comparison) -> list[str]:
    """Why the marked intervals are marked; the same reason once."""
    found = []
    for strategy in comparison.strategies:
        interval = comparison.interval(strategy)
        if not interval.trusted and interval.method != "none":
            found.append(f"{UNTRUSTED} {interval.why}.")
    return list(dict.fromkeys(found))


def cells(comparison: Comparison, judgement: Judgement, strategy: str) -> list[str]:
    """One row of the table."""
    label = label_text(judgement.finding(strategy).label)
    runs = comparison.of(strategy)
    if not runs:
        return [strategy, "0", "", "", "", "", "", "", label]
    final, interval = comparison.final(strategy), comparison.interval(strategy)
    return [
        strategy,
        str(len(runs)),
        number(final.mean()),
        interval_text(interval),
        number(comparison.auc(strategy).mean()),
        *reached_text(comparison, strategy),
        number(comparison.final(strategy, "shaped_return").mean()),
        label,
    ]
