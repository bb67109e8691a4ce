"""Runs on a Ray cluster: the one that answers at an address, or one of this machine alone.

A run is a task with one processor and no result but a word on how it went: what it measured lies in
the store, so that neither a lost node nor a lost driver loses a finished run. Ray starts a run again
whose node or process died; a run that lands twice is kept once, because the store's second writer
throws its copy away.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from rewardwrap.compare.executors.protocol import Outcome
from rewardwrap.compare.executors.steps import Steps
from rewardwrap.compare.executors.worker import Event, compute, crash_sentence, ended
from rewardwrap.compare.spec import THREADS, Spec, run_id
from rewardwrap.compare.store import Store
from rewardwrap.core.errors import ConfigError, extra

RETRIES = 5
"""How often Ray starts a run again whose node or process died, or whose network drive hiccuped."""
RUNS_PER_PROCESS = 20
"""Ray keeps worker processes, which saves the imports; a fresh one now and then bounds their memory."""
OPTIONS: dict[str, Any] = {
    "num_cpus": 1,
    "max_retries": RETRIES,
    "retry_exceptions": [OSError],
    "max_calls": RUNS_PER_PROCESS,
    "runtime_env": {"env_vars": dict.fromkeys(THREADS, "1")},
}
"""What Ray is told about a run."""
TIMEOUT = 10.0
"""Seconds in which a cluster must answer."""
LOOK = 0.5
"""Seconds between two looks at how far the runs are."""
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_NO_SETTINGS = b"\0\0\0\4\0\0\0\0\0"


class RayExecutor:
    """Tasks of a Ray cluster, one processor and one thread each.

    Every node must have rewardwrap installed and see the store's folder under the same path.

    Args:
        store: Where finished runs go.
        jobs: Tasks at a time; None: as many as the cluster has processors.
        address: As in ``ray.init``, e.g. ``"10.0.0.1:6379"``, ``"auto"``; None: ``RAY_ADDRESS``, else
            a cluster of this machine alone, which ends with the comparison.
        on_step: Called with the run id and the steps it took so far.

    Raises:
        ConfigError: Nothing answers at the address.
        MissingExtra: Ray is not installed.
    """

    def __init__(
        self,
        store: Store,
        jobs: int | None = None,
        *,
        address: str | None = None,
        on_step: Callable[[str, int], None] | None = None,
    ) -> None:
        self._ray = extra("ray", needs="--executor ray", install="ray")
        self._store, self._jobs, self._on_step = store, jobs, on_step
        self._address = address or os.environ.get("RAY_ADDRESS")
        self._connected = connect(self._ray, self._address, jobs)
        self._task = self._ray.remote(**OPTIONS)(compute)
        self._waiting: deque[Spec] = deque()
        self._running: dict[Any, Spec] = {}
        self._steps = Steps(store)

    def submit(self, spec: Spec) -> None:
        self._waiting.append(spec)
        if not self._ray.is_initialized():  # cancelled before, and taken into use again
            self._connected = connect(self._ray, self._address, self._jobs)

    def as_done(self) -> Iterator[Outcome]:
        while self._waiting or self._running:
            while self._waiting and (self._jobs is None or len(self._running) < self._jobs):
                self._start(self._waiting.popleft())
            over, _ = self._ray.wait(list(self._running), num_returns=1, timeout=LOOK)
            for task in over:
                yield self._ended(task)
            self._steps.tell(self._running.values(), self._on_step)

    def cancel(self) -> None:
        self._waiting.clear()
        for task in self._running:
            self._ray.cancel(task, force=True)
        if self._running:
            # their processes end after this call returns, and only then are their folders orphans
            self._ray.wait(list(self._running), num_returns=len(self._running), timeout=TIMEOUT)
        self._running.clear()
        if self._connected:
            self._ray.shutdown()
            self._connected = False
        self._steps.clear()
        self._store.sweep()

    def _start(self, spec: Spec) -> None:
        root = str(self._store.root.absolute())
        task = self._task.options(name=run_id(spec)).remote(
            spec, root, str(self._steps.folder), os.getcwd()
        )
        self._running[task] = spec

    def _ended(self, task: Any) -> Outcome:
        spec = self._running.pop(task)
        errors = self._ray.exceptions
        event: Event
        try:
            event = self._ray.get(task)
        except errors.RayTaskError as error:
            event = {"failed": crash_sentence(getattr(error, "cause", None) or error)}
        except errors.RayError as error:
            said = str(error).strip().splitlines() or [type(error).__name__]
            event = {"failed": f"its node or process was lost {RETRIES + 1} times: {said[0]}"}
        return ended(spec, self._store, event)


def connect(ray: ModuleType, address: str | None, jobs: int | None) -> bool:
    """Connect unless this process is connected already; whether it is ours to end."""
    if ray.is_initialized():
        return False
    if address is not None:
        _require_answer(address)
        # else Ray goes on for minutes with a server that is none of its own
        os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "1")
    options: dict[str, Any] = {"address": address}
    if address in (None, "local"):
        options = {"address": "local", "num_cpus": jobs, "include_dashboard": False}
        options["_node_ip_address"] = "127.0.0.1"  # nobody else needs to reach it
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    before = signal.getsignal(signal.SIGTERM)
    try:
        with warnings.catch_warnings():
            # about a variable that a later version will read differently where there is no GPU
            warnings.filterwarnings("ignore", "Tip: In future versions of Ray", FutureWarning)
            ray.init(log_to_driver=False, logging_level="ERROR", **options)
    except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise _no_answer(address or "local", str(error).strip().splitlines()[0]) from error
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)  # Ray puts its own there
    return True


def _require_answer(address: str) -> None:
    """Ray itself waits for minutes where nothing listens, or something that does not speak gRPC."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdigit():
        if address in ("auto", "local"):
            return
        raise _no_answer(address, "no host:port")
    try:
        with socket.create_connection((host, int(port)), TIMEOUT) as server:
            answered = _speaks_grpc(server)
    except OSError as error:
        raise _no_answer(address, error.strerror or str(error) or "no answer") from error
    if not answered:
        raise _no_answer(address, "a server that is no Ray")


def _speaks_grpc(server: socket.socket) -> bool:
    """Whether it greets as HTTP/2 wants (RFC 9113, 3.4); under TLS that would need certificates."""
    if os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true"):
        return True
    server.sendall(_PREFACE + _NO_SETTINGS)
    with server.makefile("rb") as answer:
        return answer.read(len(_NO_SETTINGS))[3:4] == _NO_SETTINGS[3:4]


def _no_answer(address: str, got: str) -> ConfigError:
    return ConfigError(
        f"--address must be that of a Ray cluster that answers, got {address}: {got}. "
        "Start one with `ray start --head`, or leave --address out to use this machine alone."
    )
