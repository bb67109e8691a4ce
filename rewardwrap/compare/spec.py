"""What one training of a comparison is asked for, as plain JSON, and the name that follows from it."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

Spec = dict[str, Any]
"""``strategy, env, algo, steps, seed, reward, hyperparameters, evaluation, env_kwargs, catalog, checkpoint,
code, versions``; ``limit`` where a time limit ends the task, ``stop`` where a training may end early,
``device`` and ``backend`` where one was asked for. `Plan.specs` makes them."""

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
        limit=spec.get("limit", "bootstrap"),
        device=spec.get("device", "auto"),
        backend=spec.get("backend", "dummy"),
    )
