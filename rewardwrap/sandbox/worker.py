"""The process in which reward code lives: boots, locks itself, loads one source, answers until killed.

It is started as a fresh interpreter with an empty environment and one channel. It never imports the rest of
the package.
"""

from __future__ import annotations
import __future__

import functools
import importlib.abc
import json
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from types import ModuleType, TracebackType
from typing import Any, cast

from rewardwrap.sandbox import channel as turn
from rewardwrap.sandbox.channel import (
    ANSWER,
    ANSWER_HEAD,
    HEAD,
    REQUEST,
    TEXT,
    Channel,
    Column,
    channel_of,
)

FILE = "<reward>"
ANNOTATIONS = __future__.annotations.compiler_flag


class NoMoreImports(importlib.abc.MetaPathFinder):
    """Stands in for every finder once the worker is locked: a sentence instead of a killed process."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        raise ImportError(
            f"import of {fullname} must be left out: numpy and math are all that reward code has"
        )


class Nowhere:
    """Where print goes."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        """Drop it."""
        return len(text)

    def flush(self) -> None:
        """Nothing to do."""


class Worker:
    """Requests and answers over a channel.

    Args:
        channel: To the trainer.
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.sequence = 0

    def wait(self) -> tuple[int, int, int]:
        """The next request: operation, rows, bytes of text."""
        self.channel.receive()
        self.sequence, operation, rows, length = REQUEST.unpack_from(self.channel.requests)
        return operation, rows, length

    def text(self, length: int) -> Any:
        """The JSON of a request."""
        return json.loads(self.channel.requests[HEAD : HEAD + length])

    def answer(self, status: int = turn.DONE, text: str = "") -> None:
        """Write the head, and text where there is some, and say so."""
        content = text.encode("utf-8", "replace")[:TEXT]
        self.channel.answers[HEAD : HEAD + len(content)] = content
        ANSWER.pack_into(self.channel.answers, 0, self.sequence, status, len(content))
        self.channel.send(HEAD + len(content))


def main(arguments: Sequence[str]) -> None:
    """Serve one source; the arguments are those of its channel."""
    worker = Worker(channel_of(arguments))
    _, _, length = worker.wait()
    boot = worker.text(length)
    try:
        _boot(worker, boot)
    except Exception as error:
        worker.answer(turn.RAISED, f"0|{type(error).__name__}: {error}")
        raise
    if boot["serves"] == "rewards":
        _serve_rewards(worker)
    elif boot["serves"] == "readings":
        _serve_readings(worker)
    else:
        _serve_trials(worker)


@functools.cache
def prepare(serves: str) -> None:
    """Import and reserve what will be needed: nothing can be, once the worker is locked."""
    # reward code may want the one, the parser of its names the other
    import traceback  # noqa: F401
    import unicodedata  # noqa: F401

    if serves == "rewards":
        import numpy.linalg

        import rewardwrap.sandbox.keeping

        # what numpy and its linear algebra load or reserve late would be killed
        numpy.array2string(numpy.zeros(1))
        square = numpy.eye(128) @ numpy.ones((128, 128))
        numpy.linalg.norm(numpy.linalg.inv(square + 128.0 * numpy.eye(128)))
        numpy.seterr(all="ignore")
    elif serves == "readings":
        import rewardwrap.sandbox.reading
    else:
        import _socket  # noqa: F401
    if sys.platform != "win32":
        import rewardwrap.sandbox.lock  # noqa: F401
    warnings.simplefilter("ignore")


def _boot(worker: Worker, boot: dict[str, Any]) -> None:
    """Prepare, then lock."""
    prepare(boot["serves"])
    held: list[str] = []
    lacking: dict[str, str] = {}
    if sys.platform != "win32":
        from rewardwrap.sandbox.lock import lock

        held, lacking = lock(
            memory=boot["memory"],
            read_from=worker.channel.ask,
            write_to=worker.channel.reply,
            skip=frozenset(boot["skip"]),
            confined=boot["confined"],
        )
    sys.meta_path[:] = [NoMoreImports()]
    sys.stdout = sys.stderr = Nowhere()
    os.environ.clear()
    worker.answer(text=json.dumps([held, lacking]))


def _serve_readings(worker: Worker) -> None:
    """Read sources: the parser may be killed by what it reads, and this process with it."""
    from dataclasses import asdict

    from rewardwrap.sandbox.reading import read

    while True:
        _, _, length = worker.wait()
        worker.answer(text=json.dumps(asdict(read(worker.text(length)))))


