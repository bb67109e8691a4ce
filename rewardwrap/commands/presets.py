"""``rewardwrap presets``: the hyperparameters of the package, and where they were taken from."""

from __future__ import annotations

import argparse
from pathlib import Path

from rewardwrap.commands.arguments import add_json, wide_console

DESCRIPTION = """\
List the rows of hyperparameters by algorithm and environment, each with its file and line, above which its
source stands; or with ALGO and ENV the numbers that a training there takes."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("algo", nargs="?", metavar="ALGO", help="of one algorithm")
    parser.add_argument("preset", nargs="?", metavar="ENV", help="what is taken on this one")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the list, or one row."""
    return _one(args) if args.preset is not None else _all(args)


def _all(args: argparse.Namespace) -> int:
    from rich.table import Table
    from rich.text import Text

    import rewardwrap_policies

    algos = [args.algo] if args.algo else rewardwrap_policies.ALGORITHMS
    found = [
        {
            "algo": algo,
            "env": env,
            "source": Path(place).name.partition(":")[0],
            "taken_from": taken_from(place),
        }
        for algo in algos
        for env, place in rewardwrap_policies.rows(algo).items()
    ]
    args.answer = found
    table = Table(title="presets", caption="rewardwrap presets ALGO ENV: the numbers")
    shown = ("algo", "env", "taken_from")
    for heading in ("algo", "env", "taken from"):
        table.add_column(heading, overflow="fold")
    for row in found:
        table.add_row(*(Text(row[name]) for name in shown))
    wide_console().print(table)
    return 0


def taken_from(place: str) -> str:
    """The remark that stands above a row, ``file.yml:24``: where its numbers come from."""
    path, _, line = place.rpartition(":")
    said: list[str] = []
    for text in reversed(Path(path).read_text(encoding="utf-8").splitlines()[: int(line) - 1]):
        if text.startswith("#"):
            said.insert(0, text.lstrip("# "))
        elif said or text.strip() == "":
            break
    return " ".join(said) or "as the row above"


def _one(args: argparse.Namespace) -> int:
    import rewardwrap_envs
    import rewardwrap_policies

    recipe = rewardwrap_envs.find(args.preset)
    known = args.preset if recipe is None else recipe.id
    chosen = rewardwrap_policies.hyperparameters(args.algo, args.preset, env_id=known)
    args.answer = {"algo": chosen.algo, "env": args.preset, "hyperparameters": dict(chosen.row)}
    console = wide_console()
    for name, value in chosen.row.items():
        console.print(f"{name}: {value}", markup=False, highlight=False, soft_wrap=True)
    return 0
