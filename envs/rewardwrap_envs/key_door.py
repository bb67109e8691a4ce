"""KeyDoor: two rooms, a key, a door, and a sentence for whatever happens."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))
PICK, OPEN = 4, 5
BUMP, LOCKED = "you bump into a wall", "the door is locked"
KEY, NOTHING = "you pick up the key", "there is nothing to pick up"
DOOR, NO_DOOR = "you open the door with the key", "there is no door to open"
GOAL = "you reach the goal"


SIDE = 6
"""Pixels of a cell."""
LIGHT = {"#": 80, "|": 120, ".": 0, "k": 200, "G": 160, "A": 255}


class KeyDoor(gymnasium.Env[npt.NDArray[Any], np.int64]):
    """Pick up the key, open the door in the wall with it, and go to the goal behind.

    Actions (`Discrete(6)`): 0 left, 1 right, 2 up, 3 down, 4 pick up the key where it lies, 5 open the
    door from the cell before it, with the key.

    Observation (`Box(0, 1, (4,))`): column and row over ``size - 1``, whether the agent has the key,
    whether the door is open.

    With ``pixels`` it is the picture that `render` writes, in greys, 6 pixels a cell: `Box(0, 255,
    (6 size, 6 size, 1), uint8)`. A key that is carried is the agent's dark middle.

    Reward: 1 at the goal, else 0. The episode is `terminated` there and, as registered, truncated
    after 100 steps. The agent starts in a cell of the left room drawn from the seed; the key lies in its
    upper left corner, the wall stands in column ``size // 2``, its door in the middle, the goal in the
    lower right corner.

    ``info["message"]`` is a sentence on what happened in the step, empty where nothing did and after
    `reset`. ``info["is_success"]`` says whether the goal is reached.

    Source:
        The miniature of MiniGrid's DoorKey, 2023, arXiv 2306.13831, with sentences as NetHack has them,
        for "Online intrinsic rewards for decision making agents from LLM feedback", 2024, arXiv 2410.23022.

    Args:
        size: Columns and rows, at least 4.
        pixels: Whether the picture is observed instead of the four numbers.

    >>> env = gymnasium.make("rewardwrap/KeyDoor-v0")
    >>> _ = env.reset(seed=0)
    >>> env.step(OPEN)[4]["message"]
    'there is no door to open'
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012 - as gymnasium declares it

    def __init__(
        self, *, size: int = 8, pixels: bool = False, render_mode: str | None = None
    ) -> None:
        if size < 4:
            raise ValueError(f"KeyDoor: size must be at least 4, got {size}. Leave it out for 8.")
        self.size, self.pixels, self.render_mode = size, pixels, render_mode
        self.wall, self.middle = size // 2, size // 2
        self.action_space = gymnasium.spaces.Discrete(6)
        side = SIDE * size
        self.observation_space: gymnasium.spaces.Box = (
            gymnasium.spaces.Box(0, 255, (side, side, 1), np.uint8)
            if pixels
            else gymnasium.spaces.Box(0.0, 1.0, (4,), np.float32)
        )
        self._x = self._y = 0
        self._key = self._open = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[Any], dict[str, Any]]:
        """Start somewhere in the left room, without the key."""
        super().reset(seed=seed)
        self._x = int(self.np_random.integers(self.wall))
        self._y = int(self.np_random.integers(self.size))
        self._key = self._open = False
        return self._obs(), self._info("")

    def step(self, action: np.int64) -> tuple[npt.NDArray[Any], float, bool, bool, dict[str, Any]]:
        """Walk, pick up or open."""
        message = self._pick() if action == PICK else self._unlock() if action == OPEN else ""
        if action < PICK:
            message = self._walk(*MOVES[int(action)])
        reached = message == GOAL
        return self._obs(), float(reached), reached, False, self._info(message)

    def render(self) -> str:
        """Draw it: ``A`` the agent, ``k`` the key, ``|`` the door, ``G`` the goal."""
        grid = [
            ["#" if x == self.wall else "." for x in range(self.size)] for _ in range(self.size)
        ]
        grid[self.middle][self.wall] = "." if self._open else "|"
        grid[0][0] = "." if self._key else "k"
        grid[-1][-1] = "G"
        grid[self._y][self._x] = "A"
        return "\n".join("".join(row) for row in grid)

    def _walk(self, dx: int, dy: int) -> str:
        x, y = self._x + dx, self._y + dy
        if not (0 <= x < self.size and 0 <= y < self.size):
            return BUMP
        if x == self.wall and not (y == self.middle and self._open):
            return LOCKED if y == self.middle else BUMP
        self._x, self._y = x, y
        return GOAL if x == y == self.size - 1 else ""

    def _pick(self) -> str:
        if self._key or (self._x, self._y) != (0, 0):
            return NOTHING
        self._key = True
        return KEY

    def _unlock(self) -> str:
        if self._open or (self._x, self._y) != (self.wall - 1, self.middle):
            return NO_DOOR
        self._open = self._key
        return DOOR if self._key else LOCKED

    def _obs(self) -> npt.NDArray[Any]:
        if self.pixels:
            return self._picture()
        last = self.size - 1
        return np.array([self._x / last, self._y / last, self._key, self._open], np.float32)

    def _picture(self) -> npt.NDArray[np.uint8]:
        cells = np.array(
            [[LIGHT[sign] for sign in row] for row in self.render().split("\n")], np.uint8
        )
        picture = cells.repeat(SIDE, axis=0).repeat(SIDE, axis=1)
        if self._key:
            y, x = SIDE * self._y, SIDE * self._x
            picture[y + 2 : y + SIDE - 2, x + 2 : x + SIDE - 2] = 0
        return picture[..., None]

    def _info(self, message: str) -> dict[str, Any]:
        return {"message": message, "is_success": message == GOAL}
