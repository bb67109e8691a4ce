"""Where the runs of a comparison are computed: three methods, so that another place is one class."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from rewardwrap.compare.run import THREADS, Spec, run_id
from rewardwrap.compare.store import Store

ATTEMPTS = 2
"""How often a run is started whose process was killed from outside."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Args:
        spec: Which.
        error: Why it is not in the store, in a sentence; None if it is.
        disk_full: Whether that was the disk, so that the next run would fail the same way.
    """

    spec: Spec
    error: str | None = None
    disk_full: bool = False


class Executor(Protocol):
    """Computes runs. What finished is in the store; an executor remembers nothing."""

    def submit(self, spec: Spec) -> None:
        """Take a run on; returns at once."""

    def as_done(self) -> Iterator[Outcome]:
        """Every run that was submitted, as it ends."""

    def cancel(self) -> None:
        """Stop everything; what is finished stays."""


@dataclass(eq=False)
class _Worker:
    spec: Spec
    attempt: int
    process: subprocess.Popen[str]
    failed: str | None = None
    full: bool = False
    errors: deque[str] = field(default_factory=lambda: deque(maxlen=20))


class LocalExecutor:
    """One fresh process for each run on this machine, ``jobs`` at a time, one thread each.

    Args:
        store: Where finished runs go.
        jobs: Processes at a time.
        on_step: Called with the run id and the steps it took so far.
    """

    def __init__(
        self, store: Store, jobs: int, *, on_step: Callable[[str, int], None] | None = None
    ) -> None:
        self._store, self._jobs, self._on_step = store, jobs, on_step
        self._waiting: deque[tuple[Spec, int]] = deque()
        self._running: list[_Worker] = []
        self._events: queue.Queue[tuple[_Worker, dict[str, Any] | None]] = queue.Queue()

    def submit(self, spec: Spec) -> None:
        self._waiting.append((spec, 1))

    def as_done(self) -> Iterator[Outcome]:
        while self._waiting or self._running:
            while self._waiting and len(self._running) < self._jobs:
                self._start(*self._waiting.popleft())
            worker, event = self._events.get()
            if worker not in self._running:
                continue
            if event is not None:
                self._note(worker, event)
            elif (outcome := self._ended(worker)) is not None:
                yield outcome

    def cancel(self) -> None:
        self._waiting.clear()
        for worker in self._running:
            worker.process.kill()
        for worker in self._running:
            worker.process.wait()
        self._running.clear()
        self._store.sweep()

    def _start(self, spec: Spec, attempt: int) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "rewardwrap.compare.run"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **dict.fromkeys(THREADS, "1")},
            # Ctrl-C is for this process alone, which then ends its workers in order
            start_new_session=True,
        )
        worker = _Worker(spec, attempt, process)
        self._running.append(worker)
        assert process.stdin is not None
        try:
            json.dump({"spec": spec, "root": str(self._store.root)}, process.stdin)
            process.stdin.close()
        except BrokenPipeError:
            pass  # killed already; its end is noticed like any other
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()

    def _listen(self, worker: _Worker) -> None:
        process = worker.process
        assert process.stdout is not None
        assert process.stderr is not None
        drain = threading.Thread(target=worker.errors.extend, args=(process.stderr,), daemon=True)
        drain.start()
        for line in process.stdout:
            self._events.put((worker, json.loads(line)))
        drain.join()
        process.wait()
        process.stdout.close()
        process.stderr.close()
        self._events.put((worker, None))

    def _note(self, worker: _Worker, event: dict[str, Any]) -> None:
        if "failed" in event:
            worker.failed, worker.full = event["failed"], event.get("full", False)
        elif "step" in event and self._on_step is not None:
            self._on_step(run_id(worker.spec), event["step"])

    def _ended(self, worker: _Worker) -> Outcome | None:
        self._running.remove(worker)
        if self._store.is_finished(run_id(worker.spec)):
            return Outcome(worker.spec)
        if worker.failed is not None:
            return Outcome(worker.spec, worker.failed, worker.full)
        code = worker.process.returncode
        if code < 0 and worker.attempt < ATTEMPTS:
            self._store.sweep()
            self._waiting.appendleft((worker.spec, worker.attempt + 1))
            return None
        if code < 0:
            return Outcome(worker.spec, f"its process was killed {ATTEMPTS} times (signal {-code})")
        lines = [line.strip() for line in worker.errors if line.strip()]
        last = lines[-1] if lines else "no message"
        return Outcome(worker.spec, f"its process ended with code {code}: {last}")
