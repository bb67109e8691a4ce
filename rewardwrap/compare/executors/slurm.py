"""Runs as jobs of a SLURM cluster, through submitit; its local mode are processes of this machine.

Jobs that SLURM preempts or that reach their time limit are put back into the queue. What finished is
in the store, so a comparison whose driver was ended goes on when the same command is given again.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from rewardwrap.compare.executors.protocol import Outcome, cores
from rewardwrap.compare.executors.steps import Steps
from rewardwrap.compare.executors.worker import Event, compute, ended
from rewardwrap.compare.spec import THREADS, Spec
from rewardwrap.compare.store import Store
from rewardwrap.core.errors import ConfigError, extra

LOCAL = "local"
"""The partition that stands for processes of this machine."""
HOURS = 24
"""Time limit of a job."""
LOOK = {True: 0.2, False: 5.0}
"""Seconds between two looks: at own processes, and at SLURM's queue."""


class SlurmExecutor:
    """One job for each run, one processor and one thread each.

    Args:
        store: Where finished runs go; submitit's files lie in ``slurm`` beside it. Every node must
            see both under the same path.
        jobs: Jobs at a time; None: as many as SLURM allows, or as there are processors in local mode.
        partition: Of the cluster, None: its default; ``"local"``: processes of this machine.
        on_step: Called with the run id and the steps it took so far.

    Raises:
        ConfigError: There is no SLURM here.
        MissingExtra: submitit is not installed.
    """

    def __init__(
        self,
        store: Store,
        jobs: int | None = None,
        *,
        partition: str | None = None,
        on_step: Callable[[str, int], None] | None = None,
    ) -> None:
        self._submitit = extra("submitit", needs="--executor slurm", install="slurm")
        self._store, self._on_step = store, on_step
        self._local = partition == LOCAL
        self._jobs = jobs or (cores() if self._local else None)
        folder = store.root.absolute().parent / "slurm"
        try:
            self._executor = self._submitit.AutoExecutor(
                folder=folder, cluster=LOCAL if self._local else "slurm"
            )
        except RuntimeError as error:
            raise ConfigError(
                f"--executor slurm must find SLURM, got: {str(error).strip()}. Run it on a login "
                "node, or add --address local for processes of this machine."
            ) from error
        self._executor.update_parameters(**self._parameters(partition))
        self._waiting: deque[Spec] = deque()
        self._running: list[tuple[Any, Spec]] = []
        self._steps = Steps(store)

    def submit(self, spec: Spec) -> None:
        self._waiting.append(spec)

    def as_done(self) -> Iterator[Outcome]:
        while self._waiting or self._running:
            self._start()
            for pair in [pair for pair in self._running if pair[0].done()]:
                self._running.remove(pair)
                yield self._ended(*pair)
            self._steps.tell((spec for _, spec in self._running), self._on_step)
            if self._running:
                time.sleep(LOOK[self._local])

    def cancel(self) -> None:
        self._waiting.clear()
        for job, _ in self._running:
            job.cancel(check=False)
        deadline = time.monotonic() + 10
        while self._local and time.monotonic() < deadline:
            if all(job.done() for job, _ in self._running):
                break
            time.sleep(LOOK[True])
        self._running.clear()
        self._steps.clear()
        self._store.sweep()

    def _parameters(self, partition: str | None) -> dict[str, Any]:
        shared = {
            "name": "rewardwrap",
            "cpus_per_task": 1,
            "tasks_per_node": 1,
            "timeout_min": HOURS * 60,
        }
        if self._local:
            return shared
        wanted = {"slurm_partition": partition, "slurm_array_parallelism": self._jobs}
        return {
            **shared,
            **{key: value for key, value in wanted.items() if value is not None},
            "slurm_setup": [f"export {name}=1" for name in THREADS],
        }

    def _start(self) -> None:
        """Submit what fits: to SLURM all of it as one array, which keeps the limit itself."""
        room = len(self._waiting)
        if self._local:
            room = min(room, (self._jobs or 1) - len(self._running))
        if room < 1:
            return
        specs = [self._waiting.popleft() for _ in range(room)]
        root = str(self._store.root.absolute())
        with self._executor.batch():
            jobs = [
                self._executor.submit(Job(spec, root, str(self._steps.folder), os.getcwd()))
                for spec in specs
            ]
        self._running += zip(jobs, specs, strict=True)

    def _ended(self, job: Any, spec: Spec) -> Outcome:
        event: Event = {}
        error = job.exception()
        if error is not None:
            lines = [line.strip() for line in str(error).splitlines() if line.strip(" -")]
            last = lines[-1] if lines else type(error).__name__
            event = {"failed": f"its job {job.job_id} ended with an error: {last}"}
        else:
            event = job.result()
        return ended(spec, self._store, event)


class Job:
    """What a job computes, with the arguments of `compute`; submitit writes it down."""

    def __init__(self, spec: Spec, root: str, steps: str, folder: str) -> None:
        self.arguments = spec, root, steps, folder

    def __call__(self) -> Event:
        """Compute the run; a job that was put back into the queue begins here again."""
        return compute(*self.arguments)

    def checkpoint(self) -> Any:
        """What SLURM runs instead when it takes the node away: the same again."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)
