"""What each key of a plan says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import rewardwrap_envs
import rewardwrap_policies
from rewardwrap.adapters.backends import require_backend
from rewardwrap.adapters.limit import require_limit
from rewardwrap.compare import suites
from rewardwrap.compare.reading import Reader
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.core.reward import Reward
from rewardwrap.training.agent import require_env
from rewardwrap.training.choice import chosen_reward
from rewardwrap.training.scores import whole_groups
from rewardwrap.training.stopping import Stopping
from rewardwrap_envs.entry import Recipe

POINTS = 20
"""Evaluation points of a run where the plan does not say."""
CHECKPOINT = 100_000
"""Steps between two checkpoints where the plan does not say; shorter runs write none."""
OF_ONE_ENV = (
    "checkpoint",
    "env_kwargs",
    "evaluation",
    "hyperparameters",
    "limit",
    "primary",
    "steps",
    "stop",
    "strategies",
    "threshold",
)
"""What an entry of ``envs:`` may say for itself."""
EVALUATION = {"every": int, "episodes": int, "seed": int, "deterministic": bool}
NAMES_ENVS = ("env", "envs", "suite")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")


def fields(reader: Reader) -> dict[str, Any]:
    """The fields of a `rewardwrap.compare.plan.Plan`, of a plan for one environment."""
    env, algo = reader.take("env", str), reader.take("algo", str)
    catalog = _catalog(reader)
    try:
        require_env(env, catalog)
    except UnknownName as error:
        reader.refuse(str(error), "env")
    row = _row(reader, algo, env, catalog)
    steps = _steps(reader, row)
    rewards = _rewards(reader, env, catalog, row.get("gamma"))
    row = whole_groups(row, rewards.values(), reader.take("hyperparameters", dict, {}))
    recipe = rewardwrap_envs.find(env, catalog)
    threshold = reader.take("threshold", float, None if recipe is None else recipe.threshold)
    backend = _backend(reader)
    return {
        "env": env,
        "algo": algo.lower(),
        "steps": steps,
        "seeds": _seeds(reader),
        "rewards": rewards,
        "row": {**row, "n_timesteps": steps},
        **_evaluation(reader, steps),
        "threshold": threshold,
        "primary": _primary(reader, recipe, threshold),
        "bounds": (None, None)
        if recipe is None
        else recipe.return_bounds(reader.take("env_kwargs", dict, {})),
        "env_kwargs": reader.take("env_kwargs", dict, {}),
        "catalog": catalog,
        "limit": _limit(reader),
        "checkpoint": _checkpoint(reader),
        "stopping": _stopping(reader),
        "device": reader.take("device", str, "auto"),
        "backend": backend,
        "remarks": () if backend == "dummy" else (f"All lanes were stepped by {backend}.",),
    }


def envs(reader: Reader) -> dict[str, Mapping[str, Any]] | None:
    """Each environment with what it says for itself; None where the plan has one ``env``."""
    given = [key for key in NAMES_ENVS if reader.data.get(key) is not None]
    if len(given) > 1:
        reader.refuse(
            f'a plan must name its environments in one way, got "{given[0]}" and "{given[1]}". '
            "Keep one of them.",
            given[1],
        )
    if given in ([], ["env"]):
        return None
    if given == ["suite"]:
        return _members(reader, reader.take("suite", str))
    found = reader.data["envs"]
    if isinstance(found, list) and len(set(map(str, found))) == len(found):
        found = dict.fromkeys(found)
    if not isinstance(found, Mapping) or not found:
        reader.refuse(
            f"envs must be a list of different names or a mapping, got {found!r}. "
            "Write e.g. [CartPole-v1, Acrobot-v1].",
            "envs",
        )
    for name, own in found.items():
        if not isinstance(name, str) or not isinstance(own, Mapping | None):
            reader.refuse(f"{name} must have a mapping, got {own!r}. Correct it.", "envs", name)
        reader.only(own or {}, OF_ONE_ENV, "envs", name)
    return {name: own or {} for name, own in found.items()}


def of_env(data: Mapping[str, Any], env: str, own: Mapping[str, Any]) -> dict[str, Any]:
    """The plan for one of its environments: what that says for itself wins."""
    kept = {key: value for key, value in data.items() if key not in ("envs", "suite")}
    merged = {**kept, **own, "env": env}
    both = [part.get("hyperparameters") for part in (data, own)]
    if all(isinstance(part, Mapping) for part in both):
        merged["hyperparameters"] = {**both[0], **both[1]}  # type: ignore[dict-item]
    return merged


def _members(reader: Reader, suite: str) -> dict[str, Mapping[str, Any]]:
    try:
        return {name: {} for name in suites.members(suite, _catalog(reader))}
    except UnknownName as error:
        reader.refuse(str(error), "suite")


def _catalog(reader: Reader) -> tuple[str, ...]:
    return tuple(str(reader.near(folder)) for folder in reader.take("catalog", list, []))


def _row(reader: Reader, algo: str, env: str, catalog: tuple[str, ...]) -> dict[str, Any]:
    """The preset's row with what the plan says, unchecked; see `Plan.require_row`."""
    recipe = rewardwrap_envs.find(env, catalog)
    wanted = reader.take("hyperparameters", dict, {})
    try:
        preset = rewardwrap_policies.written_row(
            algo, env, env_id=env if recipe is None else recipe.id
        )
    except (rewardwrap_policies.UnknownAlgorithm, rewardwrap_policies.UnknownPreset) as error:
        reader.refuse(str(error), "algo")
    return {key: value for key, value in {**preset, **wanted}.items() if value is not None}


