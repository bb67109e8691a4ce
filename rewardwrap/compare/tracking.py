"""Finished runs, written where people track experiments: TensorBoard always, MLflow and W&B on demand.

Every writer is fed from finished runs, never from a training: tracking cannot slow one down or change
it, and a comparison that is finished can still be tracked. In MLflow and W&B the comparison is the
group (MLflow: the experiment), the strategy the job type, the run id the name. What was written once
is not written again: ``tracked/<tracker>.txt`` beside the store lists it.

Both work without network: MLflow writes to ``MLFLOW_TRACKING_URI``, by default ``mlflow.db`` beside the
store; W&B goes by ``WANDB_MODE``, and ``offline`` writes to ``wandb/`` beside the store.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rewardwrap.compare.spec import Spec, run_id
from rewardwrap.compare.store import Store
from rewardwrap.core.errors import UnknownName, extra

FINAL = ("true_return", "shaped_return", "length")
_CURVES = {"true_return": "eval/true_return", "shaped_return": "eval/shaped_return"}
Writer = Callable[[str, list[tuple[Spec, dict[str, Any]]], Path], None]


def write_events(folder: Path, summary: Mapping[str, Any]) -> None:
    """The curves of a run as a TensorBoard event file.

    Args:
        folder: Where; the file is named as TensorBoard wants it.
        summary: What the run measured, see `rewardwrap.compare.run.run_one`.
    """
    from torch.utils.tensorboard.writer import SummaryWriter

    terms = [f"reward/{name}_mean" for name in summary["terms"]]
    charts = {"true return beside shaped": ["Multiline", list(_CURVES.values())]}
    charts |= {"return of each term": ["Multiline", terms]} if terms else {}
    with SummaryWriter(str(folder)) as writer:
        writer.add_custom_scalars({"reward": charts})
        for step, values in points(summary):
            for name, value in values.items():
                writer.add_scalar(name, value, step)


def points(summary: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, float]]]:
    """Each evaluation point: its step and every curve there, named as in all trackers."""
    curves = {**{shown: summary[name] for name, shown in _CURVES.items()}}
    curves["eval/length"] = summary["length"]
    curves |= {f"reward/{name}_mean": curve for name, curve in summary["terms"].items()}
    for place, step in enumerate(summary["steps"]):
        yield int(step), {name: float(curve[place]) for name, curve in curves.items()}


def parameters(spec: Spec) -> dict[str, str | int | float]:
    """What was asked for, as flat names and short values."""
    plain = {name: spec[name] for name in ("strategy", "env", "algo", "steps", "seed")}
    row = {f"hyperparameters.{name}": value for name, value in spec["hyperparameters"].items()}
    told = {**plain, **row, "reward": spec["reward"], "evaluation": spec["evaluation"]}
    return {
        name: value if isinstance(value, str | int | float) else json.dumps(value)
        for name, value in told.items()
    }


def results(summary: Mapping[str, Any]) -> dict[str, float]:
    """The last evaluation point and the costs."""
    final = {f"final/{name}": float(summary[name][-1]) for name in FINAL}
    costs = {f"cost/{name}": float(summary[name]) for name in ("cpu_seconds", "env_steps")}
    return {**final, **costs}


def track(name: str, specs: list[Spec], store: Store, *, group: str) -> int:
    """Write the finished runs that this tracker does not have yet.

    Args:
        name: ``mlflow`` or ``wandb``.
        specs: The runs of the comparison.
        store: Where they are.
        group: Id of the comparison.

    Returns:
        How many were written.

    Raises:
        UnknownName: There is no such tracker.
        MissingExtra: Its package is not installed.
    """
    if name not in TRACKERS:
        raise UnknownName("tracker", name, TRACKERS)
    require(name)
    folder = store.root.absolute().parent
    book = folder / "tracked" / f"{name}.txt"
    known = set(book.read_text(encoding="utf-8").split()) if book.is_file() else set()
    fresh = {run_id(spec): spec for spec in specs if store.is_finished(run_id(spec))}
    runs = [(spec, store.summary(key)) for key, spec in fresh.items() if key not in known]
    if runs:
        TRACKERS[name](group, runs, folder)
        book.parent.mkdir(exist_ok=True)
        with book.open("a", encoding="utf-8") as file:
            file.writelines(f"{run_id(spec)}\n" for spec, _ in runs)
    return len(runs)


def require(name: str) -> None:
    """Refuse a tracker that is unknown or not installed, before anything is trained.

    Raises:
        UnknownName: There is no such tracker.
        MissingExtra: Its package is not installed.
    """
    if name not in TRACKERS:
        raise UnknownName("tracker", name, TRACKERS)
    extra(name, needs=f"--track {name}", install="track")


def _to_mlflow(group: str, runs: list[tuple[Spec, dict[str, Any]]], folder: Path) -> None:
    mlflow = extra("mlflow", needs="--track mlflow", install="track")
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder / 'mlflow.db'}"
    client = mlflow.MlflowClient(tracking_uri=uri)
    known = client.get_experiment_by_name(group)
    experiment = known.experiment_id if known else client.create_experiment(group)
    entities = mlflow.entities
    for spec, summary in runs:
        tags = {"mlflow.runName": run_id(spec), "group": group, "job_type": spec["strategy"]}
        run = client.create_run(experiment, tags=tags).info.run_id
        params = [entities.Param(k, str(v)[:6000]) for k, v in parameters(spec).items()]
        metrics = [
            entities.Metric(key, value, 0, step)
            for step, values in points(summary)
            for key, value in values.items()
        ]
        last = int(summary["steps"][-1])
        metrics += [entities.Metric(k, v, 0, last) for k, v in results(summary).items()]
        client.log_batch(run, params=params)
        for start in range(0, len(metrics), 1000):  # the most that one call takes
            client.log_batch(run, metrics=metrics[start : start + 1000])
        client.set_terminated(run)


def _to_wandb(group: str, runs: list[tuple[Spec, dict[str, Any]]], folder: Path) -> None:
    wandb = extra("wandb", needs="--track wandb", install="track")
    for spec, summary in runs:
        with wandb.init(
            project=os.environ.get("WANDB_PROJECT", "rewardwrap"),
            group=group,
            job_type=spec["strategy"],
            name=run_id(spec),
            config=parameters(spec),
            dir=str(folder),
            reinit="finish_previous",
            settings=wandb.Settings(silent=True, console="off"),
        ) as run:
            for step, values in points(summary):
                run.log(values, step=step)
            run.summary.update(results(summary))


TRACKERS: dict[str, Writer] = {"mlflow": _to_mlflow, "wandb": _to_wandb}
"""Tracker -> what writes runs to it."""
