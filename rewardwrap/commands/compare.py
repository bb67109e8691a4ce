"""``rewardwrap compare``: which reward makes agents do the task."""

from __future__ import annotations

import argparse
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.commands import compare_options, compare_request
from rewardwrap.commands.arguments import (
    add_catalog,
    add_env_kwargs,
    add_json,
    add_limit,
    seeds,
    whole_number,
    wide_console,
)

if TYPE_CHECKING:
    from rich.console import Console

    from rewardwrap.compare.plan import Plan
    from rewardwrap.compare.results import Comparison
    from rewardwrap.compare.spec import Spec
    from rewardwrap.compare.store import Store

DESCRIPTION = """\
Train the same algorithm on several rewards, with several seeds each, and report which one does the
task by the environment's own (true) return. A finished run is never trained twice: give the same
command again to continue. Without arguments: four rewards on FrozenLake-8x8, one of which cheats.
What decides is declared before the first run: on tasks that are done or not done, how many seeds do the
task and how soon (--primary done); where returns are graded, the area under the curve (--primary area)."""
DECIDES = {
    "done": "how many seeds do the task, and how soon",
    "area": "the area under the true-return curve",
}


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

    from rewardwrap.compare import campaign, declaration, index

    console = wide_console()
    compare_options.require(args)
    request = compare_request.parsed(args)
    left = campaign.missing(request.specs, request.store)
    if left or request.tune:  # else nothing is trained, and nothing needs the algorithm
        for plan in request.plans:
            plan.require_row()
    campaign.refuse_unfit_strategies(left)
    declaration.declare(request.plans, request.store, request.out)
    _announce(console, request.plans, len(request.specs), len(left))
    _state_broken(console, left, request.store)
    request = compare_options.tuned(request, console)
    failures = compare_options.train(request, console, request.specs)
    comparisons = compare_options.collected(request, failures)
    compare_options.finish(request, console)
    report = _report(console, request.plans, comparisons, request.out)
    console.print(f"Report: {report}", markup=False, highlight=False, soft_wrap=True)
    index.write(request.store)
    args.answer = document_in(request.out, report)
    return 1 if failures else 0


def document_in(folder: Path, report: Path) -> dict[str, Any]:
    """``suite.json`` or ``comparison.json``, and where the report is."""
    suite = folder / "suite.json"
    file = suite if suite.is_file() else folder / "comparison.json"
    return {"report": str(report), **json.loads(file.read_text(encoding="utf-8"))}


def _announce(console: Console, plans: tuple[Plan, ...], runs: int, left: int) -> None:
    from rewardwrap.compare import suites

    plan = plans[0]
    steps = sorted({each.steps for each in plans})
    budget = f"{steps[0]:,}" if len(steps) == 1 else f"{steps[0]:,} to {steps[-1]:,}"
    lines = [
        f"{', '.join(each.env for each in plans)}, {plan.algo}: {', '.join(plan.rewards)} x "
        f"{len(plan.seeds)} seeds x {budget} steps; {runs - left} of {runs} runs are finished."
    ]
    unscaled = [p.env for p in plans if suites.scale_of(p.env, p.catalog) is None]
    if len(plans) > 1 and unscaled:
        lines.append(
            f"Without random and reference returns in a recipe: {', '.join(unscaled)}. Reported "
            "alone, counted in no number over environments."
        )
    for primary, meant in DECIDES.items():
        decided = [each.env for each in plans if each.primary == primary]
        if decided:
            where = f" on {', '.join(decided)}" if len(plans) > 1 else ""
            lines.append(f"What decides{where}, declared now: {meant}.")
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _state_broken(console: Console, left: list[Spec], store: Store) -> None:
    from rewardwrap.compare.spec import run_id

    broken = [name for spec in left if store.is_broken(name := run_id(spec))]
    if broken:
        more = f" and {len(broken) - 3} more" if len(broken) > 3 else ""
        console.print(
            f"Not whole, so trained again: {', '.join(broken[:3])}{more}.",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip


def _report(
    console: Console, plans: tuple[Plan, ...], comparisons: list[Comparison], out: Path
) -> Path:
    """Print the table, then write the files; the figures take longer than everything before."""
    if len(comparisons) == 1:
        from rewardwrap.compare import report
        from rewardwrap.compare.summary import print_summary

        print_summary(console, comparisons[0])
        return report.write(comparisons[0], out)
    from rewardwrap.compare import suite_report, suites
    from rewardwrap.compare.suite import Suite
    from rewardwrap.compare.suite_summary import print_suite

    scales = {plan.env: suites.scale_of(plan.env, plan.catalog) for plan in plans}
    suite = Suite(
        tuple(comparisons),
        {env: scale for env, scale in scales.items() if scale is not None},
        command=comparisons[0].command,
        created=comparisons[0].created,
    )
    print_suite(console, suite)
    return suite_report.write(suite, out)
