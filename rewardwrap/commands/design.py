"""``rewardwrap design``: a reward that pays in a few states and keeps the task, with its certificate."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rewardwrap.commands.arguments import add_json, whole_number, wide_console
from rewardwrap.commands.asked import add_task, asked

if TYPE_CHECKING:
    from rich.console import Console

    from rewardwrap.design.exprd import Design
    from rewardwrap.rewards.table import Table

DESCRIPTION = """\
Design a reward for an environment that writes its dynamics out (FrozenLake, Taxi, CliffWalking): it pays
in a few states alone, keeps every best policy, and shows a learner early which action is best. The
certificate is the exact regret of its best policies. Train on it with
`rewardwrap train ENV --reward designed.yml`. With --adaptive the training designs it anew for its learner."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_task(parser)
    parser.add_argument("--states", type=whole_number, default=5, help="that may pay (default: 5)")
    parser.add_argument("--gamma", type=float, default=0.95, help="discount of the agent")
    parser.add_argument(
        "--reward-limit",
        type=float,
        default=10.0,
        metavar="X",
        help="largest number paid, in units of the task's own largest (default: 10)",
    )
    parser.add_argument(
        "--adaptive",
        type=whole_number,
        metavar="STEPS",
        help="write a reward that `rewardwrap train` designs anew for the learner every so many steps",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="the reward, as YAML")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Design, print the certificate, write the file."""
    import yaml

    from rewardwrap.design.exprd import design
    from rewardwrap.design.redesigned import Redesigned
    from rewardwrap.files import write_whole

    about = asked(args)
    found = design(
        about.env,
        states=args.states,
        gamma=args.gamma,
        limit=args.reward_limit,
        env_kwargs=about.kwargs,
        catalog=about.catalog,
    )
    reward: Table = found.reward
    if args.adaptive is not None:
        reward = Redesigned(
            found.reward.values, env=args.env, states=args.states, gamma=args.gamma,
            every=args.adaptive, env_kwargs=about.kwargs or None,
        )  # fmt: skip
    certificate = (
        f"policy regret {found.regret.value:g} on {args.env} at gamma {args.gamma:g}: each best policy of "
        "this reward is best for the task."
    )
    if args.out is not None:
        text = yaml.safe_dump(reward.to_config(), sort_keys=False, default_flow_style=None)
        write_whole(args.out, f"# {certificate}\n{text}")
    args.answer = {
        "reward": reward.to_config(),
        "states": found.states,
        "losses": found.losses,
        "regret": found.regret.value,
        "out": args.out,
    }
    _print(wide_console(), found, args, certificate)
    return 0


def _print(out: Console, found: Design, args: argparse.Namespace, certificate: str) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"a reward for {args.env}, gamma {args.gamma:g}")
    for heading in ("state", "pays, by action", "loss with it"):
        table.add_column(heading, overflow="fold")
    for state, loss in zip(found.states, found.losses, strict=True):
        row = ", ".join(f"{value:.4g}" for value in found.reward.values.get(state, ()))
        table.add_row(Text(found.regret.name_of(state)), row or "0", f"{loss:.4g}")
    out.print(table)
    out.print(f"Certificate: {certificate}", highlight=False)
    if args.out is not None:
        out.print(f"Train on it: rewardwrap train {args.env} --reward {args.out}", highlight=False)
