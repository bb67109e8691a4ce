"""What ``rewardwrap compare`` does beside its own trainings: tuning, other machines, trackers, films."""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.commands.arguments import whole_number

if TYPE_CHECKING:
    from rich.console import Console

    from rewardwrap.compare.plan import Plan
    from rewardwrap.compare.results import Comparison, Failure
    from rewardwrap.compare.spec import Spec
    from rewardwrap.compare.store import Store

Tunings = dict[str, dict[str, Any]]


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--executor", default="local", metavar="NAME",
        help="where runs are computed: local (default), ray or slurm",
    )  # fmt: skip
    parser.add_argument(
        "--address",
        help="ray: host:port of a cluster (default: this machine); slurm: a partition, or local",
    )
    parser.add_argument(
        "--track", action="append", default=[], metavar="TRACKER",
        help="write finished runs to mlflow or wandb too; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--tune", type=whole_number, metavar="N",
        help="first give every strategy N trials on its own weights, with other seeds",
    )  # fmt: skip
    parser.add_argument(
        "--videos", action="store_true", help="film the best policy of each strategy"
    )


def require(args: argparse.Namespace) -> None:
    """Refuse what cannot work before anything is trained.

    Raises:
        UnknownName: An executor or tracker that there is none of.
        ConfigError: An address without an executor that takes one.
        MissingExtra: A package is not installed.
    """
    from rewardwrap.compare import executors, tracking, videos
    from rewardwrap.core.errors import extra

    executors.require(args.executor, args.address)
    for tracker in args.track:
        tracking.require(tracker)
    if args.tune:
        extra("optuna", needs="--tune", install="tune")
    if args.videos:
        videos.require()


def train(
    args: argparse.Namespace, console: Console, specs: list[Spec], store: Store
) -> list[Failure]:
    """Train what is missing of these runs, with progress; returns those that failed."""
    from rewardwrap.compare import campaign
    from rewardwrap.compare.board import Board
    from rewardwrap.compare.executors import executor_named
    from rewardwrap.compare.spec import run_id

    left = campaign.missing(specs, store)
    if not left:
        return []
    with Board(console, specs, len(specs) - len(left)) as board:
        executor = executor_named(
            args.executor, store, jobs=args.jobs, address=args.address, on_step=board.step
        )
        return campaign.conduct(
            specs,
            store,
            executor,
            on_end=lambda outcome: board.end(
                outcome, None if outcome.error else store.summary(run_id(outcome.spec))
            ),
        )


def tuned(
    args: argparse.Namespace, console: Console, plans: tuple[Plan, ...], store: Store
) -> tuple[tuple[Plan, ...], Tunings]:
    """The plans with the numbers that tuning chose, and what it did for each environment."""
    if not args.tune:
        return plans, {}
    from rewardwrap.compare import tuning

    found, told = [], {}
    for plan in plans:
        console.print(
            f"Tuning on {plan.env}: {args.tune} trials of each strategy, seeds "
            f"{', '.join(map(str, tuning.tuning_seeds(plan.seeds)))}.",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip
        better, document = tuning.tune(
            plan, args.tune, store, lambda specs: train(args, console, specs, store)
        )
        found.append(better)
        told[plan.env] = document
        for line in tuning.lines(document):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    return tuple(found), told


def with_tuning(comparison: Comparison, tunings: Tunings) -> Comparison:
    """The comparison that says how its strategies were tuned."""
    if comparison.env not in tunings:
        return comparison
    document = tunings[comparison.env]
    remarks = (*comparison.remarks, document["sentence"])
    return replace(comparison, tuning=document, remarks=remarks)


def finish(
    args: argparse.Namespace, console: Console, plans: tuple[Plan, ...], store: Store, out: Path
) -> None:
    """Write to trackers and film; before the report, which shows the films."""
    from rewardwrap.compare import tracking, videos
    from rewardwrap.compare.spec import run_id
    from rewardwrap.compare.suite import folder_of

    every = [spec for plan in plans for spec in plan.specs()]
    digest = hashlib.sha256("\n".join(sorted(map(run_id, every))).encode()).hexdigest()[:8]
    group = f"{out.resolve().name}-{digest}"
    for tracker in args.track:
        written = tracking.track(tracker, every, store, group=group)
        console.print(f"{tracker}: {written} runs written to {group}.", markup=False)
    if not args.videos:
        return
    for plan in plans:
        folder = out if len(plans) == 1 else out / "envs" / folder_of(plan.env)
        for video in videos.film(plan.specs(), store, folder):
            if "problem" in video:
                line = f"No video of {video['strategy']}: {video['problem']}"
                console.print(line, markup=False, highlight=False, soft_wrap=True)
