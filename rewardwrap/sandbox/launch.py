"""Starting a worker: a fresh interpreter without site, user paths, environment or open files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

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
from rewardwrap.sandbox.worker import main
sys.argv[:], arguments = [], sys.argv[3:]
main(arguments)
"""


def started(
    arguments: Sequence[str], inherited: Sequence[int], *, piped: bool
) -> subprocess.Popen[bytes]:
    """Start one.

    Args:
        arguments: What its channel is made of.
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
