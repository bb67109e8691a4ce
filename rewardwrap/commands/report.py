"""``rewardwrap report``: the report of a comparison again, without training."""

from __future__ import annotations

import argparse
from pathlib import Path

from rewardwrap.commands.arguments import add_json, wide_console

SUITE = "suite.json"
DESCRIPTION = "Write report.html, the figures and runs.csv of a finished comparison anew."


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", type=Path, help="what `rewardwrap compare --out` named")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Read comparison.json or suite.json, write everything that is made from it, print the verdict."""
    from rewardwrap.compare import document, report
    from rewardwrap.compare.carry_out import document_in
    from rewardwrap.compare.summary import print_summary

    out = wide_console()
    if (args.folder / SUITE).is_file():
        from rewardwrap.compare import suite_report
        from rewardwrap.compare.suite_summary import print_suite

        suite = suite_report.read(args.folder)
        print_suite(out, suite)
        page = suite_report.write(suite, args.folder)
    else:
        comparison = document.read(args.folder)
        print_summary(out, comparison)
        page = report.write(comparison, args.folder)
    args.answer = document_in(args.folder, page)
    out.print(f"Report: {page}", soft_wrap=True)
    return 0
