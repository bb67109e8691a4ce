"""``rewardwrap report``: the report of a comparison again, without training."""

from __future__ import annotations

import argparse
from pathlib import Path

DESCRIPTION = "Write report.html, the figures and runs.csv of a finished comparison anew."


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", type=Path, help="what `rewardwrap compare --out` named")


def run(args: argparse.Namespace) -> int:
    """Read comparison.json, write everything that is made from it, print the verdict."""
    from rewardwrap.commands.arguments import wide_console
    from rewardwrap.compare import results
    from rewardwrap.compare.summary import print_summary

    comparison = results.read(args.folder)
    report = comparison.write(args.folder)
    out = wide_console()
    print_summary(out, comparison)
    out.print(f"Report: {report}", soft_wrap=True)
    return 0
