"""``rewardwrap regret``: does the best policy of a reward still do the task? A gate for a CI."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from rewardwrap.commands.arguments import add_json, wide_console
from rewardwrap.commands.asked import add_task, asked

if TYPE_CHECKING:
    from rich.console import Console

    from rewardwrap.evaluate.regret.cycle import Step
    from rewardwrap.evaluate.regret.policies import Regret

DESCRIPTION = """\
Find the best policy under a reward by dynamic programming and what it is worth on the task itself.
For environments that write their dynamics out: FrozenLake, Taxi, CliffWalking.
Exit code 0: the reward keeps the task. 1: its best policy does something else. 2: bad input."""
CHEATS = 1


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_task(parser)
    parser.add_argument("reward", metavar="REWARD", help="a reward file")
    parser.add_argument("--gamma", type=float, default=0.99, help="discount of the agent")
    parser.add_argument(
        "--tolerance", type=float, default=1e-6, help="normalised regret that is let pass"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the regret and, for a cheat, the cycle it is earned on."""
    from rewardwrap.api.regret import regret
    from rewardwrap.core.errors import ConfigError

    if not 0.0 <= args.tolerance <= 1.0:
        raise ConfigError(
            f"--tolerance must lie in [0, 1], got {args.tolerance:g}. It is a share of what there is "
            "to lose."
        )
    about = asked(args)
    found = regret(
        about.env, args.reward, gamma=args.gamma, env_kwargs=about.kwargs, catalog=about.catalog
    )
    cheats = found.value > args.tolerance
    if args.json:
        args.answer = _document(found, cheats)
    else:
        _print(wide_console(), found, args, cheats)
    return CHEATS if cheats else 0


def _document(found: Regret, cheats: bool) -> dict[str, object]:
    names = ("value", "kindest", "best", "achieved", "worst", "gamma", "nodes", "changed", "ends")
    return {
        **{name: getattr(found, name) for name in names},
        "cheats": cheats,
        "cycle": [asdict(step) for step in found.cycle],
        "route": [asdict(step) for step in found.route],
    }


def _print(out: Console, found: Regret, args: argparse.Namespace, cheats: bool) -> None:
    from rich.table import Table

    table = Table(title=f"{args.reward} on {args.env}, gamma {found.gamma:g}")
    table.add_column("policy")
    table.add_column("true discounted return", justify="right")
    table.add_row("best for the task", f"{found.best:.6g}")
    table.add_row("best for this reward", f"{found.achieved:.6g}", style="bold")
    table.add_row("worst possible", f"{found.worst:.6g}")
    out.print(table)
    out.print(f"Normalised regret: {found.value:.4g} (0 none, 1 all there is to lose)")
    if not found.changed:
        out.print(
            "[green]The reward keeps the task[/]: each of its best policies is best there too."
        )
        return
    verdict = "[red]The reward prefers something else[/]" if cheats else "Within the tolerance"
    out.print(f"{verdict}: its best policy is not best for the task.")
    if found.kindest < found.value / 2:
        out.print(
            f"Some of its best policies lose only {found.kindest:.4g}: it cannot tell them apart."
        )
    if found.cycle:
        _steps(out, found, "Shortest cycle that pays more than the task does", found.cycle)
    elif found.ends:
        _steps(out, found, "How its likeliest episode ends", found.route[-3:])
    else:
        _steps(out, found, "Where its likeliest episode stays and never ends", found.route[-3:])


def _steps(out: Console, found: Regret, title: str, steps: tuple[Step, ...]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title)
    for heading in ("state", "action", "next state"):
        table.add_column(heading, overflow="fold")
    for heading in ("reward", "true"):
        table.add_column(heading, justify="right")
    for step in steps:
        table.add_row(
            Text(found.name_of(step.state)), str(step.action), Text(found.name_of(step.next_state)),
            f"{step.paid:.4g}", f"{step.true:.4g}",
        )  # fmt: skip
    out.print(table)
