"""An interpreter that has imported what workers need, and forks one for each request. No code is loaded here.

Every worker would import numpy otherwise, 0.15 s each. It knows no secret: it is started as a fresh
interpreter with an empty environment, and all it ever hears is who to fork, to kill and to wait for.
"""

from __future__ import annotations

import _socket
import array
import contextlib
import gc
import os
import select
import signal
from collections.abc import Sequence

from rewardwrap.sandbox.channel import FORK, HANDED, KILL, TOLD
from rewardwrap.sandbox.syscalls import process_file
from rewardwrap.sandbox.worker import main as serve
from rewardwrap.sandbox.worker import prepare

DESCRIPTORS = 4


def main(arguments: Sequence[str]) -> None:
    """Serve one trainer until it has gone.

    Args:
        arguments: Descriptor of the socket, process id of the trainer.
    """
    control, trainer = _socket.socket(fileno=int(arguments[0])), int(arguments[1])
    alive = process_file(trainer)
    if os.getppid() != trainer:
        # it has gone before it could be watched
        return
    for serves in ("rewards", "readings", "trials"):
        prepare(serves)
    # what is never collected is never copied either
    gc.collect()
    gc.freeze()
    watch = select.poll()
    watch.register(control.fileno(), select.POLLIN)
    # a process that the trainer forked holds the socket open too, so its end alone would not be seen
    watch.register(alive, select.POLLIN)
    while (alive, select.POLLIN) not in watch.poll():
        asked, handed, _, _ = control.recvmsg(HANDED.size, _socket.CMSG_LEN(4 * DESCRIPTORS))
        if len(asked) < HANDED.size:
            return
        number, operation, process = HANDED.unpack(asked)
        if operation == FORK:
            found = _forked(_descriptors(handed), (control.fileno(), alive))
        elif operation == KILL:
            os.kill(process, signal.SIGKILL)
            found = 0
        else:
            found = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        control.send(TOLD.pack(number, found))


def _descriptors(handed: Sequence[tuple[int, int, bytes]]) -> list[int]:
    found = array.array("i")
    for _, _, content in handed:
        found.frombytes(content[: len(content) - len(content) % found.itemsize])
    return list(found)


def _forked(inherited: Sequence[int], own: Sequence[int]) -> int:
    """Process id of a new worker; it never returns there."""
    process = os.fork()
    if process:
        for descriptor in inherited:
            os.close(descriptor)
        return process
    try:
        os.setsid()
        # where memory is short, a worker goes before the trainer does
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
            score.write("1000")
        for descriptor in own:
            os.close(descriptor)
        serve(("events", *map(str, inherited)))
    finally:
        # whatever happened: nothing of the zygote's may run on here
        os._exit(1)
