"""What computes runs, wherever it lies: one thread, one run after the other, a word on how each went.

``python -m rewardwrap.compare.executors.worker`` is the worker of this machine. It imports what
trainings need once, then reads one ``{"spec": ..., "root": ..., "luggage": ..., "folder": ...}`` a line
from standard input and computes each in a fork of itself, in that folder: no run sees what another left
in memory, and none pays for the imports (1.7 CPU seconds, 3 % of a run of a minute). On systems where
forking after imports is not safe it ends after one run, and whoever wants more starts another.

It reports on standard output, one JSON object a line: ``{"process": its pid}``, ``{"step": n}`` under
way, then what `perform` returns, last ``{"ended": exit code}``.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any, NoReturn, TextIO

import rewardwrap_envs
import rewardwrap_policies
from rewardwrap.compare.executors.protocol import Outcome
from rewardwrap.compare.executors.steps import noting
from rewardwrap.compare.run import execute
from rewardwrap.compare.spec import THREADS, Spec, run_id
from rewardwrap.compare.store import Store, StoreError
from rewardwrap.core.errors import RewardwrapError
from rewardwrap.training.luggage import unpacked

Event = dict[str, Any]
FORKS = sys.platform == "linux"
_NEEDED = (
    "gymnasium.envs",
    "rewardwrap.compare.checkpoints",
    "rewardwrap.adapters.sb3",
    "stable_baselines3",
    "torch.utils.tensorboard",
    "rewardwrap.training.agent",
    "rewardwrap.training.bundle",
    "rewardwrap.training.evaluation",
    "rewardwrap.training.progress",
)
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


def perform(spec: Spec, root: str, report: Callable[[int], None] | None = None) -> Event:
    """Compute one run into the store.

    Args:
        spec: Which.
        root: The store's folder.
        report: Called with the steps taken so far.

    Returns:
        ``{"done": True}``, or ``{"failed": sentence, "full": whether the disk was it}``.
    """
    try:
        execute(spec, Store(root), report=report)
    except StoreError as error:
        return {"failed": error.strerror or str(error), "full": True}
    except (RewardwrapError, rewardwrap_envs.EnvsError, rewardwrap_policies.PoliciesError) as error:
        return {"failed": str(error), "full": False}
    return {"done": True}


def compute(spec: Spec, root: str, steps: str, folder: str) -> Event:
    """One run on whatever machine: what clusters call there.

    Args:
        spec: The run.
        root: The store's folder.
        steps: Where it notes how far it is.
        folder: Where the command was given: rewards named ``"module:function"`` lie there.
    """
    if folder not in sys.path and os.path.isdir(folder):
        sys.path.append(folder)
    use_one_thread()
    return {**perform(spec, root, noting(steps, run_id(spec))), "host": socket.gethostname()}


def ended(spec: Spec, store: Store, event: Event) -> Outcome:
    """How a run of another machine went, by what it said and by what this one sees of it."""
    if store.is_finished(run_id(spec)):
        return Outcome(spec)
    if "failed" in event:
        return Outcome(spec, event["failed"], event.get("full", False))
    return Outcome(
        spec,
        f"the folder {store.root.absolute()} must be shared by all nodes, got a run that "
        f"{event['host']} finished and this machine does not see. Choose a shared --out.",
    )


def use_one_thread() -> None:
    """Keep numpy, BLAS and torch of this process to one thread."""
    for name in THREADS:
        os.environ[name] = "1"
    import torch

    torch.set_num_threads(1)


def crash_sentence(error: BaseException) -> str:
    """What went wrong in a run that nobody foresaw, in one line."""
    said = traceback.format_exception_only(error)[-1].strip().splitlines()
    return f"its process ended with an error: {said[-1] if said else type(error).__name__}"


def import_needed() -> None:
    """Import what every training imports.

    Starts no thread, because a fork copies only one; pyarrow would, so it is not among them.
    """
    for module in _NEEDED:
        importlib.import_module(module)
    import torch

    # the first optimizer of a process imports torch's compiler
    torch.optim.Adam([torch.zeros(1, requires_grad=True)])
    gc.freeze()  # else the collector of each fork copies the pages of all that is shared


def main() -> int:
    """Compute the runs on standard input."""
    sys.path += sys.argv[1:]
    for name in THREADS:
        os.environ[name] = "1"
    # whatever a library prints must not get between the reports
    reports = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    if not FORKS:
        return _one(json.loads(sys.stdin.readline()), reports)
    import_needed()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    worker = os.getpid()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become_a_run(worker)
            # said by the run itself, before it claims anything: whoever outlives the worker knows
            # of every process that may still hold a claim
            _say(reports, process=os.getpid())
            _leave(_one(json.loads(line), reports))
        try:
            _, status = os.waitpid(child, 0)
        except SystemExit:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise
        _say(reports, ended=os.waitstatus_to_exitcode(status))
    return 0


def _one(task: dict[str, Any], reports: TextIO) -> int:
    """Compute one run, in a process of its own."""

    def crashed(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        sys.__excepthook__(kind, error, trace)
        if not isinstance(error, BrokenPipeError):
            _say(reports, failed=crash_sentence(error), full=False)
        if FORKS:
            _leave(1)

    sys.excepthook = crashed
    os.chdir(task["folder"])
    with unpacked(task.get("luggage", {})).at_hand():
        event = perform(task["spec"], task["root"], lambda step: _say(reports, step=step))
    _say(reports, **event)
    return 1 if "failed" in event else 0


def _leave(code: int) -> NoReturn:
    """End a fork at once: taking the imports down again, one by one, costs half a second."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _say(reports: TextIO, **event: Any) -> None:
    print(json.dumps(event), file=reports, flush=True)


def _become_a_run(worker: int) -> None:
    """Leave the worker's part and end with it: a run would go on unseen beside its second attempt."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.stdin = open(os.devnull)  # noqa: SIM115 - for as long as the process lives
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != worker:  # it ended before that call
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
