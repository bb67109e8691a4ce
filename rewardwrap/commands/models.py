"""``rewardwrap models``: which reward models there are, and which one is in use."""

from __future__ import annotations

import argparse
from pathlib import Path

from rewardwrap.commands.arguments import add_json

DESCRIPTION = """\
List the reward models of a registry, enter one, put one into use or take it out. A model is verified by its
SHA-256 before it is entered and before it is put into use."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--registry", type=Path, default=Path("models"), metavar="DIR",
                        help="folder of models.json (models)")  # fmt: skip
    add_json(parser)
    what = parser.add_subparsers(dest="what", metavar="WHAT")
    what.add_parser("list", help="list them (the default)")
    added = what.add_parser("add", help="enter a model as candidate")
    added.add_argument("model", type=Path, metavar="MODEL")
    _own_registry(added)
    added.add_argument("--name", help="default: the folder's name")
    for name, summary in (("promote", "put a model into use"), ("retire", "take it out of use")):
        own = what.add_parser(name, help=summary)
        _own_registry(own)
        if name == "promote":
            own.add_argument(
                "--force",
                action="store_true",
                help="although it failed its gate or was never judged; the list says so",
            )
        own.add_argument(
            "which",
            metavar="VERSION",
            help="beginning of its version, or its name where there is one",
        )


def _own_registry(parser: argparse.ArgumentParser) -> None:
    """The flag again, so that it may stand behind the word too."""
    parser.add_argument(
        "--registry", type=Path, default=argparse.SUPPRESS, metavar="DIR", help=argparse.SUPPRESS
    )


def run(args: argparse.Namespace) -> int:
    """Do it and show the list."""
    from rewardwrap.nets.registry import Registry

    registry = Registry(args.registry)
    if args.what == "add":
        registry.add(args.model, name=args.name)
    elif args.what == "promote":
        registry.promote(args.which, force=args.force)
    elif args.what == "retire":
        registry.retire(args.which)
    entries = registry.entries()
    if args.json:
        args.answer = entries
        return 0
    if not entries:
        print(f"No models in {args.registry}. Enter one: rewardwrap models add MODEL.")
        return 0
    from rich.table import Table

    from rewardwrap.commands.arguments import wide_console

    table = Table()
    for heading in ("version", "name", "stage", "objective", "held out", "data", "folder"):
        table.add_column(heading, overflow="fold")
    colour = {"prod": "green", "retired": "dim", "candidate": "yellow"}
    for entry in entries:
        shown = ", ".join(
            f"{k} {v:.3g}" for k, v in entry.heldout.items() if v is not None and k != "pairs"
        )
        table.add_row(
            entry.version,
            entry.name,
            f"[{colour[entry.stage]}]{entry.stage}[/]{' by force' if entry.forced else ''}",
            entry.objective,
            shown,
            entry.data[:12],
            entry.path,
        )
    wide_console().print(table)
    return 0
