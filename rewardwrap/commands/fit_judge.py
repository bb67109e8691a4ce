"""``rewardwrap fit judge``: a judge of one's own, from what judges said and why."""

from __future__ import annotations

import argparse
from pathlib import Path

from rewardwrap.commands.arguments import whole_number


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments, beside where the data lie."""
    parser.add_argument(
        "answers", nargs="+", type=Path, metavar="ANSWERS",
        help="of rewardwrap judge DIR --principle TEXT (.jsonl); their traces lie beside them",
    )  # fmt: skip
    parser.add_argument(
        "--verified", nargs="+", default=[], metavar="RIGHT",
        help="second stage: answers that are right (.jsonl with a column principle), or reward: the logged "
        "reward decides the pairs of ANSWERS",
    )  # fmt: skip
    parser.add_argument("--epochs", type=whole_number, default=150, help="of the traces (150)")
    parser.add_argument("--rounds", type=whole_number, default=150, help="of the verdicts (150)")


def run(args: argparse.Namespace) -> int:
    """Train, save, print what is right on questions that no stage saw."""
    from rich.table import Table

    from rewardwrap.api.train_judge import train_judge
    from rewardwrap.commands.arguments import wide_console

    fitted = train_judge(
        args.data, args.answers, verified=args.verified, out=args.out, epochs=args.epochs,
        rounds=args.rounds, seed=args.seed,
    )  # fmt: skip
    found, out = fitted.metrics, wide_console()
    args.answer = {"model": args.out, "objective": "judge", "metrics": found}
    if not found["questions"]:
        out.print(
            f"{args.out}: {found['checks']} checks distilled. Nothing was verified (--verified)."
        )
        return 0
    table = Table(title=f"{args.out}: right verdicts, {found['split']['test']} questions held out",
                  title_justify="left")  # fmt: skip
    for heading in ("", "likeliest", "1 vote", "3 votes", "9 votes"):
        table.add_column(heading, justify="right" if heading else "left")
    for stage in ("distilled", "reinforced"):
        table.add_row(stage, *(f"{value:.3f}" for value in found[stage].values()))
    out.print(table)
    out.print(
        f"{found['checks']} checks of traces, {found['split']['train']} verified verdicts to train on and "
        f"{found['split']['gate']} to choose by: {found['kept']} kept.",
        highlight=False,
    )
    return 0
