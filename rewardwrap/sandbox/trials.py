"""What a locked worker must not be able to do; the self-test tries it in throw-away workers."""

from __future__ import annotations

import _socket
import os

NAMES = ("nothing", "open", "socket", "fork", "signal")


def attempt(name: str) -> str:
    """Try it; returns ``"done"`` where it worked, or the error. The filter kills without an answer."""
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
