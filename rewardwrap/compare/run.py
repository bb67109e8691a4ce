"""One training of a comparison: a pure function of a JSON spec, and the process that it runs in.

``python -m rewardwrap.compare.run`` reads ``{"spec": ..., "root": ...}`` from standard input, trains,
puts the finished run into the store and reports on standard output, one JSON object a line.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import rewardwrap_envs
import rewardwrap_policies
from rewardwrap.compare.store import Store, StoreError, write_json
from rewardwrap.core.combine import SHAPED, TRUE
from rewardwrap.core.errors import RewardwrapError

Spec = dict[str, Any]
"""``strategy, env, algo, steps, seed, reward, hyperparameters, evaluation, env_kwargs, catalog, code,
versions``; `rewardwrap.compare.plan.Plan.specs` makes them."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
# where the files of a user lie does not change what is trained; what they say is in "code"
_NOT_HASHED = ("strategy", "catalog")


def run_id(spec: Spec) -> str:
    """``strategy-env-seed-<hash>``: the same for the same training under the same libraries."""
    kept = {key: value for key, value in spec.items() if key not in _NOT_HASHED}
    canonical = json.dumps(kept, sort_keys=True, separators=(",", ":"), allow_nan=False)
    digest = hashlib.sha256(canonical.encode()).hexdigest()[:12]
    names = (re.sub(r"[^A-Za-z0-9_.]+", "_", spec[key]) for key in ("strategy", "env"))
    return "-".join([*names, str(spec["seed"]), digest])


def run_one(
    spec: Spec, *, report: Callable[[int], None] | None = None, folder: Path | None = None
) -> dict[str, Any]:
    """Train and evaluate.

    Args:
        spec: See `Spec`.
        report: Called with the steps taken so far, about twice a second.
        folder: Where the finished agent's bundle goes; None keeps none.

    Returns:
        Curves over the evaluation points (``steps, true_return, shaped_return, length, terms``), all
        episodes behind them, and the costs.
    """
    import torch

    torch.set_num_threads(1)
    from rewardwrap.training import agent, bundle, evaluation

    started, cpu = time.perf_counter(), time.process_time()
    chosen = spec["evaluation"]
    protocol = evaluation.Protocol(
        chosen["episodes"], chosen["seed"], deterministic=chosen["deterministic"]
    )
    made = agent.build(settings_of(spec))
    eval_env = made.eval_env(protocol.width)
    grid = [0, *evaluation.grid(spec["steps"], chosen["every"])]
    curve = evaluation.Curve(eval_env, grid, protocol)
    made.model.learn(spec["steps"], callback=[curve, *_reporting(report)])
    curve.finish()
    summary = {
        **_curves(curve.points),
        "cpu_seconds": time.process_time() - cpu,
        "wall_seconds": time.perf_counter() - started,
        "env_steps": made.model.num_timesteps,
    }
    if folder is not None:
        bundle.write(made, folder / "bundle", protocol=protocol)
    eval_env.close()
    made.close()
    return summary


def settings_of(spec: Spec) -> Any:
    """The settings of the training; see `rewardwrap.training.agent.Settings`."""
    from rewardwrap.training.agent import Settings

    return Settings(
        env=spec["env"],
        algo=spec["algo"],
        reward=spec["reward"],
        row=spec["hyperparameters"],
        seed=spec["seed"],
        env_kwargs=spec["env_kwargs"],
        catalog=tuple(spec["catalog"]),
    )


def execute(spec: Spec, store: Store, *, report: Callable[[int], None] | None = None) -> None:
    """Train into the store; a run that is finished stays as it is."""
    name = run_id(spec)
    if store.is_finished(name):
        return
    with store.writing(name) as folder:
        write_json(folder / "spec.json", spec)
        write_json(folder / "summary.json", run_one(spec, report=report, folder=folder))


def _curves(points: Mapping[int, Any]) -> dict[str, Any]:
    found = list(points.values())
    names = [name for name in found[0].terms if name not in (TRUE, SHAPED)]
    return {
        "steps": list(points),
        "true_return": [float(e.true.mean()) for e in found],
        "shaped_return": [float(e.shaped.mean()) for e in found],
        "length": [float(e.lengths.mean()) for e in found],
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


def main() -> int:
    """Run the spec on standard input in this process."""
    for name in THREADS:
        os.environ[name] = "1"
    # whatever a library prints must not get between the reports
    reports = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    task = json.load(sys.stdin)
    store = Store(task["root"])

    def say(**event: Any) -> None:
        print(json.dumps(event), file=reports, flush=True)

    try:
        execute(task["spec"], store, report=lambda step: say(step=step))
    except StoreError as error:
        say(failed=error.strerror or str(error), full=True)
        return 1
    except BrokenPipeError:
        return 1
    except (RewardwrapError, rewardwrap_envs.EnvsError, rewardwrap_policies.PoliciesError) as error:
        say(failed=str(error))
        return 1
    say(done=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
