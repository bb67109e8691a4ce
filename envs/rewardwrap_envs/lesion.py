"""Lesion: mark what is ill in a small image, cell by cell; bright specks are none of it."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

HEALTHY, MARKED = 0, 1
SIZE = 6
DARK, BRIGHT = (0.0, 0.45), (0.55, 1.0)
LIKE = 0.9


class Lesion(gymnasium.Env[npt.NDArray[np.float32], np.int64]):
    """Mark every cell of the lesion and no other: Canvas, where the prompt is an image.

    A lesion is 2 x 2, 2 x 3 or 3 x 2 bright cells. Up to three specks, single bright cells with dark ones on
    all sides, are artefacts of the image.

    Actions (`Discrete(2)`): whether the next cell, row by row from the top, is marked: 0 no, 1 yes.

    Observation (`Box(0, 1, (10,))`): cells seen / 36, then the 3 x 3 neighbourhood of the next cell, row by
    row, 0 outside. Bright is at least 0.55, dark at most 0.45. Images are drawn at `reset`, alike for equal
    seeds.

    Reward: with the last cell, Dice's coefficient ``2 |marked and ill| / (|marked| + |ill|)`` in [0, 1],
    else 0. `terminated` with the last cell, after 36 steps. ``info``: ``is_success``, a coefficient of at
    least 0.9; ``ill``, whether the cell that was just judged is part of the lesion.

    Known optimum: return 1: mark a bright cell iff one of its four neighbours is bright.

    >>> env = gymnasium.make("rewardwrap/Lesion-v0")
    >>> obs, _ = env.reset(seed=0)
    >>> for _ in range(36):
    ...     near = obs[1:].reshape(3, 3) > 0.5
    ...     ill = near[1, 1] and (near[[0, 2], 1].any() or near[1, [0, 2]].any())
    ...     obs, reward, *_ = env.step(int(ill))
    >>> float(reward)
    1.0
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012 - as gymnasium declares it

    def __init__(self, *, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.action_space = gymnasium.spaces.Discrete(2)
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (10,), np.float32)
        self._ill = np.zeros((SIZE, SIZE), bool)
        self._image = np.zeros((SIZE + 2, SIZE + 2))
        self._marks: list[int] = []

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Draw a lesion, then specks that touch nothing bright."""
        super().reset(seed=seed)
        draw = self.np_random
        high, wide = ((2, 2), (2, 3), (3, 2))[draw.integers(3)]
        row, column = draw.integers(SIZE - high + 1), draw.integers(SIZE - wide + 1)
        self._ill = np.zeros((SIZE, SIZE), bool)
        self._ill[row : row + high, column : column + wide] = True
        bright = np.pad(self._ill, 1)
        for _ in range(draw.integers(4)):
            r, c = draw.integers(1, SIZE + 1, size=2)
            if not bright[r - 1 : r + 2, c - 1 : c + 2].any():
                bright[r, c] = True
        noise = draw.random((SIZE + 2, SIZE + 2))
        dark, light = ((low + noise * (high - low)) for low, high in (DARK, BRIGHT))
        self._image = np.where(bright, light, dark)
        self._image[[0, -1]] = self._image[:, [0, -1]] = 0.0
        self._marks = []
        return self._obs(), {"is_success": False, "ill": False}

    def step(
        self, action: np.int64
    ) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Mark the next cell, or do not."""
        ill = bool(self._ill.ravel()[self._seen])
        self._marks.append(int(action))
        over = self._seen == SIZE**2
        dice = self._dice() if over else 0.0
        return self._obs(), dice, over, False, {"is_success": dice >= LIKE, "ill": ill}

    def render(self) -> str:
        """Draw the marks: ``#`` rightly marked, ``x`` wrongly, ``o`` missed, ``.`` healthy."""
        marks = np.zeros(SIZE**2, int)
        marks[: self._seen] = self._marks
        signs = np.array(list(".xo#"))[marks + 2 * self._ill.ravel()].reshape(SIZE, SIZE)
        return "\n".join("".join(row) for row in signs)

    @property
    def _seen(self) -> int:
        return len(self._marks)

    def _dice(self) -> float:
        marks, ill = np.array(self._marks, bool), self._ill.ravel()
        return float(2 * (marks & ill).sum() / (marks.sum() + ill.sum()))

    def _obs(self) -> npt.NDArray[np.float32]:
        row, column = divmod(min(self._seen, SIZE**2 - 1), SIZE)
        near = self._image[row : row + 3, column : column + 3]
        return np.array([self._seen / SIZE**2, *near.ravel()], dtype=np.float32)
