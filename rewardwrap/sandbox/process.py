"""The trainer's end of one worker: starts it, asks, waits with a deadline, believes nothing.

A worker is a fork of the zygote, a fresh interpreter without site, user paths, environment or open files;
where there is no wall it is such an interpreter itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.sandbox import channel, wires
from rewardwrap.sandbox.channel import ANSWER, HEAD, REQUEST, TEXT
from rewardwrap.sandbox.errors import SandboxError, told
from rewardwrap.sandbox.forks import START_SECONDS, Forked, Gone, forked
from rewardwrap.sandbox.wires import Late, PipedWire, SealedWire

BLOCK = 4 << 20
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")
NEEDED = ("LD_LIBRARY_PATH", "SYSTEMROOT")
"""An interpreter of a module system may need the first to start, every one on Windows the second."""

PACKAGE = Path(__file__).parents[1]
BOOTSTRAP = """\
import sys, types
for name, path in (("rewardwrap", sys.argv[1]), ("rewardwrap.sandbox", sys.argv[1] + "/sandbox"),
                   ("rewardwrap.core", sys.argv[1] + "/core")):
    module = sys.modules[name] = types.ModuleType(name)
    module.__path__ = [path]
sys.path.append(sys.argv[2])
sys.argv[:], (what, *arguments) = [], sys.argv[3:]
if what == "zygote":
    from rewardwrap.sandbox.zygote import main
else:
    from rewardwrap.sandbox.worker import main
main(arguments)
"""
Popen = subprocess.Popen[bytes] | Forked
_pack, _unpack = REQUEST.pack_into, ANSWER.unpack_from


class Died(Exception):
    """A worker ended or broke the protocol.

    Args:
        signal: That ended it, 0 for none.
        said: How.
    """

    def __init__(self, said: str, signal: int = 0) -> None:
        super().__init__(said)
        self.signal = signal


class Process:
    """One worker process and the wire to it.

    Args:
        serves: ``"rewards"``, ``"readings"`` or ``"trials"``.
        memory: Bytes that it may use beyond what Python and numpy take.
        block: Size of each block of memory.
        skip: Layers to leave out; for the tests of the layers alone.

    Attributes:
        layers: What the worker locked, as it said before it saw any code.
        lacking: Why a wall did not take hold, for each that did not.
    """

    def __init__(
        self,
        serves: str,
        *,
        memory: int = 512 << 20,
        block: int = BLOCK,
        skip: Sequence[str] = (),
    ) -> None:
        self.block = block
        self.owner = os.getpid()
        self._sequence = 0
        # in its own module, where a test can force the other way
        confined = wires.confinable()
        wire = SealedWire(block) if confined else PipedWire(block)
        try:
            self.popen = _worker(wire)
        except BaseException as error:
            wire.discard()
            if isinstance(error, Gone):
                raise _unable("its zygote ended") from None
            raise
        self.requests, self.answers = wire.requests, wire.answers
        self.close = weakref.finalize(self, _ended, self.popen, wire.attach(self.popen), self.owner)
        self._turn = wire.turn
        boot = {"serves": serves, "memory": memory, "skip": list(skip), "confined": confined}
        held, lacking = json.loads(self._booted(boot))
        self.layers: tuple[str, ...] = tuple(held)
        self.lacking: Mapping[str, str] = lacking

    def _booted(self, boot: Mapping[str, Any]) -> str:
        try:
            return self.ask(channel.BOOT, boot, START_SECONDS)
        except (Died, Late) as error:
            self.close()
            raise _unable(error) from error

    @property
    def pid(self) -> int:
        """Of the worker."""
        return self.popen.pid

    @property
    def usable(self) -> bool:
        """Alive as far as known, and started by this process, not by the one it was forked from."""
        return self.close.alive and self.owner == os.getpid()

    def ask(self, operation: int, content: Any, seconds: float) -> str:
        """Send JSON, return the text of the answer.

        Raises:
            Late: No answer in time.
            Died: The process ended, or answered what cannot be.
            SandboxError: The worker refused or the code raised.
        """
        text = json.dumps(content).encode()
        self.requests[HEAD : HEAD + len(text)] = text
        return self._text(self.turn(operation, 0, len(text), HEAD + len(text), seconds))

    def turn(self, operation: int, rows: int, length: int, sent: int, seconds: float) -> int:
        """Send what lies in the block of requests; returns the number in the head of the answer.

        Raises:
            Late: No answer in time.
            Died: The process ended, or answered what cannot be.
            SandboxError: The worker refused or the code raised.
        """
        self._sequence = asked = self._sequence + 1
        _pack(self.requests, 0, asked, operation, rows, length)
        if not self._turn(sent, seconds):
            raise self._death()
        sequence, status, said = _unpack(self.answers)
        if sequence != asked:
            raise Died("the answer to another question")
        if status != channel.DONE:
            if status not in channel.REASON_OF:
                raise Died("an answer that means nothing")
            raise told(status, self._text(said))
        number: int = said
        return number

    def _text(self, length: int) -> str:
        content = bytes(self.answers[HEAD : HEAD + min(length, TEXT)])
        return content.decode("utf-8", "replace")

    def _death(self) -> Died:
        code = self.popen.wait()
        if code >= 0:
            return Died(f"it left with exit code {code}")
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return Died(f"it was ended by {name}", -code)


def _unable(why: object) -> SandboxError:
    return SandboxError(
        f"a worker must start, got {why}. Try {sys.executable} -I -S -c 'import sys' in a shell.",
        reason="crash",
    )


def _worker(wire: SealedWire | PipedWire) -> Popen:
    """A worker at the other end of this wire."""
    if isinstance(wire, PipedWire):
        return _started(("worker", *wire.arguments), piped=True)
    return forked(lambda said, kept: _started(("zygote", *said), kept), wire.inherited)


def _started(
    arguments: Sequence[str], inherited: Sequence[int] = (), *, piped: bool = False
) -> subprocess.Popen[bytes]:
    """Start an interpreter that knows nothing of this one.

    Args:
        arguments: What it is to be, and what its channel is made of.
        inherited: Descriptors that it keeps.
        piped: Whether its standard input and output are pipes to this process.
    """
    environment = dict.fromkeys(ONE_THREAD, "1") | {"LC_ALL": "C.UTF-8"}
    environment |= {name: os.environ[name] for name in NEEDED if name in os.environ}
    packages = str(Path(np.__file__).parents[1])
    ends = subprocess.PIPE if piped else subprocess.DEVNULL
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-B", "-c", BOOTSTRAP, str(PACKAGE), packages, *arguments],
        env=environment,
        cwd=os.path.abspath(os.sep),
        stdin=ends,
        stdout=ends,
        stderr=subprocess.DEVNULL,
        pass_fds=tuple(inherited),
        close_fds=True,
        start_new_session=True,
    )


def _ended(popen: Popen, free: Callable[[], None], owner: int) -> None:
    """Kill, reap and close; does nothing in a process that was forked from the owner."""
    if os.getpid() != owner:
        popen.returncode = 0
        return
    with contextlib.suppress(ProcessLookupError):
        popen.kill()
    popen.wait()
    free()
