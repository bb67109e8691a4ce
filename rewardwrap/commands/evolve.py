"""``rewardwrap evolve``: a list of moves that is good at one start, by a genetic algorithm."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rewardwrap.commands.arguments import add_json, add_seed, key_values, whole_number, wide_console
from rewardwrap.commands.asked import add_task, asked
from rewardwrap.commands.evolve_files import Limits, kept, played, require_numbers, write

if TYPE_CHECKING:
    from rewardwrap_policies.evolution import Moves

DESCRIPTION = """\
Evolve lists of moves for a deterministic environment with Discrete actions, which is always reset with seed
0. A list is played blindly: it knows this one start. For a policy that sees: `rewardwrap train --algo ne`.
Lists that keep the limits (--at-least, --at-most) stand above all that do not; exit code 1 where none does.
DIR gets evolved.json, history.csv (steps, best return), run.csv (the best list, move by move, with the
numbers of info) and a figure of each. The same command again goes on, as if it had not stopped."""
SECONDS = 5.0
"""Between two savings."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_task(parser)
    parser.add_argument(
        "-n",
        "--n-timesteps",
        type=whole_number,
        default=100_000,
        help="more of them (default: 1e5)",
    )
    parser.add_argument("--population", type=whole_number, default=20, help="lists (default: 20)")
    parser.add_argument(
        "--length", type=whole_number, default=300, help="moves of a list (default: 300)"
    )
    for flag, what in (("--at-least", "lower"), ("--at-most", "upper")):
        parser.add_argument(
            flag, nargs="+", default=[], metavar="K:V", help=f"{what} limits on the last info of a run"
        )  # fmt: skip
    parser.add_argument("--field", metavar="K", help="of info, to draw instead of the return")
    parser.add_argument("--jobs", type=whole_number, default=1, help="workers (default: 1)")
    parser.add_argument(
        "--executor", choices=("local", "ray"), default="local",
        help="what the workers are: processes, or tasks of a Ray cluster (default: local)",
    )  # fmt: skip
    parser.add_argument(
        "--address", metavar="HOST:PORT", help="of the Ray cluster (default: this machine)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="what evolved")
    add_seed(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Go on or begin, save, draw; 130 if interrupted, 1 where no list kept the limits."""
    from rewardwrap.compare.executors.shares import shared_map
    from rewardwrap.pages.bars import work_shown
    from rewardwrap_policies.evolution import genetic

    make = asked(args)
    limits = Limits(key_values(args.at_least, "--at-least"), key_values(args.at_most, "--at-most"))
    require_numbers(make, limits, args.field)
    question = {
        "env": make.env, "env_kwargs": make.kwargs, "at_least": limits.least, "at_most": limits.most,
        "population": args.population, "length": args.length, "seed": args.seed,
    }  # fmt: skip
    found = start = kept(args.out, question)
    began, saved, stopped = start.history[-1][0] if start else 0, time.monotonic(), False
    with (
        shared_map(args.executor, args.jobs, args.address) as mapped,
        work_shown("steps", args.n_timesteps) as moved,
    ):

        def seen(best: Moves) -> None:
            nonlocal found, saved
            found = best
            moved(min(best.history[-1][0] - began, args.n_timesteps))
            if time.monotonic() - saved > SECONDS:
                write(args.out, question, best)
                saved = time.monotonic()

        try:
            genetic(
                make, budget=args.n_timesteps, population=args.population, length=args.length,
                feasible=limits if limits else None, start=start, seed=args.seed, mapped=mapped,
                on_generation=seen,
            )  # fmt: skip
        except KeyboardInterrupt:
            stopped = True
    if found is None:
        return 130
    rows = played(make, found)
    write(args.out, question, found, rows, args.field or "return")
    steps = found.history[-1][0]
    args.answer = {
        "out": args.out, "env": make.env, "steps": steps, "fitness": found.fitness,
        "feasible": found.feasible, "moves": len(rows), "last": rows[-1],
    }  # fmt: skip
    said = f", limits {'kept' if found.feasible else 'not kept'}" if limits else ""
    wide_console().print(
        f"{args.out}: best return {found.fitness:.4g} in {len(rows)} moves{said}, after {steps:,} steps. "
        "The same command goes on from there.", highlight=False, soft_wrap=True,
    )  # fmt: skip
    return 130 if stopped else 0 if found.feasible else 1
