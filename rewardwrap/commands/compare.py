"""``rewardwrap compare``: which reward makes agents do the task."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.commands.arguments import key_values, whole_number, wide_console
from rewardwrap.core.errors import ConfigError

if TYPE_CHECKING:
    from rewardwrap.compare.plan import Plan

PLANS = (".yml", ".yaml")
DESCRIPTION = """\
Train the same algorithm on several rewards, with several seeds each, and report which one does the
task by the environment's own (true) return. A finished run is never trained twice: give the same
command again to continue. Without arguments: four rewards on FrozenLake-8x8, one of which cheats."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "what", nargs="?", metavar="ENV|PLAN.yml", help="environment, or a plan file"
    )
    parser.add_argument("--algo", help="algorithm (default: ppo)")
    parser.add_argument(
        "--reward",
        action="append",
        default=[],
        metavar="[NAME=]REWARD",
        help="env, potential, a reward file, or NAME={one line of YAML}; once for each strategy",
    )
    parser.add_argument("--seeds", help="how many (10), or a list: 1,2,5")
    parser.add_argument("-n", "--n-timesteps", type=whole_number, help="steps of each training")
    parser.add_argument(
        "--jobs", type=whole_number, default=None, help="processes (default: cores)"
    )
    parser.add_argument("--out", type=Path, help="folder (default: comparisons/<env>-<algo>)")
    parser.add_argument("--eval-freq", type=whole_number, help="steps between evaluations")
    parser.add_argument("--eval-episodes", type=whole_number, help="episodes at each evaluation")
    parser.add_argument("--threshold", type=float, help="true return that counts as doing the task")
    parser.add_argument("--env-kwargs", nargs="+", default=[], metavar="K:V")
    parser.add_argument("-params", "--hyperparams", nargs="+", default=[], metavar="K:V")
    parser.add_argument("-conf", "--conf-file", help="hyperparameters in RL Zoo's format")
    parser.add_argument("--catalog", action="append", default=[], metavar="DIR", help="own recipes")


def run(args: argparse.Namespace) -> int:
    """Train what is missing, then report."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    from rewardwrap.compare import campaign
    from rewardwrap.compare.board import Board
    from rewardwrap.compare.executors import LocalExecutor
    from rewardwrap.compare.report import print_summary
    from rewardwrap.compare.run import run_id
    from rewardwrap.compare.store import Store

    console = wide_console()
    plan = plan_of(args)
    out = args.out or Path("comparisons") / _folder_name(args.what, plan)
    specs, store = plan.specs(), Store(out / "runs")
    left = campaign.missing(specs, store)
    campaign.refuse_unfit_strategies(left)
    console.print(
        f"{plan.env}, {plan.algo}: {', '.join(plan.rewards)} x {len(plan.seeds)} seeds x "
        f"{plan.steps:,} steps; {len(specs) - len(left)} of {len(specs)} runs are finished.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    failures = []
    if left:
        with Board(console, specs, len(specs) - len(left)) as board:
            executor = LocalExecutor(store, args.jobs or _cores(), on_step=board.step)
            failures = campaign.conduct(
                specs,
                store,
                executor,
                on_end=lambda outcome: board.end(
                    outcome, None if outcome.error else store.summary(run_id(outcome.spec))
                ),
            )
    comparison = campaign.collect(plan, specs, store, failures=failures, command=_command())
    report = comparison.write(out)
    print_summary(console, comparison)
    console.print(f"Report: {report}", markup=False, highlight=False, soft_wrap=True)
    return 1 if failures else 0


def plan_of(args: argparse.Namespace) -> Plan:
    """The plan that the arguments describe: a file or the default, with what was given on top."""
    from rewardwrap.compare import plan as plans

    changes = _changes(args)
    what = args.what
    if what is None:
        return plans.read_plan(plans.DEFAULT, changes=changes)
    if what.endswith(PLANS):
        return plans.read_plan(Path(what), changes=changes)
    data = {"env": what, "algo": "ppo", **changes}
    if "strategies" not in data:
        data["strategies"] = _usual_strategies(what, args.catalog)
    return plans.plan_from(data)


def _changes(args: argparse.Namespace) -> dict[str, Any]:
    evaluation = {"every": args.eval_freq, "episodes": args.eval_episodes}
    changes: dict[str, Any] = {
        "algo": args.algo,
        "steps": args.n_timesteps,
        "threshold": args.threshold,
        "seeds": _seeds(args.seeds),
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
        if args.what is None or args.what.endswith(PLANS):
            raise ConfigError(
                "--conf-file must go with an environment, got a plan. "
                "Put the values under `hyperparameters:` there."
            )
        from rewardwrap_policies import hyperparameters

        row = hyperparameters(args.algo or "ppo", args.what, [args.conf_file]).row
        given = {**row, **given}
    return given or None


def _seeds(text: str | None) -> int | list[int] | None:
    if text is None:
        return None
    if re.fullmatch(r"\d+", text):
        return int(text)
    if re.fullmatch(r"\d+(,\d+)*,?", text):
        return [int(part) for part in text.split(",") if part]
    raise ConfigError(f"--seeds must be how many, or a list like 1,2,5, got {text!r}. Correct it.")


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


def _usual_strategies(env: str, catalog: list[str]) -> Mapping[str, str]:
    import rewardwrap_envs

    recipe = rewardwrap_envs.find(env, catalog)
    known = recipe is not None and recipe.potential is not None
    return {"env": "env", **({"potential": "potential"} if known else {})}


def _folder_name(what: str | None, plan: Plan) -> str:
    if what is not None and what.endswith(PLANS):
        return Path(what).stem
    return f"{plan.env.replace('/', '-')}-{plan.algo}"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _command() -> str:
    return shlex.join(["rewardwrap", *sys.argv[1:]])
