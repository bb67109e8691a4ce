"""FourRooms: the small maze of reward design, with its dynamics written out."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

MAP = (
    "...#..G",
    ".......",
    "...#...",
    "#.###.#",
    "...#...",
    ".......",
    "S..#...",
)
MOVES = ((0, -1), (1, 0), (0, 1), (-1, 0))


class FourRooms(gymnasium.Env[np.int64, np.int64]):
    """Walk from the bottom left of four rooms to the goal at the top right.

    Actions (`Discrete(4)`): left, down, right, up, as FrozenLake has them; a wall stops the move.

    Observation (`Discrete(40)`): number of the cell, row by row, walls left out.

    Reward: 1 for reaching the goal, where the episode is `terminated`, else 0; as registered, truncated
    after 100 steps. ``info["row"]`` and ``info["column"]`` say where the agent is, 0 at the top left.

    ``P[s][a] = [(chance, next state, reward, terminated), ...]`` holds the dynamics. The shortest way has
    12 steps.

    Args:
        slip: Chance that a random one of the four moves is made instead.

    Source:
        Sutton, Precup and Singh, Between MDPs and semi-MDPs, 1999; in this size Devidze et al.,
        NeurIPS 2021, whose maze slips with 0.1. The map is not theirs.

    >>> env = gymnasium.make("rewardwrap/FourRooms-v0")
    >>> _ = env.reset(seed=0)
    >>> way = [2, 3, 2, 2, 2, 2, 3, 3, 3, 3, 3, 2]
    >>> [env.step(action)[1] for action in way][-1]
    1.0
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012 - as gymnasium declares it

    def __init__(self, *, slip: float = 0.0, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.cells = [
            (i, j) for i, line in enumerate(MAP) for j, mark in enumerate(line) if mark != "#"
        ]
        self.observation_space = gymnasium.spaces.Discrete(len(self.cells))
        self.action_space = gymnasium.spaces.Discrete(4)
        number = {cell: s for s, cell in enumerate(self.cells)}
        marks = [MAP[i][j] for i, j in self.cells]
        self._goal, start = marks.index("G"), marks.index("S")
        self.initial_state_distrib = np.eye(len(self.cells))[start]

        def beside(s: int, a: int) -> int:
            (i, j), (di, dj) = self.cells[s], MOVES[a]
            return number.get((i + di, j + dj), s)

        def outcome(s: int, a: int, chance: float) -> tuple[float, int, float, bool]:
            if s == self._goal:
                return chance, s, 0.0, True
            there = beside(s, a)
            return chance, there, float(there == self._goal), there == self._goal

        self.P = {
            s: {
                a: [outcome(s, a, 1.0 - slip), *(outcome(s, b, slip / 4) for b in range(4) if slip)]
                for a in range(4)
            }
            for s in range(len(self.cells))
        }
        self.s = start

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.int64, dict[str, Any]]:
        """Start at the bottom left."""
        super().reset(seed=seed)
        self.s = int(self.initial_state_distrib.argmax())
        return np.int64(self.s), self._info()

    def step(self, action: np.int64) -> tuple[np.int64, float, bool, bool, dict[str, Any]]:
        """Move, unless a wall is in the way."""
        seen = self.P[self.s][int(action)]
        place = int(self.np_random.choice(len(seen), p=[row[0] for row in seen])) if seen[1:] else 0
        _, self.s, reward, over = seen[place]
        return np.int64(self.s), reward, over, False, self._info()

    def render(self) -> str:
        """Draw the map, the agent as ``@``."""
        here = self.cells[self.s]
        return "\n".join(
            "".join("@" if (i, j) == here else mark for j, mark in enumerate(line))
            for i, line in enumerate(MAP)
        )

    def _info(self) -> dict[str, Any]:
        row, column = self.cells[self.s]
        return {"row": float(row), "column": float(column), "is_success": self.s == self._goal}
