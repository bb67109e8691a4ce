"""Where the runs of a comparison are computed: three methods, so that another place is one class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rewardwrap.compare.executors.local import LocalExecutor
from rewardwrap.compare.executors.protocol import ATTEMPTS, Executor, Outcome
from rewardwrap.compare.executors.ray import RayExecutor
from rewardwrap.compare.executors.slurm import SlurmExecutor
from rewardwrap.compare.store import Store
from rewardwrap.core.errors import ConfigError, UnknownName, extra

__all__ = [
    "ATTEMPTS",
    "EXECUTORS",
    "Executor",
    "LocalExecutor",
    "Outcome",
    "RayExecutor",
    "SlurmExecutor",
    "executor_named",
    "require",
]

EXECUTORS = ("local", "ray", "slurm")
"""Names that `executor_named` knows."""


def executor_named(
    name: str,
    store: Store,
    *,
    jobs: int | None = None,
    address: str | None = None,
    on_step: Callable[[str, int], None] | None = None,
    luggage: Mapping[str, Any] | None = None,
) -> Executor:
    """The executor of that name, ready to take runs.

    Args:
        name: ``local``, ``ray`` or ``slurm``.
        store: Where finished runs go; every machine must see this folder.
        jobs: Runs at a time; None: as many as there are processors where they are computed.
        address: ray: ``host:port`` of a cluster (None: a cluster of this machine alone, or
            ``RAY_ADDRESS``); slurm: a partition, or ``local`` for processes of this machine.
        on_step: Called with the run id and the steps it took so far.
        luggage: What runs need beside their specs (`rewardwrap.training.luggage`); for ``local`` alone.

    Raises:
        UnknownName: There is no such executor.
        ConfigError: An address for the local one, or a cluster that does not answer.
        MissingExtra: Its package is not installed.
    """
    require(name, address)
    if luggage and name != "local":
        raise ConfigError(
            f"--executor {name} must be given rewards and environments that another machine can import, got "
            "functions or classes of this program. Put them into a module of their own, or compute locally."
        )
    if name == "ray":
        return RayExecutor(store, jobs, address=address, on_step=on_step)
    if name == "slurm":
        return SlurmExecutor(store, jobs, partition=address, on_step=on_step)
    return LocalExecutor(store, jobs, on_step=on_step, luggage=luggage)


def require(name: str, address: str | None = None) -> None:
    """Refuse an executor that cannot work; raises like `executor_named`, but connects to nothing."""
    if name not in EXECUTORS:
        raise UnknownName("executor", name, EXECUTORS)
    if name == "local" and address is not None:
        raise ConfigError(
            f'--address must go with --executor ray or slurm, got "{address}" with local. '
            "Name the executor."
        )
    if name != "local":
        module = {"ray": "ray", "slurm": "submitit"}[name]
        extra(module, needs=f"--executor {name}", install=name)
