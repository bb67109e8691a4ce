"""The parts of a comparison that cost time: tuning, training, gathering, trackers and films."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from rewardwrap.compare.request import Request
    from rewardwrap.compare.results import Comparison, Failure
    from rewardwrap.compare.spec import Spec


def train(request: Request, console: Console, specs: list[Spec]) -> list[Failure]:
    """Train what is missing of these runs, with progress; returns those that failed."""
    from rewardwrap.compare import campaign
    from rewardwrap.compare.board import Board
    from rewardwrap.compare.executors import executor_named
    from rewardwrap.compare.spec import run_id

    store = request.store
    left = campaign.missing(specs, store)
    if not left:
        return []
    with Board(console, specs, len(specs) - len(left)) as board:
        executor = executor_named(
            request.executor, store, jobs=request.jobs, address=request.address,
            on_step=board.step, luggage=request.luggage.packed(),
        )  # fmt: skip
        return campaign.conduct(
            specs,
            store,
            executor,
            on_end=lambda outcome: board.end(
                outcome, None if outcome.error else store.summary(run_id(outcome.spec))
            ),
        )


def tuned(request: Request, console: Console) -> Request:
    """The request with the numbers that tuning chose, and what it did for each environment."""
    if not request.tune:
        return request
    from rewardwrap.compare import tuning

    found, told = [], {}
    for plan in request.plans:
        console.print(
            f"Tuning on {plan.env}: {request.tune} trials of each strategy, seeds "
            f"{', '.join(map(str, tuning.tuning_seeds(plan.seeds)))}.",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip
        better, document = tuning.tune(
            plan, request.tune, request.store, lambda specs: train(request, console, specs)
        )
        found.append(better)
        told[plan.env] = document
        for line in tuning.lines(document):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    return replace(request, plans=tuple(found), tunings=told)


def collected(request: Request, failures: list[Failure]) -> list[Comparison]:
    """The comparison of each environment, with how its strategies were tuned."""
    from rewardwrap.compare import campaign

    found = []
    for plan in request.plans:
        specs, document = request.specs_of[plan.env], request.tunings.get(plan.env)
        made = campaign.collect(
            plan, specs, request.store, failures=failures, command=request.command
        )
        if document is not None:
            made = replace(made, tuning=document, remarks=(*made.remarks, document["sentence"]))
        found.append(made)
    return found


def finish(request: Request, console: Console) -> None:
    """Write to trackers and film; before the report, which shows the films."""
    from rewardwrap.compare import tracking, videos
    from rewardwrap.compare.spec import run_id
    from rewardwrap.compare.suite import folder_of

    digest = hashlib.sha256("\n".join(sorted(map(run_id, request.specs))).encode()).hexdigest()[:8]
    group = f"{request.out.resolve().name}-{digest}"
    for tracker in request.trackers:
        written = tracking.track(tracker, request.specs, request.store, group=group)
        console.print(f"{tracker}: {written} runs written to {group}.", markup=False)
    if not request.videos:
        return
    for env, specs in request.specs_of.items():
        folder = request.out if len(request.plans) == 1 else request.out / "envs" / folder_of(env)
        for video in videos.film(specs, request.store, folder):
            if "problem" in video:
                line = f"No video of {video['strategy']}: {video['problem']}"
                console.print(line, markup=False, highlight=False, soft_wrap=True)
