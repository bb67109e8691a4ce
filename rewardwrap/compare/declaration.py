"""By what a comparison is decided, and what stepped its lanes: written down before the first run.

``done`` where the task is done or not done: success is told by the environment's info, its recipe calls the
return sparse, or a plan for an environment without a recipe says which return counts as doing the task.
``area`` where returns are graded. A plan may say ``primary:`` itself; after the first run nobody may. Nor may
anybody take another back end then: other simulators pay other returns, and would stand in one table.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rewardwrap.compare.plan import Plan
from rewardwrap.compare.reading import PlanError
from rewardwrap.compare.store import Store
from rewardwrap.files import write_whole
from rewardwrap.limits import parsed
from rewardwrap.training.folder import writable

NAME = "declared.json"
OLDER = (
    "The first runs were finished before a measure was declared here, so the area decides, as it did "
    "then."
)


def hold(plans: Sequence[Plan], store: Store, out: Path) -> tuple[Plan, ...]:
    """Hold the plans to what was declared in this folder; writes nothing.

    Args:
        plans: One for each environment.
        store: Its runs; before the first is finished everything may be declared anew.
        out: The folder of the comparison.

    Returns:
        The plans; those of a store from before there were declarations are decided by area.

    Raises:
        PlanError: A plan says something else than what was declared before the first run.
    """
    if not store.is_started():
        return tuple(plans)
    known, held = _known(out / NAME), []
    first: dict[str, Any] = next(iter(known.values()), {})
    before = first.get("backend", "dummy")
    for plan in plans:
        wanted = _of(plan)
        if plan.backend != before:
            raise PlanError(
                f"{plan.env}: the back end must be that of the first runs, {before}, got {plan.backend}: a "
                "comparison never mixes them. Give another --out."
            )
        if not known and plan.primary != "area":
            plan = replace(plan, primary="area", remarks=(*plan.remarks, OLDER))
        elif known.get(plan.env, wanted) != wanted:
            raise PlanError(
                f"{plan.env}: what decides must be what was declared before the first run, "
                f"{_words(known[plan.env])}, got {_words(wanted)}. Give another --out to decide anew."
            )
        held.append(plan)
    return tuple(held)


def declare(plans: Sequence[Plan], store: Store, out: Path) -> None:
    """Write ``declared.json``; call it with what `hold` returned, before anything is trained."""
    started, known = store.is_started(), _known(out / NAME)
    if started and not known:
        return
    every = {**(known if started else {}), **{plan.env: _of(plan) for plan in plans}}
    if every != known:
        writable(out)
        write_whole(out / NAME, json.dumps(every, indent=1) + "\n")


def _of(plan: Plan) -> dict[str, Any]:
    goal = {"threshold": plan.threshold} if plan.primary == "done" else {}
    backend = {"backend": plan.backend} if plan.backend != "dummy" else {}
    return {"primary": plan.primary, **goal, **backend}


def _known(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        found: dict[str, Any] = parsed(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PlanError(
            f"{file} must be JSON, got {error}. Give another --out: what was declared is lost."
        ) from error
    return found


def _words(declared: dict[str, Any]) -> str:
    goal = f" at {declared['threshold']:g}" if "threshold" in declared else ""
    return f"{declared['primary']}{goal}"
