"""Reach: walk along a line to a marked cell and stop there; many ways lead to it, few are short."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

LEFT, RIGHT, STOP = 0, 1, 2
NEAREST, FURTHEST = 3, 8
EDGE = 10
CAP = 30


class Reach(gymnasium.Env[npt.NDArray[np.float32], np.int64]):
    """Walk from the middle of a line of 21 cells to the goal, and stop.

    Actions (`Discrete(3)`): 0 left, 1 right (the ends of the line hold you), 2 stop (ends the episode).

    Observation (`Box(-1, 1, (3,))`): cell / 10, goal / 10, steps taken / 30. Cells run from -10 to 10, the
    walk begins at 0; the goal is drawn at `reset`, 3 to 8 cells to either side, alike for equal seeds.

    Reward: 1 for stopping on the goal, else 0. `terminated` at any stop; as registered, truncated after 30
    steps. ``info["is_success"]``: whether it stopped on the goal.

    Known optimum: ``|goal| + 1`` steps and return 1, 6.5 steps in the mean.

    >>> env = gymnasium.make("rewardwrap/Reach-v0")
    >>> obs, _ = env.reset(seed=0)
    >>> goal = round(10 * float(obs[1]))
    >>> way = [RIGHT if goal > 0 else LEFT] * abs(goal)
    >>> [float(env.step(action)[1]) for action in [*way, STOP]][-1]
    1.0
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012 - as gymnasium declares it

    def __init__(self, *, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.action_space = gymnasium.spaces.Discrete(3)
        self.observation_space = gymnasium.spaces.Box(-1.0, 1.0, (3,), np.float32)
        self._cell = self._goal = self._steps = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Draw a goal and stand in the middle."""
        super().reset(seed=seed)
        side = 1 if self.np_random.random() < 0.5 else -1
        self._goal = side * int(self.np_random.integers(NEAREST, FURTHEST + 1))
        self._cell = self._steps = 0
        return self._obs(), {"is_success": False}

    def step(
        self, action: np.int64
    ) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Walk a cell, or stop."""
        self._steps += 1
        stopped = bool(action == STOP)
        if not stopped:
            self._cell = min(max(self._cell + (1 if action == RIGHT else -1), -EDGE), EDGE)
        there = stopped and self._cell == self._goal
        return self._obs(), float(there), stopped, False, {"is_success": there}

    def render(self) -> str:
        """Draw the line, ``x`` for where it stands and ``o`` for the goal."""
        line = ["."] * (2 * EDGE + 1)
        line[self._goal + EDGE] = "o"
        line[self._cell + EDGE] = "x"
        return "".join(line)

    def _obs(self) -> npt.NDArray[np.float32]:
        shares = (self._cell / EDGE, self._goal / EDGE, min(self._steps / CAP, 1.0))
        return np.array(shares, dtype=np.float32)
