"""The front door of a comparison: what Python asks for as a request, and what it is given back."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from rewardwrap.compare import declaration, suite_report
from rewardwrap.compare.carry_out import carry_out
from rewardwrap.compare.plan import Plan, plans_from
from rewardwrap.compare.reported import Reported, ReportedSuite
from rewardwrap.compare.request import Request
from rewardwrap.compare.results import Comparison
from rewardwrap.compare.store import Store
from rewardwrap.compare.suite import folder_of
from rewardwrap.core.errors import ConfigError
from rewardwrap.training.folder import plain_name
from rewardwrap.training.luggage import Luggage, env_name


def asked(
    env: Any,
    strategies: Mapping[str, Any],
    *,
    algo: str,
    seeds: int | Iterable[int],
    jobs: int | None,
    out: str | Path | None,
    catalog: Iterable[str | Path],
    tune: int = 0,
    videos: bool = False,
    track: str | Iterable[str] = (),
    **said: Any,
) -> Request:
    """The request that Python's words stand for; see `rw.compare`.

    Raises:
        PlanError: They do not say what they must.
    """
    if not isinstance(strategies, Mapping):
        raise ConfigError(
            f"strategies must be a mapping of names to rewards, got {type(strategies).__name__}. Write e.g. "
            '{"env": "env", "mine": reward}.'
        )
    if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1):
        raise ConfigError(
            f"jobs must be a whole number from 1, got {jobs!r}. None takes all cores."
        )
    if isinstance(tune, bool) or not isinstance(tune, int) or tune < 0:
        raise ConfigError(f"tune must be a whole number of trials, got {tune!r}. 0 tunes nothing.")
    names = [env_name(each) for each in env] if isinstance(env, list | tuple) else [env_name(env)]
    plans = plans_from(_data(names, strategies, algo, seeds, catalog, said), rows=False)
    luggage = Luggage.of([r for plan in plans for r in plan.rewards.values()], *names)
    folder = f"{'+'.join(plain_name(plan.env) for plan in plans)}-{plans[0].algo}"
    out = Path("comparisons") / folder if out is None else Path(out)
    trackers = (track,) if isinstance(track, str) else tuple(track)
    _require(trackers, tune=tune, videos=videos)
    return Request(
        plans=declaration.hold(
            [_marked(plan, luggage) for plan in plans], Store(out / "runs"), out
        ),
        out=out,
        command="rw.compare(...)",
        jobs=jobs,
        trackers=trackers,
        tune=tune,
        videos=videos,
        luggage=luggage,
    )


def _require(trackers: Sequence[str], *, tune: int, videos: bool) -> None:
    """Refuse before anything is trained what has no package here."""
    from rewardwrap.compare import tracking
    from rewardwrap.core.errors import extra
    from rewardwrap.training import films

    for tracker in trackers:
        tracking.require(tracker)
    if tune:
        extra("optuna", needs="tune", install="tune")
    if videos:
        films.require("videos")


def _data(
    envs: Sequence[str],
    strategies: Mapping[str, Any],
    algo: str,
    seeds: int | Iterable[int],
    catalog: Iterable[str | Path],
    said: Mapping[str, Any],
) -> dict[str, Any]:
    """As a plan file says it; what is None is left to the preset and the recipe."""
    evaluation = {"every": said["eval_freq"], "episodes": said["eval_episodes"]}
    stop = said.get("stop", {})
    names = (
        "steps", "threshold", "primary", "limit", "hyperparameters", "env_kwargs", "device", "backend",
    )  # fmt: skip
    data: dict[str, Any] = {
        **({"env": envs[0]} if len(envs) == 1 else {"envs": list(envs)}),
        "algo": algo,
        "seeds": seeds if isinstance(seeds, int | str) else list(seeds),
        "strategies": dict(strategies),
        "catalog": [str(Path(folder).absolute()) for folder in catalog] or None,
        "evaluation": {key: value for key, value in evaluation.items() if value is not None}
        or None,
        "stop": {key: value for key, value in stop.items() if value is not None} or None,
        **{key: said.get(key) for key in names},
    }
    return {key: value for key, value in data.items() if value is not None}


def _marked(plan: Plan, luggage: Luggage) -> Plan:
    """The plan, whose reader is told what cannot be repeated from what is written down."""
    if not luggage.functions:
        return plan
    remark = (
        f"{', '.join(luggage.functions)}: functions of the program that asked, which are not written down; "
        "only that program can repeat these runs."
    )
    return replace(plan, remarks=(*plan.remarks, remark))


def reported(request: Request, *, verbose: bool) -> Reported | ReportedSuite:
    """Carry a request out."""
    from rich.console import Console

    console = Console(width=None if verbose else 110, file=None if verbose else io.StringIO())
    made = carry_out(request, console)
    several = len(made.comparisons) > 1
    below = {c.env: request.out / "envs" / folder_of(c.env) for c in made.comparisons}
    each = [_of(c, below[c.env] if several else request.out) for c in made.comparisons]
    return ReportedSuite(suite_report.read(request.out), each, request.out) if several else each[0]


def _of(comparison: Comparison, folder: Path) -> Reported:
    known = {each.name: getattr(comparison, each.name) for each in fields(Comparison)}
    return Reported(**known, folder=folder)