def _serve_trials(worker: Worker) -> None:
    """Try one thing that no layer should let through; used by the self-test."""
    while True:
        _, _, length = worker.wait()
        worker.answer(text=_attempt(worker.text(length)))


def _attempt(name: str) -> str:
    """Try it; returns ``"done"`` where it worked, or the error. The filter kills without an answer."""
    import _socket

    try:
        if name == "open":
            os.close(os.open("/", os.O_RDONLY))
        elif name == "socket":
            _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM).close()
        elif name == "fork":
            if os.fork() == 0:
                os._exit(0)
            os.wait()
        elif name == "signal":
            os.kill(os.getppid(), 0)
    except (OSError, ImportError) as error:
        return f"{type(error).__name__}: {error}"
    return "done"


def _serve_rewards(worker: Worker) -> None:
    from rewardwrap.sandbox.judging import Judged
    from rewardwrap.sandbox.keeping import Keeping
    from rewardwrap.sandbox.views import Views

    channel, judged = worker.channel, Judged(_nothing_yet, ())
    receive, send, answers = channel.receive, channel.send, channel.answers
    views = Views(channel.requests, (), {})
    while True:
        # `Worker.wait` and `answer` written out: this is the loop that every step of a training waits for
        receive()
        worker.sequence, operation, rows, length = REQUEST.unpack_from(channel.requests)
        try:
            if operation >= turn.CALL:
                if operation == turn.PROBE:
                    judged.probe(views, rows)
                paid = judged.paid(views, rows)
                head = ANSWER_HEAD.pack(worker.sequence, turn.DONE, judged.by_row)
                answer = b"".join((head, *paid))
                answers[: len(answer)] = answer
                send(len(answer))
                continue
            asked = worker.text(length)
            if operation == turn.LOAD:
                called, method = asked.get("keeps") or ("reward", "")
                function, kept = _loaded(asked["source"], steady=asked["steady"], called=called)
                names, sums = asked["components"], asked.get("sums", True)
                judged = (
                    Keeping(cast(type, function), method, names, kept, sums=sums)
                    if method
                    else Judged(function, names, kept, sums=sums)
                )
            else:
                columns = [Column.of(c) for c in asked["columns"]]
                views = Views(channel.requests, columns, asked["fields"])
            worker.answer()
        except BaseException as error:
            status, said = _said(error)
            del error
            worker.answer(status, said)


def _nothing_yet(*arguments: object) -> None:
    raise TypeError("a source must be loaded first")


def _loaded(
    source: str, *, steady: bool, called: str = "reward"
) -> tuple[Callable[..., Any], list[Any]]:
    """Run the source once and take its ``reward`` or class, and what of its module is watched.

    Args:
        source: The code.
        steady: Whether it is strict; else nothing is watched.
        called: The name to take.
    """
    import math

    import numpy as np

    from rewardwrap.sandbox.state import frozen

    try:
        # annotations are text: nothing of them runs
        code = compile(source, FILE, "exec", flags=ANNOTATIONS, dont_inherit=True)
    except (ValueError, MemoryError, RecursionError) as error:
        raise SyntaxError(f"{type(error).__name__} while parsing it") from None
    names: dict[str, Any] = {"__name__": "reward", "np": np, "numpy": np, "math": math}
    exec(code, names)
    function = names.get(called)
    if not callable(function):
        raise TypeError("the source must define reward(obs, action, next_obs, info)")
    return function, frozen(names) if steady else []


def _said(error: BaseException) -> tuple[int, str]:
    """Status and ``line|sentence``; the error may be hostile, so every question to it may fail."""
    from rewardwrap.sandbox.judging import BadOutput, StateKept

    try:
        line = _line(error)
        name = type(error).__name__
        said = str(error)[:1000]
    except BaseException:
        line, name, said = 0, "an error", "no text"
    status = turn.RAISED
    if type(error) in (BadOutput, StateKept):
        return turn.OUTPUT, f"{line}|{said}"
    if isinstance(error, MemoryError):
        status = turn.MEMORY
    elif isinstance(error, SyntaxError):
        status = turn.REFUSED
    elif isinstance(error, OSError | ImportError):
        status = turn.DENIED
    return status, f"{line}|{name}: {said}" if said else f"{line}|{name}"


def _line(error: BaseException) -> int:
    if isinstance(error, SyntaxError):
        return error.lineno or 0
    line, trace = 0, error.__traceback__
    while isinstance(trace, TracebackType):
        if trace.tb_frame.f_code.co_filename == FILE:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
