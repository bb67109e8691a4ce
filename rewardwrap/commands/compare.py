"""``rewardwrap compare``: which reward makes agents do the task."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.commands import compare_options
from rewardwrap.commands.arguments import (
    add_catalog,
    add_env_kwargs,
    add_json,
    key_values,
    known_env,
    seeds,
    whole_number,
    wide_console,
)
from rewardwrap.core.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from rewardwrap.compare.plan import Plan
    from rewardwrap.compare.request import Request
    from rewardwrap.compare.results import Comparison
    from rewardwrap.compare.spec import Spec
    from rewardwrap.compare.store import Store

PLANS = (".yml", ".yaml")
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
    request = _request(args)
    plans = declaration.hold(request.plans, request.store, request.out)
    request = replace(request, plans=plans)
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


def _request(args: argparse.Namespace) -> Request:
    """Everything that the command line says; nothing behind this reads the arguments."""
    from rewardwrap.compare.request import Request

    plans = plans_of(args)
    return Request(
        plans=plans,
        out=args.out or Path("comparisons") / _folder_name(args, plans),
        command=_command(),
        executor=args.executor,
        address=args.address,
        jobs=args.jobs,
        trackers=tuple(args.track),
        tune=args.tune or 0,
        videos=args.videos,
    )


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


def plans_of(args: argparse.Namespace) -> tuple[Plan, ...]:
    """One plan for each environment that the arguments and the plan file name.

    Raises:
        PlanError: They do not say what they must.
    """
    from rewardwrap.compare import plan as plans

    what = args.what
    if what is not None and not what.endswith(PLANS):
        if args.env and args.env != [what]:
            raise ConfigError(
                f"the environment must be named once, got {what} and --env {args.env[0]}. "
                "Leave one out, or name several with --env alone."
            )
        args.env, what = [what], None
    args.env = [known_env(env, args.gym_packages, args.catalog) for env in args.env]
    changes = _changes(args)
    if args.env and args.suite:
        raise ConfigError(
            "environments must be named in one way, got --suite and others. Keep one of them."
        )
    if args.suite:
        changes["suite"] = args.suite
    elif len(args.env) > 1:
        changes["envs"] = args.env
    elif args.env:
        changes["env"] = args.env[0]
    if what is not None:
        return plans.read_plans(Path(what), changes=changes, rows=False)
    if not args.env and not args.suite:
        return (plans.read_plan(plans.DEFAULT, changes=changes, rows=False),)
    if "strategies" not in changes:
        changes["strategies"] = _usual_strategies(args)
    return plans.plans_from({"algo": "ppo", **changes}, rows=False)


def _changes(args: argparse.Namespace) -> dict[str, Any]:
    evaluation = {"every": args.eval_freq, "episodes": args.eval_episodes}
    changes: dict[str, Any] = {
        "algo": args.algo,
        "steps": args.n_timesteps,
        "threshold": args.threshold,
        "primary": args.primary,
        "seeds": None if args.seeds is None else list(args.seeds),
        "strategies": _strategies(args.reward) or None,
        "env_kwargs": key_values(args.env_kwargs, "--env-kwargs") or None,
        "catalog": [str(Path(folder).absolute()) for folder in args.catalog] or None,
        "evaluation": {k: v for k, v in evaluation.items() if v is not None} or None,
        "hyperparameters": _hyperparameters(args),
    }
    return {key: value for key, value in changes.items() if value is not None}


def _hyperparameters(args: argparse.Namespace) -> dict[str, Any] | None:
    given: dict[str, Any] = dict(key_values(args.hyperparams, "--hyperparams"))
    if args.conf_file:
        if not args.env:
            raise ConfigError(
                "--conf-file must go with an environment, got a plan. "
                "Put the values under `hyperparameters:` there."
            )
        from rewardwrap_policies import hyperparameters

        row = hyperparameters(args.algo or "ppo", args.env[0], [args.conf_file]).row
        given = {**row, **given}
    return given or None


def _strategies(choices: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for choice in choices:
        match = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9_.+-]*)=(.+)", choice, re.DOTALL)
        name, reward = match.groups() if match else (Path(choice).stem, choice)
        if not match and choice[:1] in ("{", "["):
            raise ConfigError(
                f"a reward in one line must have a name, got {choice!r}. Write NAME={choice}."
            )
        if name in found:
            raise ConfigError(
                f'strategies must have different names, got "{name}" twice. Write NAME=REWARD.'
            )
        found[name] = str(Path(reward).absolute()) if Path(reward).is_file() else reward
    return found


def _usual_strategies(args: argparse.Namespace) -> Mapping[str, str]:
    """The potential where every environment has one; over several, else the normalised control."""
    import rewardwrap_envs
    from rewardwrap.compare import suites
    from rewardwrap.core.errors import UnknownName

    try:
        envs = suites.members(args.suite, args.catalog) if args.suite else args.env
    except UnknownName as error:
        raise ConfigError(str(error)) from error
    recipes = [rewardwrap_envs.find(env, args.catalog) for env in envs]
    if all(recipe is not None and recipe.potential is not None for recipe in recipes):
        return {"env": "env", "potential": "potential"}
    return {"env": "env", **({"normalised": "normalised"} if len(envs) > 1 else {})}


def _folder_name(args: argparse.Namespace, plans: tuple[Plan, ...]) -> str:
    if args.what is not None and args.what.endswith(PLANS):
        return Path(args.what).stem
    names = args.suite or "+".join(plan.env.replace("/", "-") for plan in plans)
    return f"{names}-{plans[0].algo}"


def _command() -> str:
    return shlex.join(["rewardwrap", *sys.argv[1:]])
