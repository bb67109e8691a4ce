"""``rewardwrap report``: the report of a comparison again, as Markdown, or beside another."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rewardwrap.commands.arguments import add_json, wide_console
from rewardwrap.core.errors import ConfigError

if TYPE_CHECKING:
    from rewardwrap.compare.results import Comparison

SUITE, AGAINST = "suite.json", "against.html"
DESCRIPTION = (
    "Write report.html, the figures and runs.csv of a finished comparison anew. --markdown prints it for a "
    "pull request instead; --against holds it beside another comparison of the same environment."
)


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", type=Path, help="what `rewardwrap compare --out` named")
    parser.add_argument(
        "--markdown", action="store_true", help="print it as Markdown, and write nothing"
    )
    parser.add_argument(
        "--against", type=Path, metavar="FOLDER",
        help="an earlier comparison: what changed, and what that did to each strategy",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help=f"of --against (default: FOLDER/{AGAINST})"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Read comparison.json or suite.json, write everything that is made from it, print the verdict."""
    if args.markdown and args.against is not None:
        raise ConfigError("report must do one thing, got --markdown and --against. Leave one out.")
    if args.against is not None:
        return _against(args)
    if args.markdown:
        return _markdown(args)
    from rewardwrap.compare import report
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
        comparison = _read(args.folder)
        print_summary(out, comparison)
        page = report.write(comparison, args.folder)
    args.answer = document_in(args.folder, page)
    out.print(f"Report: {page}", soft_wrap=True)
    return 0


def _markdown(args: argparse.Namespace) -> int:
    from rewardwrap.compare import markdown, suite_report

    if (args.folder / SUITE).is_file():
        text = markdown.of_suite(suite_report.read(args.folder))
    else:
        text = markdown.of_comparison(_read(args.folder))
    args.answer = {"markdown": text}
    print(text, end="")
    return 0


def _against(args: argparse.Namespace) -> int:
    from rewardwrap.compare import against
    from rewardwrap.pages.frames import text_table

    new, old = _read(args.folder), _read(args.against)
    page = against.write(new, old, args.out or args.folder / AGAINST)
    found = against.told(new, old)
    rows = [
        (s["name"], *(row[key] for key in ("measure", "before", "now", "difference", "interval")))
        for s in found["strategies"]
        for row in s["rows"]
    ]
    args.answer = {
        "page": page, "changes": [name for name, *_ in found["changes"]],
        "strategies": {s["name"]: s["rows"] for s in found["strategies"]},
    }  # fmt: skip
    out = wide_console()
    headings = ("strategy", "measure", "before", "now", "difference", "95 %")
    lines = [
        text_table(headings, rows, most=100),
        f"Changed: {len(found['changes'])} settings.",
        f"Page: {page}",
    ]
    for line in lines:
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    return 0


def _read(folder: Path) -> Comparison:
    from rewardwrap.compare import document

    return document.read(folder)
