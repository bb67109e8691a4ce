"""``rewardwrap envs``: the environments with a recipe, and what their observations mean."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rewardwrap.commands.arguments import add_env, add_json, wide_console

if TYPE_CHECKING:
    from rewardwrap_envs import Recipe

DESCRIPTION = "List the environments that have a recipe, or the named fields of one of them."


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_env(parser, what="show one in detail")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the list, or the details of one."""
    import rewardwrap_envs

    if args.env is None:
        known = rewardwrap_envs.recipes(*args.catalog).values()
        args.answer = [_facts(recipe) for recipe in known]
        _print_all(known)
    else:
        recipe = rewardwrap_envs.recipe(args.env, args.catalog)
        args.answer = {**_facts(recipe), "fields": recipe.fields}
        _print_one(recipe)
    return 0


def _facts(recipe: Recipe) -> dict[str, object]:
    return {
        "name": recipe.name,
        "summary": recipe.summary,
        "id": recipe.id,
        "arguments": dict(recipe.make),
        "suite": recipe.suite,
        "gamma": recipe.gamma,
        "threshold": recipe.threshold,
        "returns": recipe.returns,
        "potential": recipe.potential,
        "fields": list(recipe.fields),
    }


def _print_all(known: Iterable[Recipe]) -> None:
    from rich.table import Table

    table = Table(title="environments", caption="rewardwrap envs ENV: units and meaning")
    for heading in ("name", "suite", "threshold", "potential", "fields"):
        table.add_column(heading, overflow="fold")
    for recipe in known:
        table.add_row(
            recipe.name,
            recipe.suite,
            "" if recipe.threshold is None else f"{recipe.threshold:g}",
            "yes" if recipe.potential else "",
            _few(list(recipe.fields)),
        )
    wide_console().print(table)


def _few(names: list[str], most: int = 6) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} ... {len(names)} in all" if len(names) > most else shown


def _print_one(recipe: Recipe) -> None:
    from rich.table import Table
    from rich.text import Text

    facts = {
        "gymnasium id": recipe.id,
        "arguments": dict(recipe.make) or "none",
        "gamma": recipe.gamma,
        "threshold": recipe.threshold,
        "returns": f"random {recipe.returns.random}, reference {recipe.returns.reference}",
        "potential": recipe.potential,
    }
    console = wide_console()
    console.print(Text(f"{recipe.name}: {recipe.summary}", "bold"))
    for key, value in facts.items():
        console.print(Text(f"  {key}: {'none' if value is None else value}"))
    table = Table()
    for heading in ("field", "unit", "range", "where", "meaning"):
        table.add_column(heading, overflow="fold")
    for field in recipe.fields.values():
        low, high = ("" if b is None else f"{b:g}" for b in (field.low, field.high))
        place = "" if field.index is None else f"[{field.index}]"
        plain = "digit" if recipe.radix else "obs"
        home = f"info.{field.info}" if field.info else f"obs.{field.key}" if field.key else plain
        span = f"{low}..{high}" if low or high else ""
        cells = (field.name, field.unit, span, home + place, field.description)
        table.add_row(*map(Text, cells))
    console.print(table)
