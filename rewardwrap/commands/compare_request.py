"""From the words of ``rewardwrap compare`` to one request; nothing behind it reads the arguments."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.commands.arguments import key_values, known_env
from rewardwrap.core.errors import ConfigError, UnknownName

if TYPE_CHECKING:
    from rewardwrap.compare.plan import Plan
    from rewardwrap.compare.request import Request

PLANS = (".yml", ".yaml")


def parsed(args: argparse.Namespace) -> Request:
    """Everything that the command line and the plan file say, held to what was declared before.

    Raises:
        PlanError: They do not say what they must, or something else than before the first run.
    """
    from rewardwrap.compare import declaration
    from rewardwrap.compare.request import Request
    from rewardwrap.compare.store import Store

    envs, file = _named(args)
    plans = _plans(args, envs, file)
    out = args.out or Path("comparisons") / _folder_name(args.suite, file, plans)
    return Request(
        plans=declaration.hold(plans, Store(out / "runs"), out),
        out=out,
        command=shlex.join(["rewardwrap", *sys.argv[1:]]),
        executor=args.executor,
        address=args.address,
        jobs=args.jobs,
        trackers=tuple(args.track),
        tune=args.tune or 0,
        videos=args.videos,
    )


def _named(args: argparse.Namespace) -> tuple[list[str], Path | None]:
    """The environments that were named one by one, and the plan file."""
    file = Path(args.what) if args.what is not None and args.what.endswith(PLANS) else None
    words = list(args.env)
    if args.what is not None and file is None:
        if words and words != [args.what]:
            raise ConfigError(
                f"the environment must be named once, got {args.what} and --env {words[0]}. "
                "Leave one out, or name several with --env alone."
            )
        words = [args.what]
    envs = [known_env(env, args.gym_packages, args.catalog) for env in words]
    if envs and args.suite:
        raise ConfigError(
            "environments must be named in one way, got --suite and others. Keep one of them."
        )
    return envs, file


def _plans(args: argparse.Namespace, envs: Sequence[str], file: Path | None) -> tuple[Plan, ...]:
    """One plan for each environment."""
    from rewardwrap.compare import plan

    changes = _changes(args, envs)
    if file is not None:
        # a package's environment is found in a file as it is on the command line
        return tuple(
            replace(each, env=known_env(each.env, args.gym_packages, each.catalog))
            for each in plan.read_plans(file, changes=changes, rows=False)
        )
    if not envs and not args.suite:
        return (plan.read_plan(plan.DEFAULT, changes=changes, rows=False),)
    if "strategies" not in changes:
        changes["strategies"] = _usual_strategies(envs, args.suite, args.catalog)
    return plan.plans_from({"algo": "ppo", **changes}, rows=False)


def _changes(args: argparse.Namespace, envs: Sequence[str]) -> dict[str, Any]:
    """The keys of a plan that the arguments say."""
    evaluation = {"every": args.eval_freq, "episodes": args.eval_episodes}
    changes: dict[str, Any] = {
        "algo": args.algo,
        "steps": args.n_timesteps,
        "threshold": args.threshold,
        "primary": args.primary,
        "limit": args.limit,
        "stop": _given(at=args.stop_at, patience=args.patience, minutes=args.minutes),
        "device": args.device,
        "backend": args.backend,
        "seeds": None if args.seeds is None else list(args.seeds),
        "strategies": _with_scores(_asked(args), args) or None,
        "env_kwargs": key_values(args.env_kwargs, "--env-kwargs") or None,
        "catalog": [str(Path(folder).absolute()) for folder in args.catalog] or None,
        "evaluation": _given(**evaluation),
        "hyperparameters": _hyperparameters(args, envs) or None,
        "suite": args.suite or None,
        "envs": list(envs) if len(envs) > 1 else None,
        "env": envs[0] if len(envs) == 1 else None,
    }
    return {key: value for key, value in changes.items() if value is not None}


def _given(**values: Any) -> dict[str, Any] | None:
    """What was said; None where nothing was."""
    return {name: value for name, value in values.items() if value is not None} or None


def _hyperparameters(args: argparse.Namespace, envs: Sequence[str]) -> dict[str, Any]:
    given = dict(key_values(args.hyperparams, "--hyperparams"))
    if not args.conf_file:
        return given
    if not envs:
        raise ConfigError(
            "--conf-file must go with an environment, got a plan. "
            "Put the values under `hyperparameters:` there."
        )
    from rewardwrap_policies import hyperparameters

    return {**hyperparameters(args.algo or "ppo", envs[0], [args.conf_file]).row, **given}


def _strategies(choices: Sequence[str]) -> dict[str, str]:
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
        # a reward in one line may be longer than any name of a file
        is_file = reward[:1] not in ("{", "[") and Path(reward).is_file()
        found[name] = str(Path(reward).absolute()) if is_file else reward
    return found


def _asked(args: argparse.Namespace) -> dict[str, Any]:
    """The rewards that were named; families begin with the environment's own."""
    if not args.families:
        return dict(_strategies(args.reward))
    from rewardwrap.families.front import FIRST

    return {FIRST: "env", **_strategies(args.reward)}


def _with_scores(found: dict[str, Any], args: argparse.Namespace) -> dict[str, Any]:
    """The strategies, and one more for each ``--score``."""
    from rewardwrap.training.scores import chosen_group

    if args.group is not None and not args.score:
        raise ConfigError(
            f"--group must go with --score, got --group {args.group} alone. Name a score."
        )
    for name, score in _strategies(args.score).items():
        if name in found:
            raise ConfigError(
                f'strategies must have different names, got "{name}" twice. Write NAME=SCORE.'
            )
        group = chosen_group(score, group=args.group, limit=args.limit)
        found[name] = group.named("score").to_config()
    return found


def _usual_strategies(
    envs: Sequence[str], suite: str | None, catalog: Sequence[str]
) -> Mapping[str, str]:
    """The potential where every environment has one; over several, else the normalised control."""
    import rewardwrap_envs
    from rewardwrap.compare import suites

    try:
        names = suites.members(suite, catalog) if suite else envs
    except UnknownName as error:
        raise ConfigError(str(error)) from error
    recipes = [rewardwrap_envs.find(env, catalog) for env in names]
    if all(recipe is not None and recipe.potential is not None for recipe in recipes):
        return {"env": "env", "potential": "potential"}
    return {"env": "env", **({"normalised": "normalised"} if len(names) > 1 else {})}


def _folder_name(suite: str | None, file: Path | None, plans: Sequence[Plan]) -> str:
    if file is not None:
        return file.stem
    names = suite or "+".join(plan.env.replace("/", "-") for plan in plans)
    return f"{names}-{plans[0].algo}"
