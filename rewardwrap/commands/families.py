"""``rewardwrap compare ENV --families``: which family of reward should one use."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from rewardwrap.compare.request import Request

LEGEND = (
    "STARC, ERC: distance to the environment's reward; ~ is within the noise floor.",
    "Gap (of hacking): the share of the true return that is lost by trusting the reward's favourite agent.",
    "Samples, labels: used up before the first training.",
)


def with_families(args: argparse.Namespace, request: Request, console: Console) -> int:
    """Make the rewards, train, and print what the comparison alone does not say."""
    from rich import box
    from rich.table import Table

    from rewardwrap.compare.carry_out import carry_out
    from rewardwrap.families import front
    from rewardwrap.families.judged import HEADINGS, document

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    request, ground, families = front.with_families(request, say)
    made = carry_out(request, console)
    comparison = made.comparisons[0]
    rows = front.judge(ground, families, comparison, request.out)
    table = Table(box=box.SIMPLE_HEAD, title="families", title_style="bold")
    for heading in HEADINGS:
        table.add_column(
            heading, no_wrap=True, justify="left" if heading == HEADINGS[0] else "right"
        )
    for row in rows:
        table.add_row(*row.cells)
    console.print(table)
    for row in rows:
        say(f"- {row.family.name}: {row.family.source}")
    for line in LEGEND:
        say(line)
    say(f"Table: {request.out / 'families.md'}")
    args.answer = {"report": str(made.report), **document(rows, comparison)}
    return 1 if made.failures else 0
