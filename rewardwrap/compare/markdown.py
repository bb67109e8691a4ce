"""A comparison in a few lines of Markdown: for a pull request, an issue, a log of experiments."""

from __future__ import annotations

from rewardwrap.compare import summary
from rewardwrap.compare.results import Comparison
from rewardwrap.compare.suite import Suite
from rewardwrap.compare.verdict import judge

HEADINGS = ("strategy", "seeds", "final true", "95 %", "area", "finding")
PLACES = (0, 1, 2, 3, 4, -1)
"""Of these among the cells of `rewardwrap.compare.summary.cells`."""
NAMED = ("gymnasium", "stable-baselines3", "torch", "numpy")


def of_comparison(comparison: Comparison, *, level: int = 3) -> str:
    """The verdict, one row for each strategy, and how it was made.

    Args:
        comparison: What it is about.
        level: Of the heading.
    """
    judged = judge(comparison)
    rows = [summary.cells(comparison, judged, name) for name in comparison.strategies]
    lines = [
        f"{'#' * level} {_plain(comparison.env)}, {comparison.algo}, {comparison.steps:,} steps",
        "",
        f"**{_plain(judged.headline)}**",
        "",
        f"| {' | '.join(HEADINGS)} |",
        "|---|---:|---:|---:|---:|---|",
        *(f"| {' | '.join(_plain(str(row[i])) for i in PLACES)} |" for row in rows),
        "",
        _plain(judged.method),
    ]
    lines += [f"- {_plain(note)}" for note in (*judged.notes, *comparison.remarks)]
    versions = ", ".join(f"{n} {v}" for n, v in comparison.versions.items() if n in NAMED)
    if comparison.command:
        lines += ["", "```", comparison.command, "```"]
    return "\n".join([*lines, *(["", f"<sub>{versions}</sub>"] if versions else [])]) + "\n"


def of_suite(suite: Suite) -> str:
    """Each environment in turn, under one verdict over all."""
    from rewardwrap.compare.aggregate import judge_suite

    judged = judge_suite(suite)
    head = (
        f"## {len(suite.comparisons)} environments, {suite.algo}\n\n**{_plain(judged.headline)}**\n"
    )
    return "\n".join([head, *(of_comparison(each) for each in suite.comparisons)])


def _plain(text: str) -> str:
    """Text that no table and no markup takes for its own."""
    for sign in "\\|*_<`":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
