"""What to compare: an environment or several, one algorithm, several rewards, some seeds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn

import rewardwrap_envs
import rewardwrap_policies
from rewardwrap.compare import suites
from rewardwrap.compare.run import Spec
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.core.reward import Reward
from rewardwrap.training.choice import chosen_reward
from rewardwrap.training.provenance import code_hashes, versions
from rewardwrap_envs import marked_yaml
from rewardwrap_envs.errors import near_misses
from rewardwrap_policies.rows import read_row

DEFAULT = Path(str(files("rewardwrap.compare") / "default.yml"))
"""The plan of ``rewardwrap compare`` without arguments."""
POINTS = 20
"""Evaluation points of a run where the plan does not say."""
CHECKPOINT = 100_000
"""Steps between two checkpoints where the plan does not say; shorter runs write none."""
KEYS = (
    "algo",
    "catalog",
    "checkpoint",
    "env",
    "env_kwargs",
    "envs",
    "evaluation",
    "hyperparameters",
    "seeds",
    "steps",
    "strategies",
    "suite",
    "threshold",
)
OF_ONE_ENV = (
    "checkpoint",
    "env_kwargs",
    "evaluation",
    "hyperparameters",
    "steps",
    "strategies",
    "threshold",
)
"""What an entry of ``envs:`` may say for itself."""
EVALUATION = {"every": int, "episodes": int, "seed": int, "deterministic": bool}
_NAMES_ENVS = ("env", "envs", "suite")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")


class PlanError(ConfigError):
    """A plan that does not say what it must; starts with ``file.yml:LINE:``."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Strategies x seeds, everything else the same.

    Args:
        env: Name of a recipe or any gymnasium id.
        algo: E.g. ``"ppo"``.
        steps: Environment steps of each training.
        seeds: One training of each strategy for each.
        rewards: Strategy name -> its reward, in the order of the report.
        row: Hyperparameters, a row of an RL Zoo file.
        every: Environment steps between two evaluations.
        episodes: Evaluation episodes at each point.
        eval_seed: Evaluation episode ``i`` is reset with ``eval_seed + i``.
        deterministic: Whether evaluation plays the policy's mode.
        threshold: True return that counts as doing the task, or None.
        env_kwargs: Arguments for `gymnasium.make`.
        catalog: Folders with recipes of one's own.
        checkpoint: Steps between two points from which a broken-off run goes on; see
            `rewardwrap.compare.checkpoints`. It is part of what is trained.
    """

    env: str
    algo: str
    steps: int
    seeds: tuple[int, ...]
    rewards: Mapping[str, Reward]
    row: Mapping[str, Any]
    every: int
    episodes: int = 5
    eval_seed: int = 10_000
    deterministic: bool = True
    threshold: float | None = None
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    catalog: tuple[str, ...] = ()
    checkpoint: int = CHECKPOINT

    def specs(self) -> list[Spec]:
        """One spec for each training, seed by seed, so that a broken-off comparison is balanced."""
        configs = {name: reward.to_config() for name, reward in self.rewards.items()}
        code = {
            name: code_hashes(reward, self.env, self.catalog)
            for name, reward in self.rewards.items()
        }
        shared = {
            "env": self.env,
            "algo": self.algo,
            "steps": self.steps,
            "hyperparameters": dict(self.row),
            "evaluation": {
                "every": self.every,
                "episodes": self.episodes,
                "seed": self.eval_seed,
                "deterministic": self.deterministic,
            },
            "env_kwargs": dict(self.env_kwargs),
            "catalog": list(self.catalog),
            "checkpoint": self.checkpoint if self.checkpoint < self.steps else None,
            "versions": versions(),
        }
        specs = [
            {**shared, "strategy": name, "seed": seed, "reward": configs[name], "code": code[name]}
            for seed in self.seeds
            for name in self.rewards
        ]
        # through JSON, so that a spec is the same before and after it was written down
        made: list[Spec] = json.loads(json.dumps(specs, allow_nan=False))
        return made


def read_plan(path: Path, *, changes: Mapping[str, Any] | None = None) -> Plan:
    """Read a plan file.

    Args:
        path: YAML with the keys ``env, algo, steps, seeds, strategies`` and, where wanted,
            ``hyperparameters, evaluation, threshold, env_kwargs, catalog``.
        changes: Values that win over the file's, e.g. of the command line.

    Raises:
        PlanError: An unknown key, a missing one or a value of the wrong kind, with file and line.
    """
    data, lines = _load(path)
    if isinstance(data, Mapping):
        data = {**data, **(changes or {})}
    return plan_from(data, path=path, lines=lines)


def plan_from(
    data: Any, *, path: Path | None = None, lines: marked_yaml.Lines | None = None
) -> Plan:
    """The plan that plain data describes; see `read_plan`."""
    return _Reader(data, path, lines or {}).plan()


def read_plans(path: Path, *, changes: Mapping[str, Any] | None = None) -> tuple[Plan, ...]:
    """Read a plan file that may name several environments; see `plans_from` and `read_plan`."""
    data, lines = _load(path)
    if isinstance(data, Mapping):
        data = {**data, **(changes or {})}
        if changes and {"envs", "suite"} & changes.keys():
            data = {k: v for k, v in data.items() if k in changes or k not in _NAMES_ENVS}
    return plans_from(data, path=path, lines=lines)


def plans_from(
    data: Any, *, path: Path | None = None, lines: marked_yaml.Lines | None = None
) -> tuple[Plan, ...]:
    """One plan for each environment that plain data names.

    ``env: NAME`` names one. ``envs: [NAME, ...]`` or ``suite: NAME`` name several, and ``envs: {NAME:
    {...}}`` says `OF_ONE_ENV` for each; ``hyperparameters`` are merged, everything else replaces
    what the plan says for all.

    Raises:
        PlanError: See `read_plan`; also two ways to name environments, or one named twice.
    """
    reader = _Reader(data, path, lines or {})
    chosen = reader.envs()
    if chosen is None:
        return (reader.plan(),)
    made = [
        _Reader(_of_env(data, env, own), path, lines or {}, env=env, own=tuple(own)).plan()
        for env, own in chosen.items()
    ]
    try:
        suites.require_scale([plan.env for plan in made], made[0].catalog)
    except ConfigError as error:
        reader.refuse(str(error), "envs" if "envs" in reader.data else "suite")
    return tuple(made)


def _load(path: Path) -> tuple[Any, marked_yaml.Lines]:
    if not path.is_file():
        raise PlanError(f"a plan must be a file, got {path}. Check the path.")
    return marked_yaml.load(path)


def _of_env(data: Mapping[str, Any], env: str, own: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in data.items() if key not in ("envs", "suite")}
    merged = {**kept, **own, "env": env}
    both = [part.get("hyperparameters") for part in (data, own)]
    if all(isinstance(part, Mapping) for part in both):
        merged["hyperparameters"] = {**both[0], **both[1]}  # type: ignore[dict-item]
    return merged


class _Reader:
    """Reads a plan key by key, so that every error points at a line.

    Args:
        data: The plan, of one environment unless only `envs` is called.
        path: Its file.
        lines: Where its keys stand.
        env: The environment it is read for, where the file names several.
        own: Keys that stand under that environment.
    """

    def __init__(
        self,
        data: Any,
        path: Path | None,
        lines: marked_yaml.Lines,
        *,
        env: str | None = None,
        own: tuple[str, ...] = (),
    ) -> None:
        self.path, self.lines, self.env, self.own = path, lines, env, own
        if not isinstance(data, Mapping):
            self.refuse(f"a plan must be a mapping, got {data!r}. Write `key: value` lines.")
        self.data: Mapping[str, Any] = data
        self.only(data, KEYS)

    def refuse(self, message: str, *keys: Any) -> NoReturn:
        if self.env is not None and keys and (keys[0] in self.own or keys[0] == "env"):
            keys = ("envs", self.env, *(keys if keys[0] != "env" else ()))
        if self.env is not None and self.env not in message:
            message = f"{self.env}: {message}"
        place = "" if self.path is None else marked_yaml.place(self.path, self.lines, *keys) + ": "
        raise PlanError(place + message, path=keys)

    def only(self, data: Mapping[str, Any], known: Any, *above: str) -> None:
        for key in data:
            if key not in known:
                hint = near_misses(str(key), known)
                self.refuse(f'a plan must use known keys, got "{key}". {hint}', *above, key)

    def envs(self) -> dict[str, Mapping[str, Any]] | None:
        """Each environment with what it says for itself; None where the plan has one ``env``."""
        given = [key for key in _NAMES_ENVS if self.data.get(key) is not None]
        if len(given) > 1:
            self.refuse(
                f'a plan must name its environments in one way, got "{given[0]}" and "{given[1]}". '
                "Keep one of them.",
                given[1],
            )
        if given in ([], ["env"]):
            return None
        if given == ["suite"]:
            return self._members(self.take("suite", str))
        found = self.data["envs"]
        if isinstance(found, list) and len(set(map(str, found))) == len(found):
            found = dict.fromkeys(found)
        if not isinstance(found, Mapping) or not found:
            self.refuse(
                f"envs must be a list of different names or a mapping, got {found!r}. "
                "Write e.g. [CartPole-v1, Acrobot-v1].",
                "envs",
            )
        for name, own in found.items():
            if not isinstance(name, str) or not isinstance(own, Mapping | None):
                self.refuse(f"{name} must have a mapping, got {own!r}. Correct it.", "envs", name)
            self.only(own or {}, OF_ONE_ENV, "envs", name)
        return {name: own or {} for name, own in found.items()}

    def _members(self, suite: str) -> dict[str, Mapping[str, Any]]:
        catalog = [str(self._near(folder)) for folder in self.take("catalog", list, [])]
        try:
            return {name: {} for name in suites.members(suite, catalog)}
        except UnknownName as error:
            self.refuse(str(error), "suite")

    def plan(self) -> Plan:
        env, algo = self.take("env", str), self.take("algo", str)
        catalog = tuple(str(self._near(folder)) for folder in self.take("catalog", list, []))
        self._known_env(env, catalog)
        row = self.row(algo, env, catalog)
        steps = self.take("steps", int, int(row["n_timesteps"]))
        if steps < 1:
            self.refuse(f"steps must be above 0, got {steps}. Give environment steps.", "steps")
        chosen = self.take("evaluation", dict, {})
        self.only(chosen, EVALUATION, "evaluation")
        for key, kind in EVALUATION.items():
            if key in chosen:
                self._require(chosen[key], kind, "evaluation", key)
        recipe = rewardwrap_envs.find(env, catalog)
        threshold = self.take("threshold", float, None if recipe is None else recipe.threshold)
        return Plan(
            env=env,
            algo=algo.lower(),
            steps=steps,
            seeds=self.seeds(),
            rewards=self.rewards(env, catalog, row.get("gamma")),
            row={**row, "n_timesteps": steps},
            every=chosen.get("every", max(1, steps // POINTS)),
            episodes=chosen.get("episodes", 5),
            eval_seed=chosen.get("seed", 10_000),
            deterministic=chosen.get("deterministic", True),
            threshold=threshold,
            env_kwargs=self.take("env_kwargs", dict, {}),
            catalog=catalog,
            checkpoint=self.checkpoint(),
        )

    def checkpoint(self) -> int:
        chosen = self.take("checkpoint", dict, {})
        self.only(chosen, ("every",), "checkpoint")
        if "every" not in chosen:
            return CHECKPOINT
        return int(self._require(chosen["every"], int, "checkpoint", "every"))

    def take(self, key: str, kind: Any, *default: Any) -> Any:
        value = self.data.get(key)
        if value is None:
            if not default:
                self.refuse(f'a plan must have the key "{key}", got none. Add `{key}: ...`.')
            return default[0]
        return self._require(value, kind, key)

    def row(self, algo: str, env: str, catalog: tuple[str, ...]) -> dict[str, Any]:
        recipe = rewardwrap_envs.find(env, catalog)
        wanted = self.take("hyperparameters", dict, {})
        try:
            preset = rewardwrap_policies.hyperparameters(
                algo, env, env_id=env if recipe is None else recipe.id
            )
        except (rewardwrap_policies.UnknownAlgorithm, rewardwrap_policies.UnknownPreset) as error:
            self.refuse(str(error), "algo")
        merged = {**preset.row, **wanted}
        merged = {key: value for key, value in merged.items() if value is not None}
        try:
            read_row(
                preset.algo, "hyperparameters", merged, path=self.path or "plan", lines=self.lines
            )
        except rewardwrap_policies.PresetError as error:
            raise PlanError(str(error), path=("hyperparameters",)) from error
        return merged

    def seeds(self) -> tuple[int, ...]:
        value = self.data.get("seeds", 10)
        seeds = list(range(value)) if isinstance(value, int) else value
        fits = isinstance(seeds, list) and seeds and all(type(seed) is int for seed in seeds)
        if isinstance(value, bool) or not fits or len(set(seeds)) < len(seeds) or min(seeds) < 0:
            self.refuse(
                f"seeds must be how many, or a list of different whole numbers, got {value!r}. "
                "Write e.g. 10.",
                "seeds",
            )
        return tuple(seeds)

    def rewards(self, env: str, catalog: tuple[str, ...], gamma: float | None) -> dict[str, Reward]:
        strategies = self.take("strategies", dict)
        folder = None if self.path is None else self.path.parent
        found = {}
        for name, choice in strategies.items():
            keys = ("strategies", name)
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                self.refuse(
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
                self.refuse(str(error), *error.path)
        if not found:
            self.refuse(
                "a plan must have at least one strategy, got none. Add env: env.", "strategies"
            )
        return found

    def _require(self, value: Any, kind: Any, *keys: str) -> Any:
        fits = isinstance(value, (int, float) if kind is float else kind)
        if not fits or (isinstance(value, bool) and kind is not bool):
            name = {dict: "a mapping", list: "a list", str: "text", bool: "true or false"}.get(
                kind, "a whole number" if kind is int else "a number"
            )
            self.refuse(f'"{keys[-1]}" must be {name}, got {value!r}. Correct it.', *keys)
        if kind is int and value < (0 if keys[-1] == "seed" else 1):
            self.refuse(f'"{keys[-1]}" must be above 0, got {value}. Correct it.', *keys)
        return value

    def _near(self, folder: str) -> Path:
        return Path(folder) if self.path is None else self.path.parent / folder

    def _known_env(self, env: str, catalog: tuple[str, ...]) -> None:
        from rewardwrap.training.agent import require_env

        try:
            require_env(env, catalog)
        except UnknownName as error:
            self.refuse(str(error), "env")
