"""One training of a comparison: a pure function of a JSON spec, put into the store when it is whole.

Where and in which process it runs is up to `rewardwrap.compare.executors`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.compare.spec import Spec, run_id, settings_of
from rewardwrap.compare.store import Store, write_json
from rewardwrap.compare.tracking import write_events
from rewardwrap.core.reward import SHAPED, TRUE

if TYPE_CHECKING:
    from rewardwrap.compare.checkpoints import Past
    from rewardwrap.training.agent import Agent
    from rewardwrap.training.evaluation import Protocol


def run_one(
    spec: Spec,
    *,
    report: Callable[[int], None] | None = None,
    folder: Path | None = None,
    checkpoints: Path | None = None,
) -> dict[str, Any]:
    """Train and evaluate.

    Args:
        spec: See `Spec`.
        report: Called with the steps taken so far, about twice a second.
        folder: Where the tables and the finished agent's bundle go; None keeps none.
        checkpoints: Where a long training leaves what it can go on from, and looks for it; None: it
            crosses the same borders and leaves nothing.

    Returns:
        Curves over the evaluation points (``steps, true_return, shaped_return, length, terms``), all
        episodes behind them, the costs, and at which steps it was picked up again (``continued``;
        ``same_curve`` says whether that is the curve of an undisturbed run).
    """
    import torch

    torch.set_num_threads(1)
    from rewardwrap.compare import tables
    from rewardwrap.compare.checkpoints import repeats
    from rewardwrap.training import bundle, evaluation
    from rewardwrap.training.early import StopEarly
    from rewardwrap.training.stopping import Stopping
    from rewardwrap.training.teachers import teachers

    started, cpu = time.perf_counter(), time.process_time()
    chosen = spec["evaluation"]
    protocol = evaluation.Protocol(
        chosen["episodes"], chosen["seed"], deterministic=chosen["deterministic"]
    )
    made, past = _begin(spec, checkpoints)
    model, done = made.model, made.model.num_timesteps
    if past.continued[-1:] != (done,) and done:
        past = replace(past, continued=(*past.continued, done))
    eval_env = made.eval_env(protocol.width)
    grid = [0, *evaluation.grid(spec["steps"], chosen["every"])]
    curve = evaluation.Curve(eval_env, [s for s in grid if s not in past.points], protocol)
    curve.points.update(past.points)

    def so_far() -> Past:
        used = (time.process_time() - cpu, time.perf_counter() - started)
        return replace(
            past,
            points=curve.points,
            cpu_seconds=past.cpu_seconds + used[0],
            wall_seconds=past.wall_seconds + used[1],
        )

    rule = Stopping(**spec.get("stop", {}))
    early = StopEarly(
        rule,
        lambda: [float(e.true.mean()) for step, e in curve.points.items() if step],
        used=past.wall_seconds,
    )
    borders = _borders(spec, made, protocol, checkpoints, so_far)
    model.learn(
        spec["steps"] - done,
        callback=[
            curve,
            *([early] if rule else []),
            *borders,
            *teachers(made.reward, spec["seed"]),
            *_reporting(report),
        ],
        reset_num_timesteps=done == 0,
    )
    curve.finish()
    end = so_far()
    summary = {
        **_curves(curve.points),
        "groups": _groups(made),
        "cpu_seconds": end.cpu_seconds,
        "wall_seconds": end.wall_seconds,
        "env_steps": model.num_timesteps,
        "continued": list(end.continued),
        "stopped": early.reason,
        "same_curve": not end.continued or repeats(model, made.reward),
    }
    if folder is not None:
        tables.write(folder, curve.points, seed=protocol.seed)
        bundle.write(made, folder / "bundle", protocol=protocol)
    eval_env.close()
    made.close()
    return summary


def _begin(spec: Spec, checkpoints: Path | None) -> tuple[Agent, Past]:
    """From the newest checkpoint, else from the start."""
    from rewardwrap.compare.checkpoints import Past, read
    from rewardwrap.training import agent

    found = None
    if checkpoints is not None and spec.get("checkpoint") is not None:
        found = read(checkpoints, settings_of(spec))
    return found or (agent.build(settings_of(spec)), Past())


def _borders(
    spec: Spec,
    made: Agent,
    protocol: Protocol,
    checkpoints: Path | None,
    so_far: Callable[[], Past],
) -> list[Any]:
    from rewardwrap.compare.checkpoints import Border, write

    every = spec.get("checkpoint")
    if every is None:
        return []

    def save(step: int) -> None:
        if checkpoints is not None:
            write(made, checkpoints, protocol, so_far())

    return [Border(made, every, save, resumed=made.model.num_timesteps > 0)]


def execute(spec: Spec, store: Store, *, report: Callable[[int], None] | None = None) -> None:
    """Train into the store; a run that is finished stays as it is.

    Raises:
        Claimed: Another live process is training it.
        StoreError: The disk does not take it, or holds a run of another format.
    """
    name = run_id(spec)
    if store.is_finished(name):
        return
    with store.claims.holding(name):
        if store.is_finished(name):
            return
        with store.writing(name) as folder:
            write_json(folder / "spec.json", spec)
            found = run_one(spec, report=report, folder=folder, checkpoints=store.checkpoints(name))
            write_json(folder / "summary.json", found)
            write_events(folder, found)


def _groups(made: Agent) -> dict[str, float]:
    """What became of the groups that the learner was paid by; empty where it was paid by steps."""
    lockstep = getattr(made.adapter.venv, "lockstep", None)
    return {} if lockstep is None else dict(lockstep.figures())


def _curves(points: Mapping[int, Any]) -> dict[str, Any]:
    found = list(points.values())
    names = [name for name in found[0].terms if name not in (TRUE, SHAPED)]
    return {
        "steps": list(points),
        "true_return": [float(e.true.mean()) for e in found],
        "shaped_return": [float(e.shaped.mean()) for e in found],
        "length": [float(e.lengths.mean()) for e in found],
        "success": None if found[-1].success is None else float(found[-1].success.mean()),
        "terms": {name: [float(e.terms[name].mean()) for e in found] for name in names},
        "episodes": {
            "true_return": [e.true.tolist() for e in found],
            "shaped_return": [e.shaped.tolist() for e in found],
            "length": [e.lengths.tolist() for e in found],
        },
    }


def _reporting(report: Callable[[int], None] | None) -> list[Any]:
    if report is None:
        return []
    from rewardwrap.training.progress import Progress

    return [Progress(report)]