def _steps(reader: Reader, row: Mapping[str, Any]) -> int:
    usual = row.get("n_timesteps")
    if not isinstance(usual, int | float) or isinstance(usual, bool):
        reader.refuse(
            f"n_timesteps must be a whole number, got {usual!r}. Give steps instead.",
            "hyperparameters", "n_timesteps",
        )  # fmt: skip
    steps = int(reader.take("steps", int, int(usual)))
    if steps < 1:
        reader.refuse(f"steps must be above 0, got {steps}. Give environment steps.", "steps")
    return steps


def _evaluation(reader: Reader, steps: int) -> dict[str, Any]:
    chosen = reader.take("evaluation", dict, {})
    reader.only(chosen, EVALUATION, "evaluation")
    for key, kind in EVALUATION.items():
        if key in chosen:
            reader.require(chosen[key], kind, "evaluation", key)
    return {
        "every": chosen.get("every", max(1, steps // POINTS)),
        "episodes": chosen.get("episodes", 5),
        "eval_seed": chosen.get("seed", 10_000),
        "deterministic": chosen.get("deterministic", True),
    }


def _primary(reader: Reader, recipe: Recipe | None, threshold: float | None) -> str:
    """See `rewardwrap.compare.declaration`."""
    usual = "area"
    if threshold is not None and (recipe is None or _is_done_or_not(recipe)):
        usual = "done"
    chosen = str(reader.take("primary", str, usual))
    if chosen not in ("done", "area"):
        reader.refuse(f'primary must be "done" or "area", got {chosen!r}. Correct it.', "primary")
    if chosen == "done" and threshold is None:
        reader.refuse(
            'primary "done" must go with a threshold, got none. Say which true return counts as '
            "doing the task: `threshold: ...`.",
            "primary",
        )
    return chosen


def _limit(reader: Reader) -> str:
    try:
        return require_limit(reader.take("limit", str, "bootstrap"))
    except ConfigError as error:
        reader.refuse(str(error), "limit")


def _backend(reader: Reader) -> str:
    try:
        return require_backend(reader.take("backend", str, "dummy"))
    except ConfigError as error:
        reader.refuse(str(error), "backend")


def _is_done_or_not(recipe: Recipe) -> bool:
    return recipe.success is not None and ("info" in recipe.success or "sparse" in recipe.tags)


def _checkpoint(reader: Reader) -> int:
    chosen = reader.take("checkpoint", dict, {})
    reader.only(chosen, ("every",), "checkpoint")
    if "every" not in chosen:
        return CHECKPOINT
    return int(reader.require(chosen["every"], int, "checkpoint", "every"))


def _stopping(reader: Reader) -> Stopping:
    chosen = reader.take("stop", dict, {})
    reader.only(chosen, ("at", "patience", "minutes"), "stop")
    try:
        return Stopping(**chosen)
    except ConfigError as error:
        reader.refuse(str(error), "stop")


def _seeds(reader: Reader) -> tuple[int, ...]:
    value = reader.data.get("seeds", 10)
    seeds = list(range(value)) if isinstance(value, int) else value
    fits = isinstance(seeds, list) and seeds and all(type(seed) is int for seed in seeds)
    if isinstance(value, bool) or not fits or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        reader.refuse(
            f"seeds must be how many, or a list of different whole numbers, got {value!r}. "
            "Write e.g. 10.",
            "seeds",
        )
    return tuple(seeds)


def _rewards(
    reader: Reader, env: str, catalog: tuple[str, ...], gamma: float | None
) -> dict[str, Reward]:
    strategies = reader.take("strategies", dict)
    folder = None if reader.path is None else reader.path.parent
    found = {}
    for name, choice in strategies.items():
        keys = ("strategies", name)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            reader.refuse(
                f"a strategy name must be letters, digits, '_', '.', '+' or '-', got {name!r}. "
                "It becomes part of a folder name.",
                *keys,
            )
        try:
            found[name] = chosen_reward(
                choice, env, catalog=catalog, folder=folder, keys=keys, gamma=gamma
            )
        except ConfigError as error:
            if not error.path:
                raise
            reader.refuse(str(error), *error.path)
    if not found:
        reader.refuse(
            "a plan must have at least one strategy, got none. Add env: env.", "strategies"
        )
    return found
