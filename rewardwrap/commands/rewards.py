"""``rewardwrap rewards``: the rewards that a configuration can name."""

from __future__ import annotations

import argparse
import dataclasses
import inspect

from rewardwrap.commands.arguments import add_json, wide_console

DESCRIPTION = (
    "List the registered rewards: tag, fields with their defaults, and what each computes; or one of them "
    "with its formula, source, example and evidence."
)


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "tag", nargs="?", metavar="NAME", help="show one: formula, example, evidence"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the list, or one reward as `rewardwrap methods` shows it."""
    if args.tag is not None:
        from rewardwrap.commands import methods
        from rewardwrap.core.registry import reward_type

        reward_type(args.tag)
        return methods.run(args)
    from rich.table import Table
    from rich.text import Text

    import rewardwrap
    from rewardwrap.core.registry import registered

    table = Table(title=f"rewards of rewardwrap {rewardwrap.__version__}")
    for heading in ("tag", "fields", "computes"):
        table.add_column(heading, overflow="fold")
    for tag, cls in registered().items():
        first = (inspect.getdoc(cls) or "").partition("\n\n")[0].replace("\n", " ")
        table.add_row(Text(tag), Text(_fields(cls)), Text(first))
    args.answer = [
        {
            "tag": tag,
            "fields": _fields(cls),
            "computes": (inspect.getdoc(cls) or "").split("\n\n")[0],
        }
        for tag, cls in registered().items()
    ]
    wide_console().print(table)
    return 0


def _fields(cls: type) -> str:
    shown = []
    for field in dataclasses.fields(cls):
        has_default = field.default is not dataclasses.MISSING
        shown.append(f"{field.name}={field.default!r}" if has_default else field.name)
    return ", ".join(shown)
