"""Processes of this program's own."""

from __future__ import annotations

import os
import sys


def child_command(module: str) -> list[str]:
    """The command of a child process, which finds modules of the current folder if this one does.

    They come last there: ``-m`` alone would let a file of the folder stand for an installed package.
    """
    here = [os.getcwd()] if {os.getcwd(), ""} & set(sys.path) else []
    return [sys.executable, "-P", "-m", module, *here]
