"""Keeping a library's known chatter off the terminal, and nothing else."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

SETTOTALMASS = "WARNING: compiler attribute 'settotalmass' is deprecated"
"""Printed by MuJoCo 4.0.0 for gymnasium's own HalfCheetah model, once for each construction."""


@contextmanager
def hushed(known: str) -> Iterator[None]:
    """Drop lines that start with ``known`` from what C code writes to standard error meanwhile.

    Everything else is passed on when the block ends, also if it ends with an exception.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
            caught.seek(0)
            lines = caught.read().splitlines(keepends=True)
            if any(line.startswith(known.encode()) for line in lines):
                # the library ends its message with an empty line
                lines = [li for li in lines if li.strip() and not li.startswith(known.encode())]
            os.write(2, b"".join(lines))
