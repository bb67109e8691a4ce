"""What ``rewardwrap compare`` does beside its own trainings: tuning, other machines, trackers, films."""

from __future__ import annotations

import argparse

from rewardwrap.commands.arguments import add_backend, add_stopping, whole_number


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
        "--families", action="store_true",
        help="make one reward of each family for the environment (potential, preferences, demonstrations, "
        "intrinsic, written, designed) and compare them, with what each cost",
    )  # fmt: skip
    parser.add_argument(
        "--tune", type=whole_number, metavar="N",
        help="first give every strategy N trials on its own weights, with other seeds",
    )  # fmt: skip
    add_stopping(parser)
    add_backend(parser)
    parser.add_argument("--device", help="as in torch (default: auto, the processor for MLPs)")
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
    from rewardwrap.compare import executors, tracking
    from rewardwrap.core.errors import extra
    from rewardwrap.training import films

    executors.require(args.executor, args.address)
    for tracker in args.track:
        tracking.require(tracker)
    if args.tune:
        extra("optuna", needs="--tune", install="tune")
    if args.videos:
        films.require("--videos")
