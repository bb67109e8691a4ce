"""Runs as jobs of a SLURM cluster, through submitit; its local mode are processes of this machine.

A job pays for an interpreter and its imports, about four seconds: short runs share one, each in a process of
its own there.

Jobs that SLURM preempts or that reach their time limit are put back into the queue. What finished is
in the store, so a comparison whose driver was ended goes on when the same command is given again.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rewardwrap.compare.executors.local import LocalExecutor
from rewardwrap.compare.executors.protocol import Outcome, cores
from rewardwrap.compare.executors.steps import Steps, noting
from rewardwrap.compare.executors.worker import Event, compute, ended
from rewardwrap.compare.spec import THREADS, Spec, run_id
from rewardwrap.compare.store import Store
from rewardwrap.core.errors import ConfigError, extra

LOCAL = "local"
"""The partition that stands for processes of this machine."""
HOURS = 24
"""Time limit of a job."""
LOOK = {True: 0.2, False: 5.0}
"""Seconds between two looks: at own processes, and at SLURM's queue."""
SHARED_STEPS = 500_000
"""Steps that runs of one job take together: about ten minutes, of which the start is below 1 %."""


class SlurmExecutor:
    """One job for each run, or for some short ones, with one processor and one thread.

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
        self._running: list[tuple[Any, list[Spec]]] = []
        self._steps = Steps(store)

    def submit(self, spec: Spec) -> None:
        self._waiting.append(spec)

    def as_done(self) -> Iterator[Outcome]:
        while self._waiting or self._running:
            self._start()
            for job, specs in list(self._running):
                if job.done():
                    self._running.remove((job, specs))
                    yield from self._ended(job, specs)
                    continue
                for spec in [s for s in specs if self._store.is_finished(run_id(s))]:
                    # its job goes on with the next one
                    specs.remove(spec)
                    yield Outcome(spec)
            under_way = [spec for _, specs in self._running for spec in specs]
            self._steps.tell(under_way, self._on_step)
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
        jobs = self._shared()
        if self._local:
            jobs = jobs[: (self._jobs or 1) - len(self._running)]
        if not jobs:
            return
        for _ in range(sum(map(len, jobs))):
            self._waiting.popleft()
        root = str(self._store.root.absolute())
        with self._executor.batch():
            made = [
                self._executor.submit(Job(specs, root, str(self._steps.folder), os.getcwd()))
                for specs in jobs
            ]
        self._running += zip(made, jobs, strict=True)

    def _shared(self) -> list[list[Spec]]:
        """The runs that wait, in the order they came, those of one job together."""
        # never so many in one that a place stays empty
        most = -(-len(self._waiting) // self._jobs) if self._jobs else len(self._waiting)
        jobs: list[list[Spec]] = []
        steps = 0
        for spec in self._waiting:
            steps += spec["steps"]
            if not jobs or len(jobs[-1]) >= most or steps > SHARED_STEPS:
                jobs.append([])
                steps = spec["steps"]
            jobs[-1].append(spec)
        return jobs

    def _ended(self, job: Any, specs: Sequence[Spec]) -> Iterator[Outcome]:
        """How the runs went that were not told of while their job ran."""
        error = job.exception()
        events: dict[str, Event] = {} if error is not None else job.result()
        if error is not None:
            lines = [line.strip() for line in str(error).splitlines() if line.strip(" -")]
            last = lines[-1] if lines else type(error).__name__
            failed: Event = {"failed": f"its job {job.job_id} ended with an error: {last}"}
            events = {run_id(spec): failed for spec in specs}
        for spec in specs:
            yield ended(spec, self._store, events[run_id(spec)])


class Job:
    """What a job computes; submitit writes it down.

    Args:
        specs: The runs.
        root: The store's folder.
        steps: Where they note how far they are.
        folder: Where the command was given.
    """

    def __init__(self, specs: Sequence[Spec], root: str, steps: str, folder: str) -> None:
        self.specs, self.arguments = list(specs), (root, steps, folder)

    def __call__(self) -> dict[str, Event]:
        """Run id -> how it went. A job that was put back into the queue begins here again."""
        root, steps, folder = self.arguments
        store = Store(root)
        missing = [spec for spec in self.specs if not store.is_finished(run_id(spec))]
        host: Event = {"host": socket.gethostname()}
        events = {run_id(spec): {"done": True, **host} for spec in self.specs}
        if len(missing) == 1:
            events[run_id(missing[0])] = compute(missing[0], root, steps, folder)
            return events
        if os.path.isdir(folder):
            os.chdir(folder)
            sys.path += [folder] * (folder not in sys.path)
        notes = {run_id(spec): noting(steps, run_id(spec)) for spec in missing}
        here = LocalExecutor(store, 1, on_step=lambda name, taken: notes[name](taken))
        for spec in missing:
            here.submit(spec)
        for outcome in here.as_done():
            if outcome.error is not None:
                failed = {"failed": outcome.error, "full": outcome.disk_full, **host}
                events[run_id(outcome.spec)] = failed
        return events

    def checkpoint(self) -> Any:
        """What SLURM runs instead when it takes the node away: the same again."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)
