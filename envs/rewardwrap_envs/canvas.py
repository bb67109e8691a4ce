"""Canvas: paint a grid to a prompt; the smallest home of scores of a whole and of its parts."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

BLANK, RED, BLUE = 0, 1, 2
FEWEST, MOST = 1, 4
SIZE = 6
SHOWN = 4


class Canvas(gymnasium.Env[npt.NDArray[np.float32], np.int64]):
    """Paint as many red cells above and blue cells below as the prompt says.

    Actions (`Discrete(3)`): what the next cell becomes, row by row from the top: 0 blank, 1 red, 2 blue.

    Observation (`Box(-1, 1, (4 + size^2,))`): cells painted / cells, whether the next one lies in the lower
    half, red cells still wanted / 4 and blue cells still wanted / 4 (below 0 where there are too many, held
    at -1), then the canvas: 0 blank, 0.5 red, 1 blue. What is wanted is drawn at `reset`, 1 to 4 of each,
    alike for equal seeds.

    Reward: 1 with the last cell where the counts are right and every painted cell lies in its half, else 0.
    `terminated` with the last cell, after ``size^2`` steps. ``info``: ``is_success``, and ``misplaced``,
    the cells so far whose colour belongs into the other half.

    Known optimum: return 1, in ``size^2`` steps; any cells of the right half will do.

    Args:
        size: Rows and columns, an even number.

    >>> env = gymnasium.make("rewardwrap/Canvas-v0")
    >>> obs, _ = env.reset(seed=0)
    >>> red, blue = (round(4 * float(left)) for left in obs[2:4])
    >>> cells = [RED] * red + [BLANK] * (36 - red - blue) + [BLUE] * blue
    >>> [float(env.step(colour)[1]) for colour in cells][-1]
    1.0
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012 - as gymnasium declares it

    def __init__(self, *, size: int = SIZE, render_mode: str | None = None) -> None:
        if size < 2 or size % 2:
            raise ValueError(f"size must be an even number of at least 2, got {size}. Use 6.")
        self.size, self.render_mode = size, render_mode
        self.action_space = gymnasium.spaces.Discrete(3)
        self.observation_space = gymnasium.spaces.Box(-1.0, 1.0, (SHOWN + size**2,), np.float32)
        self._cells = np.zeros(size**2, np.int64)
        self._wanted = np.zeros(2, np.int64)
        self._done = self._misplaced = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Draw a prompt and clear the canvas."""
        super().reset(seed=seed)
        most = min(MOST, self.size**2 // 2)
        self._wanted = self.np_random.integers(FEWEST, most + 1, size=2)
        self._cells = np.zeros(self.size**2, np.int64)
        self._done = self._misplaced = 0
        return self._obs(), self._info(right=False)

    def step(
        self, action: np.int64
    ) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Paint the next cell."""
        lower = self._done >= self.size**2 // 2
        self._misplaced += int(action == (RED if lower else BLUE))
        self._cells[self._done] = int(action)
        self._done += 1
        over = self._done == self.size**2
        right = over and not self._left.any() and not self._misplaced
        return self._obs(), float(right), over, False, self._info(right=right)

    def render(self) -> str:
        """Draw the canvas: ``.`` blank, ``r`` red, ``b`` blue."""
        signs = np.array(list(".rb"))[self._cells].reshape(self.size, self.size)
        return "\n".join("".join(row) for row in signs)

    @property
    def _left(self) -> npt.NDArray[np.int64]:
        """Red and blue cells that are still wanted."""
        painted = [(self._cells == colour).sum() for colour in (RED, BLUE)]
        return self._wanted - np.array(painted, np.int64)

    def _info(self, *, right: bool) -> dict[str, Any]:
        return {"is_success": bool(right), "misplaced": float(self._misplaced)}

    def _obs(self) -> npt.NDArray[np.float32]:
        share = self._done / self.size**2
        left = np.maximum(self._left / MOST, -1.0)
        shown = (share, float(share >= 0.5), *left)
        return np.array([*shown, *(self._cells / 2.0)], dtype=np.float32)
