"""``rewardwrap audit``: what a reward paid for, as one page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rewardwrap.commands.arguments import add_json, add_seed, whole_number
from rewardwrap.commands.asked import add_task, asked
from rewardwrap.core.errors import ConfigError

if TYPE_CHECKING:
    from rewardwrap.api.audit import Audited

DESCRIPTION = """\
Look for signs that a reward is paid for something else than the task, and write one HTML page:
findings with their evidence, what every term paid over the training, how the pay is spread, and
the reward as a landscape. Give the folder of a run, or an environment and a reward file: it is then
paid to random and scripted behaviour."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_task(parser, what="of a reward: where it is paid")
    add_json(parser)
    parser.add_argument(
        "what",
        metavar="RUN|REWARD",
        help="folder of a run; or a reward as `train --reward` takes it",
    )
    parser.add_argument("--out", type=Path, help="default: RUN/audit.html or ./audit.html")
    parser.add_argument(
        "--fields",
        nargs=2,
        default=(),
        metavar=("X", "Y"),
        help="observation fields of the surfaces",
    )
    parser.add_argument(
        "--episodes", type=whole_number, default=30, help="for a reward: of each behaviour"
    )
    add_seed(parser, help="for a reward (default: 0)")
    parser.add_argument("--gamma", type=float, help="for a reward; default: the recipe's")


def run(args: argparse.Namespace) -> int:
    """Read or play, print what stands out, write the page."""
    from rewardwrap.commands.arguments import wide_console
    from rewardwrap.evaluate.audit.runs import observations

    out = wide_console()
    found = _audited(args)
    out.print(found.headline, markup=False, highlight=False, style="bold")
    for sentence in observations(found.record):
        out.print(f"  {sentence}", markup=False, highlight=False, style="dim")
    for each in found.findings:
        out.print(f"\n{each.what}", markup=False, highlight=False)
        for sentence in (*each.evidence, f"{each.where[:1].upper()}{each.where[1:]}."):
            out.print(f"  {sentence}", markup=False, highlight=False)
        out.print(f"  Look next: {each.look}", markup=False, highlight=False)
    args.answer = found.to_dict()
    out.print(f"\nPage: {found.page}", markup=False, highlight=False, soft_wrap=True)
    return 0


def _audited(args: argparse.Namespace) -> Audited:
    from rewardwrap.api.audit import audit

    if Path(args.what).is_dir() and not (Path(args.what) / "reward.json").is_file():
        return audit(args.what, fields=args.fields, out=args.out)
    if args.env is None:
        raise ConfigError(
            f"audit must know the environment to pay {args.what} in, got none. Write: rewardwrap audit "
            f"ENV {args.what}; `rewardwrap envs` lists those with a recipe. For a run, give its folder."
        )
    about = asked(args)
    return audit(
        about.env, args.what, episodes=args.episodes, seed=args.seed, gamma=args.gamma,
        fields=args.fields, env_kwargs=about.kwargs, catalog=about.catalog, out=args.out,
    )  # fmt: skip
