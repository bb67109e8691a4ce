"""A ``map`` whose items are shared among workers: processes of this machine, or of a Ray cluster."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, TypeAlias

from rewardwrap.core.errors import ConfigError, extra

Map: TypeAlias = Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]


@contextmanager
def shared_map(executor: str, jobs: int, address: str | None = None) -> Iterator[Map]:
    """``map`` over ``jobs`` workers, in the order of the items; each worker is given one share of a call.

    Args:
        executor: ``"local"``: this process for one job, else processes; ``"ray"``: tasks of a cluster.
        jobs: Workers.
        address: Of the Ray cluster, as in ``ray.init``; None: ``RAY_ADDRESS``, else one of this machine.

    Raises:
        ConfigError: An address without Ray, or nothing answers there.
        MissingExtra: Ray is not installed.
    """
    if executor == "ray":
        with _by_ray(jobs, address) as mapped:
            yield mapped
        return
    if address is not None:
        raise ConfigError(f"--address must go with --executor ray, got {address}. Leave it out.")
    if jobs == 1:
        yield map
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield lambda call, items: pool.map(call, items, chunksize=-(-len(items) // jobs))


@contextmanager
def _by_ray(jobs: int, address: str | None) -> Iterator[Map]:
    from rewardwrap.compare.executors.ray import OPTIONS, connect

    ray = extra("ray", needs="--executor ray", install="ray")
    ours = connect(ray, address or os.environ.get("RAY_ADDRESS"), jobs)
    task = ray.remote(**OPTIONS)(_share)

    def mapped(call: Callable[[Any], Any], items: Sequence[Any]) -> Iterable[Any]:
        size = -(-len(items) // jobs)
        given = [items[i : i + size] for i in range(0, len(items), size)]
        asked = [task.remote(call, part, os.getcwd()) for part in given]
        return chain.from_iterable(ray.get(asked))

    try:
        yield mapped
    finally:
        if ours:
            ray.shutdown()


def _share(call: Callable[[Any], Any], items: Sequence[Any], folder: str) -> list[Any]:
    # environments named "module:Id" lie where the command was given
    if folder not in sys.path and os.path.isdir(folder):
        sys.path.append(folder)
    return [call(item) for item in items]
