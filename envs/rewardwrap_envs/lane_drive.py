"""LaneDrive: a route with a light and another car; the smallest home of rewards for driving."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

WAIT, DRIVE, SPEED = 0, 1, 2
CELLS, LIGHT, TURN_OFF, CAP = 10, 6, 8, 30
PENALTIES = {"collision": 0.5, "red_light": 0.7, "speeding": 0.95}


class LaneDrive(gymnasium.Env[npt.NDArray[np.float32], np.int64]):
    """Drive ten cells behind a slower car, past a light that is red at first.

    Actions (`Discrete(3)`): 0 wait, 1 drive a cell, 2 speed over two. The other car starts 1 to 3 cells
    ahead, drives a cell on every second step, waits at the red light, and turns off in cell 8. Who
    enters or passes its cell crashes. The light before cell 6 turns green after 4 to 8 steps.

    Observation (`Box(0, 1, (5,))`): cell / 10, steps until green / 8, gap to the other car / 10 (1 once it
    has turned off), whether the other car moves on this step, steps taken / 30. Light and car are
    drawn at `reset`, alike for equal seeds.

    Reward: at the end, the driving score: share of the route times 0.5 for a crash, 0.7 for the red light
    and 0.95 for each step of speeding. `terminated` at the end of the route and at a crash; as
    registered, truncated after 30 steps, where the score is what it is. ``info`` of each step:
    ``route`` (percent), ``collision``, ``red_light``, ``speeding`` (cells above the limit of one),
    ``close`` (a gap of at most one cell behind a moving step), ``speed``; and ``is_success``, the
    whole route without any of the three.

    Known optimum: return 1; in 13 to 17 steps, as the other car and the light leave it, 15.7 in the mean.

    >>> env = gymnasium.make("rewardwrap/LaneDrive-v0")
    >>> obs, _ = env.reset(seed=0)
    >>> over = False
    >>> while not over:
    ...     cell, red, gap = round(10 * float(obs[0])), float(obs[1]), round(10 * float(obs[2]))
    ...     held = gap <= 1 or (cell == LIGHT - 1 and red > 0)
    ...     obs, reward, over, *_ = env.step(WAIT if held else DRIVE)
    >>> float(reward)
    1.0
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012 - as gymnasium declares it

    def __init__(self, *, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.action_space = gymnasium.spaces.Discrete(3)
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (5,), np.float32)
        self._cell = self._clock = self._green = 0
        self._other = 1
        self._score = 1.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Draw the light and the other car."""
        super().reset(seed=seed)
        self._other = int(self.np_random.integers(1, 4))
        self._green = int(self.np_random.integers(4, 9))
        self._cell = self._clock = 0
        self._score = 1.0
        return self._obs(), self._info({}, speed=0)

    def step(
        self, action: np.int64
    ) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Wait, drive or speed; the other car moves first."""
        self._move_other()
        before, self._cell = self._cell, min(self._cell + int(action), CELLS)
        self._clock += 1
        seen = {
            "collision": before < self._other <= self._cell and self._other < TURN_OFF,
            "red_light": before < LIGHT <= self._cell and self._clock <= self._green,
            "speeding": bool(action == SPEED),
        }
        for name, happened in seen.items():
            self._score *= PENALTIES[name] if happened else 1.0
        over = self._cell == CELLS or seen["collision"]
        last = over or self._clock == CAP
        worth = self._score * self._cell / CELLS if last else 0.0
        return self._obs(), worth, over, False, self._info(seen, speed=int(action))

    def render(self) -> str:
        """Draw the road: ``A`` the agent, ``o`` the other car, ``|`` before the light."""
        road = ["A" if i == self._cell else "." for i in range(CELLS + 1)]
        if self._other < TURN_OFF and self._other != self._cell:
            road[self._other] = "o"
        return "".join(road[:LIGHT]) + "|" + "".join(road[LIGHT:])

    @property
    def _red_left(self) -> int:
        return max(0, self._green - self._clock)

    @property
    def _gap(self) -> int:
        return max(0, self._other - self._cell) if self._other < TURN_OFF else CELLS

    def _move_other(self) -> None:
        held = self._other == LIGHT - 1 and self._clock + 1 <= self._green
        self._other += int(self._clock % 2 == 1 and not held and self._other < TURN_OFF)

    def _info(self, seen: dict[str, bool], *, speed: int) -> dict[str, Any]:
        arrived = self._cell == CELLS
        told = {name: float(seen.get(name, False)) for name in PENALTIES}
        close = speed > 0 and self._gap <= 1
        more = {"close": float(close), "speed": float(speed), "route": 100.0 * self._cell / CELLS}
        return {**told, **more, "is_success": arrived and self._score == 1.0}

    def _obs(self) -> npt.NDArray[np.float32]:
        moves = float(self._clock % 2)
        shares = (self._cell / CELLS, self._red_left / 8, self._gap / CELLS, moves)
        return np.array([*shares, min(self._clock / CAP, 1.0)], dtype=np.float32)
