"""How far a training is."""

from __future__ import annotations

import time
from collections.abc import Callable

from stable_baselines3.common.callbacks import BaseCallback


class Progress(BaseCallback):
    """Calls a function with the steps taken so far, at most every ``seconds``.

    Args:
        report: The function.
        seconds: The shortest time between two calls.
    """

    def __init__(self, report: Callable[[int], None], *, seconds: float = 0.5) -> None:
        super().__init__()
        self._report, self._seconds, self._last = report, seconds, 0.0

    def _on_step(self) -> bool:
        now = time.monotonic()
        if now - self._last >= self._seconds:
            self._last = now
            self._report(self.num_timesteps)
        return True
