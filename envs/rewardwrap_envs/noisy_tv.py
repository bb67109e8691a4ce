"""NoisyTV: a corridor with a goal, and a television that is more fun than walking."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

LEFT, RIGHT, WATCH = 0, 1, 2
CELLS = 8
IDLE_BONUS = 0.3


class NoisyTV(gymnasium.Env[npt.NDArray[np.float32], np.int64]):
    """Walk to the end of a corridor, or stay and watch noise.

    Actions (`Discrete(3)`): 0 left, 1 right (both stop at the walls), 2 watch: stay, and the
    television shows fresh noise. Its picture stays frozen while the agent walks.

    Observation (`Box(0, 1, (1 + channels,))`): cell / 7, then `channels` numbers of noise, uniform
    in [0, 1].

    Reward: 1 on entering the last of the 8 cells, else 0. The episode is `terminated` there and,
    as registered, truncated after 50 steps. It starts in cell 0.

    ``info["idle_bonus"]`` is an intrinsic reward that a curious agent would feel: 0.3 for each step
    of watching, 0 otherwise and after `reset`. ``info["is_success"]`` says whether the goal is
    reached.

    Known answers, undiscounted: the true return's optimum is 1, in 7 steps. With the raw bonus
    added the optimum is to watch for all 50 steps (15, against at most 43 * 0.3 + 1 = 13.9 with
    the goal). A prediction error on the observation never dies out while watching.

    Source:
        The miniature of "Potential-Based Reward Shaping for Intrinsic Motivation", 2024,
        arXiv 2402.07411; the television is that of "Large-Scale Study of Curiosity-Driven
        Learning", 2018, arXiv 1808.04355, section 4.

    Args:
        channels: how many numbers of noise the television shows, at least 1.

    >>> env = gymnasium.make("rewardwrap/NoisyTV-v0")
    >>> _ = env.reset(seed=0)
    >>> env.step(WATCH)[4]["idle_bonus"]
    0.3
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012 - as gymnasium declares it

    def __init__(self, *, channels: int = 4, render_mode: str | None = None) -> None:
        if channels < 1:
            raise ValueError(
                f"NoisyTV: channels must be at least 1, got {channels}. Leave it out for 4."
            )
        self.render_mode = render_mode
        self.channels = channels
        self.action_space = gymnasium.spaces.Discrete(3)
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (1 + channels,), np.float32)
        self._cell = 0
        self._noise = np.zeros(channels)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Start in cell 0 with a fresh picture."""
        super().reset(seed=seed)
        self._cell = 0
        self._noise = self.np_random.random(self.channels)
        return self._obs(), self._info(bonus=0.0)

    def step(
        self, action: np.int64
    ) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Walk or watch."""
        if action == WATCH:
            self._noise = self.np_random.random(self.channels)
        else:
            self._cell = int(np.clip(self._cell + (1 if action == RIGHT else -1), 0, CELLS - 1))
        reached = self._cell == CELLS - 1
        bonus = IDLE_BONUS if action == WATCH else 0.0
        return self._obs(), float(reached), reached, False, self._info(bonus=bonus)

    def render(self) -> str:
        """Draw the corridor: ``A`` the agent, ``G`` the goal."""
        cells = ["."] * (CELLS - 1) + ["G"]
        cells[self._cell] = "A"
        return "".join(cells)

    def _obs(self) -> npt.NDArray[np.float32]:
        return np.array([self._cell / (CELLS - 1), *self._noise], dtype=np.float32)

    def _info(self, *, bonus: float) -> dict[str, Any]:
        return {"idle_bonus": bonus, "is_success": self._cell == CELLS - 1}
