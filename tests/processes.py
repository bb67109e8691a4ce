"""Processes of their own that begin with everything that trainings need already imported.

An interpreter that imports torch anew takes two seconds of a core. The fork server of multiprocessing has
imported it once and forks; what then runs is a process like any other, to be killed, stopped and waited for.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SERVER = multiprocessing.get_context("forkserver")
NEEDED = ["stable_baselines3", "mujoco", "rewardwrap.compare.carry_out", "rewardwrap.api.train"]
"""What the server imports before it forks; see ``tests/conftest.py``."""


class Command:
    """``rewardwrap WORDS`` under way, with what `subprocess.Popen` has.

    Args:
        words: Of the command; or Python code, and what stands in ``sys.argv`` behind its name.
        cwd: Where it runs.
        code: Whether the first of ``words`` is code.
        together: Whether what it says in error is in ``out`` too.
    """

    def __init__(self, *words: str, cwd: Path, code: bool = False, together: bool = False) -> None:
        self._said = cwd / f".said-{os.urandom(4).hex()}", cwd / f".wrong-{os.urandom(4).hex()}"
        files = (str(self._said[0]), str(self._said[0 if together else 1]))
        self._process = SERVER.Process(
            target=_run,
            args=(_code if code else _command, words, str(cwd), files, dict(os.environ)),
            daemon=True,
        )
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Less than 0: the signal that ended it; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait; what it printed, and what it said in error."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("rewardwrap", timeout or 0.0)
        out, err = (file.read_text() if file.exists() else "" for file in self._said)
        for file in self._said:
            file.unlink(missing_ok=True)
        return out, err


def ended(*words: str, cwd: Path, code: bool = False) -> subprocess.CompletedProcess[str]:
    """`Command` when it is over."""
    process = Command(*words, cwd=cwd, code=code)
    out, err = process.communicate()
    assert process.returncode is not None
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def _run(
    what: Callable[[Sequence[str]], Any],
    words: Sequence[str],
    cwd: str,
    said: tuple[str, str],
    environment: dict[str, str],
) -> None:
    # the server was started in another folder, with what was set then, and is deaf to Ctrl-C
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, name in enumerate(said, 1):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    sys.path.insert(0, cwd)
    try:
        code = what(words)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    sys.exit(code)


def _command(words: Sequence[str]) -> int:
    from rewardwrap.cli import main

    sys.argv = ["rewardwrap", *words]
    return main()


def _code(words: Sequence[str]) -> None:
    sys.argv = ["-c", *words[1:]]
    exec(compile(words[0], "<code>", "exec"), {"__name__": "__main__"})
