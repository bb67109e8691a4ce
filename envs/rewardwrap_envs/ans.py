"""Ans: an answer that takes more or fewer steps of work; the smallest home of scores of whole episodes."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

USEFUL, WASTE, ANSWER = 0, 1, 2
FEWEST, MOST = 3, 8
CAP = 20


class Ans(gymnasium.Env[npt.NDArray[np.float32], np.int64]):
    """Work as long as the question needs, then answer.

    Actions (`Discrete(3)`): 0 useful (one step of work), 1 waste (a step and nothing else), 2 answer (ends
    the episode; right iff the work done is at least what the question needs).

    Observation (`Box(0, 1, (3,))`): work needed / 10, work done / 10 (at most 1), steps taken / 20. What is
    needed is drawn at `reset`, a whole number from 3 to 8, alike for equal seeds.

    Reward: 1 for a right answer, else 0. `terminated` at any answer; as registered, truncated after 20
    steps. ``info["is_success"]``: whether the answer was right.

    Known optimum: ``needed + 1`` steps and return 1, 6.5 steps in the mean.

    >>> env = gymnasium.make("rewardwrap/Ans-v0")
    >>> obs, _ = env.reset(seed=0)
    >>> need = round(10 * float(obs[0]))
    >>> [float(env.step(action)[1]) for action in [USEFUL] * need + [ANSWER]][-1]
    1.0
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012 - as gymnasium declares it

    def __init__(self, *, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.action_space = gymnasium.spaces.Discrete(3)
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (3,), np.float32)
        self._need = self._done = self._steps = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Draw a question."""
        super().reset(seed=seed)
        self._need = int(self.np_random.integers(FEWEST, MOST + 1))
        self._done = self._steps = 0
        return self._obs(), {"is_success": False}

    def step(
        self, action: np.int64
    ) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Work, waste a step, or answer."""
        self._steps += 1
        self._done += int(action == USEFUL)
        answered = bool(action == ANSWER)
        right = answered and self._done >= self._need
        return self._obs(), float(right), answered, False, {"is_success": right}

    def render(self) -> str:
        """Draw the work done as ``#`` and what is missing as ``.``."""
        return "#" * self._done + "." * max(0, self._need - self._done) + f" step {self._steps}"

    def _obs(self) -> npt.NDArray[np.float32]:
        shares = (self._need / 10, min(self._done / 10, 1.0), min(self._steps / CAP, 1.0))
        return np.array(shares, dtype=np.float32)
