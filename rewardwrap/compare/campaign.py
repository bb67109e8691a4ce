"""A plan, carried out: what is finished is kept, the rest is trained, all of it becomes a comparison."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import zip_longest

import numpy as np

from rewardwrap.compare.executors import Executor, Outcome
from rewardwrap.compare.plan import Plan
from rewardwrap.compare.results import Comparison, Failure, ResultsError, Run
from rewardwrap.compare.spec import Spec, run_id, settings_of
from rewardwrap.compare.store import Store, StoreError
from rewardwrap.core.errors import RewardwrapError
from rewardwrap.training.provenance import versions
from rewardwrap.training.refusal import refuse_unfit
from rewardwrap_envs import EnvsError
from rewardwrap_policies import PoliciesError


def missing(specs: list[Spec], store: Store) -> list[Spec]:
    """The runs that are not finished yet."""
    return [spec for spec in specs if not store.is_finished(run_id(spec))]


def refuse_unfit_strategies(specs: list[Spec]) -> None:
    """Build and step each strategy once, before anything is trained.

    Raises:
        RewardwrapError: One cannot work; a note names it.
    """
    first = {(spec["env"], spec["strategy"]): spec for spec in reversed(specs)}
    for spec in reversed(first.values()):
        try:
            refuse_unfit(settings_of(spec))
        except (RewardwrapError, EnvsError, PoliciesError) as error:
            error.add_note(f"strategy {spec['strategy']} on {spec['env']}")
            raise


def in_turn(groups: Iterable[list[Spec]]) -> list[Spec]:
    """The specs of several plans, one of each in turn, so that a broken-off suite is balanced."""
    rounds = zip_longest(*groups)
    return [spec for one in rounds for spec in one if spec is not None]


def conduct(
    specs: list[Spec],
    store: Store,
    executor: Executor,
    *,
    on_end: Callable[[Outcome], None] | None = None,
) -> list[Failure]:
    """Train what is missing.

    Args:
        specs: Every run of the plan.
        store: Where finished runs are.
        executor: Where missing ones are computed.
        on_end: Called after each.

    Returns:
        The runs that failed.

    Raises:
        StoreError: The disk is full; finished runs stay.
    """
    store.sweep()
    failures: list[Failure] = []
    left = missing(specs, store)
    while left:
        elsewhere = []
        for outcome in _ended(left, executor):
            if outcome.disk_full:
                raise StoreError(outcome.error)
            ended = _settled(outcome, store)
            if ended is None:
                elsewhere.append(outcome.spec)
                continue
            if on_end is not None:
                on_end(ended)
            if ended.error is not None:
                spec = ended.spec
                failures.append(Failure(spec["strategy"], spec["seed"], ended.error, spec["env"]))
        left = _until_free(elsewhere, store, on_end)
    return failures


def _ended(specs: list[Spec], executor: Executor) -> Iterator[Outcome]:
    for spec in specs:
        executor.submit(spec)
    try:
        yield from executor.as_done()
    finally:
        executor.cancel()


def _settled(outcome: Outcome, store: Store) -> Outcome | None:
    """The outcome, or None where another process that shares the store is still training the run."""
    name = run_id(outcome.spec)
    if outcome.error is None or store.is_finished(name):
        return Outcome(outcome.spec)
    return None if store.claims.holder(name) else outcome


def _until_free(
    specs: list[Spec], store: Store, on_end: Callable[[Outcome], None] | None
) -> list[Spec]:
    """Wait for the runs of other processes; those that were given up there, to be trained here."""
    left = list(specs)
    while left:
        free = []
        for spec in list(left):
            name = run_id(spec)
            if store.is_finished(name):
                left.remove(spec)
                if on_end is not None:
                    on_end(Outcome(spec))
            elif store.claims.holder(name) is None:
                left.remove(spec)
                free.append(spec)
        if free:
            return free + left
        time.sleep(min(1.0, store.claims.beat))
    return []


def collect(
    plan: Plan, specs: list[Spec], store: Store, *, failures: list[Failure], command: str
) -> Comparison:
    """The comparison of all finished runs of a plan."""
    runs, broken = [], [failure for failure in failures if failure.env in ("", plan.env)]
    for spec in specs:
        if not store.is_finished(run_id(spec)):
            continue
        try:
            runs.append(_run(spec, store))
        except ResultsError as error:
            broken.append(Failure(spec["strategy"], spec["seed"], str(error)))
    return Comparison(
        env=plan.env,
        algo=plan.algo,
        steps=plan.steps,
        threshold=plan.threshold,
        strategies=tuple(plan.rewards),
        runs=tuple(runs),
        failures=tuple(broken),
        rewards={name: reward.to_config() for name, reward in plan.rewards.items()},
        hyperparameters=dict(plan.row),
        versions=versions(),
        command=command,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        hashes=_hashes(specs),
        eval_episodes=plan.episodes,
        primary=plan.primary,
        bounds=plan.bounds,
        remarks=(*plan.remarks, *_early(plan, specs, store)),
    )


def _early(plan: Plan, specs: list[Spec], store: Store) -> tuple[str, ...]:
    """Who stopped early: the flat ends of the curves are not what more training would have given."""
    if not plan.stopping:
        return ()
    finished = [spec for spec in specs if store.is_finished(run_id(spec))]
    stopped = [s["strategy"] for s in finished if store.summary(run_id(s)).get("stopped")]
    shares = [f"{stopped.count(n)} of {len(plan.seeds)} runs of {n}" for n in plan.rewards]
    return (
        f"Trainings could stop early, and {', '.join(shares)} did. The agent learns nothing more from there "
        "on: its curve stays at its last evaluation.",
    )


def _run(spec: Spec, store: Store) -> Run:
    found = store.summary(run_id(spec))
    try:
        return Run(
            strategy=spec["strategy"],
            seed=spec["seed"],
            steps=np.array(found["steps"]),
            true_return=np.array(found["true_return"]),
            shaped_return=np.array(found["shaped_return"]),
            length=np.array(found["length"]),
            terms={name: np.array(curve) for name, curve in found["terms"].items()},
            cpu_seconds=found["cpu_seconds"],
            wall_seconds=found["wall_seconds"],
            env_steps=found["env_steps"],
            run=run_id(spec),
            continued=len(found["continued"]),
            same_curve=found["same_curve"],
            # runs from before they were written down do not say
            success=found.get("success"),
            groups=found.get("groups", {}),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ResultsError(
            f"{store.path(run_id(spec))}: summary.json must be complete, got a problem with {error}. "
            "Delete that folder; the run is then trained again."
        ) from error


def _hashes(specs: list[Spec]) -> dict[str, str]:
    rewards = {f"reward {spec['strategy']}": _hash(spec["reward"]) for spec in specs}
    return {"plan": _hash([run_id(spec) for spec in specs]), **rewards}


def _hash(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
