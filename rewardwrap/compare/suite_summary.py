"""A suite on the terminal: the table over all environments, then the verdict in words."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rewardwrap.compare.aggregate import AGGREGATES, SuiteJudgement, aggregates, judge_suite
from rewardwrap.compare.suite import Suite
from rewardwrap.compare.summary import UNTRUSTED
from rewardwrap.compare.verdict import judge

FEW = f"{UNTRUSTED} below 10 seeds a bootstrap interval covers less than 95 %"


def print_suite(console: Console, suite: Suite) -> None:
    """Print the table, the headline, one sentence for each environment and the notes."""
    judgement = judge_suite(suite)
    console.print(suite_table(suite, judgement))
    console.print(Text(judgement.headline, style="bold"))
    for strategy in suite.strategies:
        verdict = judgement.of(strategy)
        if verdict is not None:
            console.print(
                Text(f"- {strategy} against {judgement.baseline}, over training: {verdict.phrase}.")
            )
    for comparison in suite.comparisons:
        console.print(Text(f"- {comparison.env}: {judge(comparison).headline}"))
    few = any(0 < len(suite.seeds(name)) < 10 for name in suite.strategies)
    for note in (*judgement.notes, *([f"{FEW}."] if few else [])):
        console.print(Text(note, style="dim"))


def suite_table(suite: Suite, judgement: SuiteJudgement) -> Table:
    """One row for each strategy: aggregates of the area score over all environments."""
    title = (
        f"{len(suite.tasks)} environments, {suite.algo}: score over training, 0 random, 1 reference"
    )
    table = Table(title=title, title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("strategy", no_wrap=True)
    for heading in ("seeds", "IQM", "95 %", "mean", "median", "gap to 1"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict")
    for strategy in suite.strategies:
        verdict = judgement.of(strategy)
        word = "baseline" if verdict is None else verdict.word
        seeds = suite.seeds(strategy)
        cells = ["", "", "", "", ""]
        found = aggregates(suite.scores(strategy))
        if found:
            interval = found["IQM"].interval
            mark = "" if interval.trusted else UNTRUSTED
            bounds = f"[{interval.low:.2f}, {interval.high:.2f}]{mark}"
            values = [f"{found[name].value:.2f}" for name in AGGREGATES]
            cells = [values[0], bounds, *values[1:]]
        table.add_row(*(Text(cell) for cell in (strategy, str(len(seeds)), *cells, word)))
    return table
