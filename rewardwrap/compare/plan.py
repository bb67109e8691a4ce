"""What to compare: an environment or several, one algorithm, several rewards, some seeds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from rewardwrap.adapters.build import Limit
from rewardwrap.compare import keys, suites
from rewardwrap.compare.keys import CHECKPOINT
from rewardwrap.compare.reading import PlanError, Reader
from rewardwrap.compare.spec import Spec
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.reward import Reward
from rewardwrap.training.provenance import code_hashes, versions
from rewardwrap.training.stopping import Stopping
from rewardwrap_envs import marked_yaml
from rewardwrap_envs.trust import require_trusted
from rewardwrap_policies import PresetError
from rewardwrap_policies.rows import read_row

__all__ = ["DEFAULT", "Plan", "PlanError", "plan_from", "plans_from", "read_plan", "read_plans"]

DEFAULT = Path(str(files("rewardwrap.compare") / "default.yml"))
"""The plan of ``rewardwrap compare`` without arguments."""


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
        limit: What a time limit is, ``"bootstrap"`` or ``"end"``; see `rewardwrap.wrap`.
        checkpoint: Steps between two points from which a broken-off run goes on; see
            `rewardwrap.compare.checkpoints`. It is part of what is trained.
        stopping: What ends each training early, by its true return.
        device: As in torch, or ``"auto"``.
        backend: What steps the lanes of every run; see `rewardwrap.make`.
        primary: What decides, ``"done"`` or ``"area"``; see `rewardwrap.compare.declaration`.
        bounds: Least and largest true return of an episode, None for unknown.
        remarks: What the reader of the report must know, a sentence each.
        file: Where the plan was read, for errors.
        lines: Where its keys stand there.
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
    limit: Limit = "bootstrap"
    checkpoint: int = CHECKPOINT
    stopping: Stopping = field(default_factory=Stopping)
    device: str = "auto"
    backend: str = "dummy"
    primary: Literal["done", "area"] = "area"
    bounds: tuple[float | None, float | None] = (None, None)
    remarks: tuple[str, ...] = ()
    file: Path | None = field(default=None, repr=False, compare=False)
    lines: marked_yaml.Lines = field(default_factory=dict, repr=False, compare=False)

    def require_row(self) -> None:
        """Refuse hyperparameters that the algorithm does not take; loads the algorithm.

        Raises:
            PlanError: An unknown key or a value of the wrong kind, with file and line.
        """
        try:
            read_row(
                self.algo, "hyperparameters", self.row, path=self.file or "plan", lines=self.lines
            )
        except PresetError as error:
            raise PlanError(str(error), path=("hyperparameters",)) from error

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
            # ale-py stands among them anyway
            "versions": versions(*(["envpool"] if self.backend == "envpool" else [])),
        }
        if self.limit != "bootstrap":  # runs from before there was a choice keep their names
            shared["limit"] = self.limit
        if self.stopping:
            rules = asdict(self.stopping)
            shared["stop"] = {name: rule for name, rule in rules.items() if rule is not None}
        if self.device != "auto":
            shared["device"] = self.device
        if self.backend != "dummy":
            shared["backend"] = self.backend
        specs = [
            {**shared, "strategy": name, "seed": seed, "reward": configs[name], "code": code[name]}
            for seed in self.seeds
            for name in self.rewards
        ]
        # through JSON, so that a spec is the same before and after it was written down
        made: list[Spec] = json.loads(json.dumps(specs, allow_nan=False))
        return made


def read_plan(path: Path, *, changes: Mapping[str, Any] | None = None, rows: bool = True) -> Plan:
    """Read a plan file.

    Args:
        path: YAML with the keys ``env, algo, steps, seeds, strategies`` and, where wanted,
            ``hyperparameters, evaluation, threshold, primary, limit, env_kwargs, catalog``.
        changes: Values that win over the file's, e.g. of the command line.
        rows: Whether hyperparameters are checked now. It takes the second that the algorithm needs
            to load; without it call `Plan.require_row` before anything is trained.

    Raises:
        PlanError: An unknown key, a missing one or a value of the wrong kind, with file and line.
    """
    data, lines = _load(path)
    if isinstance(data, Mapping):
        data = {**data, **(changes or {})}
    return plan_from(data, path=path, lines=lines, rows=rows)


def plan_from(
    data: Any,
    *,
    path: Path | None = None,
    lines: marked_yaml.Lines | None = None,
    rows: bool = True,
) -> Plan:
    """The plan that plain data describes; see `read_plan`."""
    return _plan(Reader(data, path, lines or {}), rows=rows)


def read_plans(
    path: Path, *, changes: Mapping[str, Any] | None = None, rows: bool = True
) -> tuple[Plan, ...]:
    """Read a plan file that may name several environments; see `plans_from` and `read_plan`."""
    data, lines = _load(path)
    if isinstance(data, Mapping):
        data = {**data, **(changes or {})}
        if changes and {"envs", "suite"} & changes.keys():
            data = {k: v for k, v in data.items() if k in changes or k not in keys.NAMES_ENVS}
    return plans_from(data, path=path, lines=lines, rows=rows)


def plans_from(
    data: Any,
    *,
    path: Path | None = None,
    lines: marked_yaml.Lines | None = None,
    rows: bool = True,
) -> tuple[Plan, ...]:
    """One plan for each environment that plain data names.

    ``env: NAME`` names one. ``envs: [NAME, ...]`` or ``suite: NAME`` name several, and ``envs: {NAME:
    {...}}`` says `rewardwrap.compare.keys.OF_ONE_ENV` for each; ``hyperparameters`` are merged,
    everything else replaces what the plan says for all.

    Raises:
        PlanError: See `read_plan`; also two ways to name environments, or one named twice.
    """
    reader = Reader(data, path, lines or {})
    chosen = keys.envs(reader)
    if chosen is None:
        return (_plan(reader, rows=rows),)
    made = [
        _plan(
            Reader(keys.of_env(reader.data, env, own), path, lines or {}, env=env, own=tuple(own)),
            rows=rows,
        )
        for env, own in chosen.items()
    ]
    try:
        suites.require_scale([plan.env for plan in made], made[0].catalog)
    except ConfigError as error:
        reader.refuse(str(error), "envs" if "envs" in reader.data else "suite")
    return tuple(made)


def _plan(reader: Reader, *, rows: bool) -> Plan:
    plan = Plan(**keys.fields(reader), file=reader.path, lines=reader.lines)
    if rows:
        plan.require_row()
    return plan


def _load(path: Path) -> tuple[Any, marked_yaml.Lines]:
    if not path.is_file():
        raise PlanError(f"a plan must be a file, got {path}. Check the path.")
    data, lines = marked_yaml.load(path)
    require_trusted(data, path, error=PlanError)
    return data, lines
