"""``rewardwrap compare``: which reward makes agents do the task."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path

from rewardwrap.commands import compare_options, compare_request
from rewardwrap.commands.arguments import (
    add_catalog,
    add_env_kwargs,
    add_json,
    add_limit,
    add_score,
    seeds,
    whole_number,
    wide_console,
)

DESCRIPTION = """\
Train the same algorithm on several rewards, with several seeds each, and report which one does the
task by the environment's own (true) return. A finished run is never trained twice: give the same
command again to continue. Without arguments: four rewards on FrozenLake-8x8, one of which cheats.
What decides is declared before the first run: on tasks that are done or not done, how many seeds do the
task and how soon (--primary done); where returns are graded, the area under the curve (--primary area)."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "what", nargs="?", metavar="ENV|PLAN.yml", help="environment, or a plan file"
    )
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="ENV",
        help="instead of ENV; repeat for several",
    )
    parser.add_argument("--suite", help="the environments of a suite: mujoco, atari or classic")
    parser.add_argument("--algo", help="algorithm (default: ppo)")
    parser.add_argument(
        "--reward",
        action="append",
        default=[],
        metavar="[NAME=]REWARD",
        help="env, potential, normalised (the control), a reward file, or NAME={one line of YAML}; "
        "once for each strategy",
    )
    add_score(
        parser, action="append", what="one more strategy each, paid by a score of whole episodes"
    )
    parser.add_argument("--seeds", type=seeds, help="how many (10), or a list: 0,3,7")
    parser.add_argument("-n", "--n-timesteps", type=whole_number, help="steps of each training")
    parser.add_argument(
        "--jobs", type=whole_number, default=None, help="processes (default: cores)"
    )
    parser.add_argument("--out", type=Path, help="folder (default: comparisons/<env>-<algo>)")
    parser.add_argument("--eval-freq", type=whole_number, help="steps between evaluations")
    parser.add_argument("--eval-episodes", type=whole_number, help="episodes at each evaluation")
    parser.add_argument("--threshold", type=float, help="true return that counts as doing the task")
    parser.add_argument(
        "--primary", choices=("done", "area"), help="what decides (default: by the task); see above"
    )
    add_limit(parser)
    add_env_kwargs(parser)
    parser.add_argument("-params", "--hyperparams", nargs="+", default=[], metavar="K:V")
    parser.add_argument("-conf", "--conf-file", help="hyperparameters in RL Zoo's format")
    add_catalog(parser)
    add_json(parser)
    compare_options.add(parser)


def run(args: argparse.Namespace) -> int:
    """Train what is missing, then report."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    from rewardwrap.compare.carry_out import carry_out, document_in

    compare_options.require(args)
    request, console = compare_request.parsed(args), wide_console()
    if args.families:
        from rewardwrap.commands.families import with_families

        return with_families(args, request, console)
    made = carry_out(request, console)
    args.answer = document_in(request.out, made.report)
    return 1 if made.failures else 0
