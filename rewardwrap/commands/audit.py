"""``rewardwrap audit``: what a reward paid for, as one page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rewardwrap.commands.arguments import (
    add_env,
    add_env_kwargs,
    add_json,
    add_seed,
    key_values,
    whole_number,
)
from rewardwrap.core.errors import ConfigError

if TYPE_CHECKING:
    from rewardwrap.evaluate.audit.runs import Source

DESCRIPTION = """\
Look for signs that a reward is paid for something else than the task, and write one HTML page:
findings with their evidence, what every term paid over the training, how the pay is spread, and
the reward as a landscape. Give the folder of a run, or an environment and a reward file: it is then
paid to random and scripted behaviour."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_env(parser, what="of a reward: where it is paid")
    add_env_kwargs(parser)
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
    from rewardwrap.evaluate.audit import page
    from rewardwrap.evaluate.audit.runs import observations

    source = _source(args)
    default = Path(args.what) / "audit.html" if Path(args.what).is_dir() else Path("audit.html")
    out = wide_console()
    record = source.record
    out.print(page.headline(record), markup=False, highlight=False, style="bold")
    for sentence in observations(record):
        out.print(f"  {sentence}", markup=False, highlight=False, style="dim")
    for found in record.findings:
        out.print(f"\n{found.what}", markup=False, highlight=False)
        for sentence in (*found.evidence, f"{found.where[:1].upper()}{found.where[1:]}."):
            out.print(f"  {sentence}", markup=False, highlight=False)
        out.print(f"  Look next: {found.look}", markup=False, highlight=False)
    path = page.write(source, args.out or default, fields=args.fields)
    args.answer = {
        "page": path,
        "headline": page.headline(record),
        "episodes": record.episodes,
        "findings": [
            {
                "signal": found.signal, "what": found.what, "evidence": found.evidence,
                "where": found.where, "look": found.look, "bug": found.bug,
            }
            for found in record.findings
        ],
        "notes": record.notes,
    }  # fmt: skip
    out.print(f"\nPage: {path}", markup=False, highlight=False, soft_wrap=True)
    return 0


def _source(args: argparse.Namespace) -> Source:
    from rewardwrap.evaluate.audit.runs import Source, read_run

    if Path(args.what).is_dir() and not (Path(args.what) / "reward.json").is_file():
        return read_run(Path(args.what))
    if args.env is None:
        raise ConfigError(
            f"audit must know the environment to pay {args.what} in, got none. Write: rewardwrap audit "
            f"ENV {args.what}; `rewardwrap envs` lists those with a recipe. For a run, give its folder."
        )
    from rewardwrap.evaluate.audit.play import audit_reward
    from rewardwrap.training.agent import require_env
    from rewardwrap.training.choice import chosen_reward

    catalog = tuple(str(Path(folder).absolute()) for folder in args.catalog)
    require_env(args.env, catalog)
    kwargs = key_values(args.env_kwargs, "--env-kwargs")
    reward = chosen_reward(args.what, args.env, catalog=catalog)
    record = audit_reward(
        args.env, reward, episodes=args.episodes, seed=args.seed, gamma=args.gamma,
        catalog=catalog, env_kwargs=kwargs,
    )  # fmt: skip
    return Source(record, args.env, reward, catalog, kwargs)
