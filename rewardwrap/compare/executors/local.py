"""Runs on this machine, in as many processes as it has processors."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from rewardwrap.compare.claims import is_alive
from rewardwrap.compare.executors.protocol import ATTEMPTS, Outcome, cores
from rewardwrap.compare.spec import THREADS, Spec, run_id
from rewardwrap.compare.store import Store
from rewardwrap.training.children import child_command

PATIENCE = 5.0
"""Seconds that a worker has to end its run and itself."""
_GONE: dict[str, Any] = {"gone": True}
Event = tuple["_Worker", dict[str, Any]]


@dataclass(eq=False)
class _Worker:
    process: subprocess.Popen[str]
    started_as: object
    events: queue.Queue[Event]
    spec: Spec = field(default_factory=dict)
    attempt: int = 0
    failed: str | None = None
    full: bool = False
    run: int | None = None
    errors: deque[str] = field(default_factory=lambda: deque(maxlen=20))


_kept: list[list[_Worker]] = []


@contextmanager
def kept_workers() -> Iterator[None]:
    """Until the end of the block, an executor that is done leaves its idle workers to the next one.

    A worker imports for two seconds before its first run: a search that trains three times a round waits
    for that once. One is handed on only where another would be started with the same command and environment.
    """
    if _kept:
        # the outer block keeps them
        yield
        return
    _kept.append([])
    try:
        yield
    finally:
        _end(_kept.pop())


class LocalExecutor:
    """Worker processes on this machine, ``jobs`` at a time, one thread each.

    Args:
        store: Where finished runs go.
        jobs: Processes at a time; None: as many as there are processors.
        on_step: Called with the run id and the steps it took so far.
        luggage: What runs need beside their specs, see `rewardwrap.training.luggage`.
    """

    def __init__(
        self,
        store: Store,
        jobs: int | None = None,
        *,
        on_step: Callable[[str, int], None] | None = None,
        luggage: Mapping[str, Any] | None = None,
    ) -> None:
        self._luggage = dict(luggage or {})
        self._store, self._jobs, self._on_step = store, jobs or cores(), on_step
        self._waiting: deque[tuple[Spec, int]] = deque()
        self._running: list[_Worker] = []
        self._idle: list[_Worker] = []
        self._events: queue.Queue[Event] = queue.Queue()

    def submit(self, spec: Spec) -> None:
        self._waiting.append((spec, 1))

    def as_done(self) -> Iterator[Outcome]:
        while self._waiting or self._running:
            while self._waiting and len(self._running) < self._jobs:
                self._start(*self._waiting.popleft())
            worker, event = self._events.get()
            if "gone" in event:
                _close(worker)
            if worker not in self._running:
                self._idle = [idle for idle in self._idle if idle is not worker]
            elif "ended" in event or "gone" in event:
                outcome = self._ended(worker, event.get("ended"))
                if outcome is not None:
                    yield outcome
            else:
                self._note(worker, event)
        if _kept:
            _kept[-1] += self._idle
            self._idle = []
        self._end_workers()

    def cancel(self) -> None:
        self._waiting.clear()
        self._end_workers()
        self._store.sweep()

    def _start(self, spec: Spec, attempt: int) -> None:
        worker = self._idle.pop() if self._idle else self._hire()
        worker.spec, worker.attempt, worker.failed, worker.full = spec, attempt, None, False
        worker.run = None
        worker.errors.clear()
        self._running.append(worker)
        assert worker.process.stdin is not None
        try:
            task = {"spec": spec, "root": str(self._store.root), "luggage": self._luggage}
            task["folder"] = os.getcwd()
            json.dump(task, worker.process.stdin)
            worker.process.stdin.write("\n")
            worker.process.stdin.flush()
        except BrokenPipeError:
            pass  # killed already; its end is noticed like any other

    def _hire(self) -> _Worker:
        command = child_command("rewardwrap.compare.executors.worker")
        environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
        for worker in _kept[-1] if _kept else ():
            if worker.started_as == (command, environment) and worker.process.poll() is None:
                _kept[-1].remove(worker)
                worker.events = self._events
                return worker
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            # Ctrl-C is for this process alone, which then ends its workers in order
            start_new_session=True,
        )
        worker = _Worker(process, (command, environment), self._events)
        threading.Thread(target=_listen, args=(worker,), daemon=True).start()
        return worker

    def _note(self, worker: _Worker, event: dict[str, Any]) -> None:
        if "failed" in event:
            worker.failed, worker.full = event["failed"], event["full"]
        elif "process" in event:
            worker.run = event["process"]
        elif "step" in event and self._on_step is not None:
            self._on_step(run_id(worker.spec), event["step"])

    def _ended(self, worker: _Worker, code: int | None) -> Outcome | None:
        """What to say of a run whose process ended; None: it is started once more."""
        self._running.remove(worker)
        if code is None:
            code = worker.process.returncode
            _wait_for_run(worker)
        else:
            self._idle.append(worker)
        if self._store.is_finished(run_id(worker.spec)):
            return Outcome(worker.spec)
        if worker.failed is not None:
            return Outcome(worker.spec, worker.failed, worker.full)
        if code < 0 and worker.attempt < ATTEMPTS:
            self._store.sweep()
            self._waiting.appendleft((worker.spec, worker.attempt + 1))
            return None
        if code < 0:
            return Outcome(worker.spec, f"its process was killed {ATTEMPTS} times (signal {-code})")
        lines = [line.strip() for line in worker.errors if line.strip()]
        last = lines[-1] if lines else "no message"
        return Outcome(worker.spec, f"its process ended with code {code}: {last}")

    def _end_workers(self) -> None:
        """End them all; the run of one that is killed ends with it."""
        _end([*self._running, *self._idle])
        self._running.clear()
        self._idle.clear()


def _listen(worker: _Worker) -> None:
    process = worker.process
    assert process.stdout is not None
    assert process.stderr is not None
    drain = threading.Thread(target=worker.errors.extend, args=(process.stderr,), daemon=True)
    drain.start()
    for line in process.stdout:
        if line.endswith("\n"):  # else its writer was killed in the middle of it
            worker.events.put((worker, json.loads(line)))
    drain.join()
    process.wait()
    process.stdout.close()
    process.stderr.close()
    worker.events.put((worker, _GONE))


def _end(workers: list[_Worker]) -> None:
    for worker in workers:
        worker.process.terminate()
    for worker in workers:
        try:
            worker.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            worker.process.wait()
        _close(worker)


def _wait_for_run(worker: _Worker) -> None:
    """A run whose worker was killed dies a moment later, and holds its claim until then."""
    deadline = time.monotonic() + PATIENCE
    while worker.run and is_alive(worker.run) and time.monotonic() < deadline:
        time.sleep(0.01)


def _close(worker: _Worker) -> None:
    assert worker.process.stdin is not None
    with suppress(BrokenPipeError):
        worker.process.stdin.close()
