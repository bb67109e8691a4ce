"""``rewardwrap doctor``: what works here, and the command that mends the rest."""

from __future__ import annotations

import argparse

from rewardwrap.commands.arguments import add_json, wide_console

DESCRIPTION = "Try what rewardwrap can use on this machine. Each line that fails names its remedy."


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Examine and print; always 0, since looking worked."""
    from rewardwrap.doctor import examine

    found = examine()
    if args.json:
        args.answer = found
        return 0
    from rich.table import Table
    from rich.text import Text

    table = Table(title="rewardwrap doctor", caption="optional: rewardwrap runs without it")
    for heading in ("", "", "found", "to mend it"):
        table.add_column(heading, overflow="fold")
    for finding in found:
        word, style = ("works", "green") if finding.works else ("no", "red")
        if finding.optional and not finding.works:
            word, style = "no, optional", "yellow"
        table.add_row(
            Text(finding.name), Text(word, style), Text(finding.detail), Text(finding.fix, "bold")
        )
    wide_console().print(table)
    return 0
