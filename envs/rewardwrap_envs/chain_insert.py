"""ChainInsert: carry a peg along a line and risk the last move; the trap of paying for progress."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

BACK, STAY, FORWARD, INSERT = 0, 1, 2, 3


class ChainInsert(gymnasium.Env[npt.NDArray[np.float32], np.int64]):
    """Carry a peg to the last of some cells and insert it there, which may break it.

    Actions (`Discrete(4)`): 0 back, 1 stay, 2 forward, 3 insert: in the last cell it succeeds with
    ``chance`` and else breaks the peg, which ends the episode; anywhere else it does nothing.

    Observation (`Box(-1, 1, (4,))`): two views of one state. From the front: sine and cosine of half a turn
    over the line. At the wrist: whether the hole is seen (the last cell) and whether the peg is in it.

    Reward: 1 for the peg in the hole, else 0. `terminated` by every attempt in the last cell, truncated after
    60 steps as registered. ``info``: ``progress``, cells gone over cells, 1 with the peg in the hole and 0
    where it broke; ``is_success``.

    Known answers with a discount of .99: the reward alone, with or without a potential of progress that is 0
    where the episode ends, inserts; paid ``P' - P`` for progress P, alone or on top of the reward, it stands
    before the hole for good, since an attempt at .4 loses more than it gains.

    Source:
        The semantic trap of Tan et al., "Robo-Dopamine", 2025, arXiv 2512.23703.

    Args:
        cells: On the line, at least 2.
        chance: That an attempt succeeds, in [0, 1].

    >>> env = gymnasium.make("rewardwrap/ChainInsert-v0", chance=1.0)
    >>> _ = env.reset(seed=0)
    >>> [float(env.step(action)[1]) for action in [FORWARD] * 9 + [INSERT]][-1]
    1.0
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012 - as gymnasium declares it

    def __init__(
        self, *, cells: int = 10, chance: float = 0.4, render_mode: str | None = None
    ) -> None:
        if cells < 2 or not 0 <= chance <= 1:
            raise ValueError(
                f"ChainInsert: cells must be at least 2 and chance in [0, 1], got {cells} and {chance}. "
                "Leave them out for 10 and 0.4."
            )
        self.cells, self.chance, self.render_mode = cells, chance, render_mode
        self.action_space = gymnasium.spaces.Discrete(4)
        self.observation_space = gymnasium.spaces.Box(-1.0, 1.0, (4,), np.float32)
        self._cell = 0
        self._in = self._broken = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Take the peg to the first cell."""
        super().reset(seed=seed)
        self._cell, self._in, self._broken = 0, False, False
        return self._obs(), self._info()

    def step(
        self, action: np.int64
    ) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Move, stay or insert."""
        last = self.cells - 1
        if action == INSERT and self._cell == last:
            self._in = bool(self.np_random.random() < self.chance)
            self._broken = not self._in
        elif action in (BACK, FORWARD):
            self._cell = min(max(self._cell + (1 if action == FORWARD else -1), 0), last)
        return self._obs(), float(self._in), self._in or self._broken, False, self._info()

    def render(self) -> str:
        """Draw the line, ``p`` for the peg, ``P`` for the peg in the hole, ``x`` for a broken one."""
        line = ["."] * self.cells
        line[self._cell] = "P" if self._in else "x" if self._broken else "p"
        return "".join(line)

    @property
    def _hole(self) -> bool:
        """Whether it is seen."""
        return self._cell == self.cells - 1

    def _obs(self) -> npt.NDArray[np.float32]:
        turn = np.pi * self._cell / (self.cells - 1)
        return np.array([np.sin(turn), np.cos(turn), self._hole, self._in], np.float32)

    def _info(self) -> dict[str, Any]:
        progress = 1.0 if self._in else 0.0 if self._broken else self._cell / self.cells
        return {"progress": progress, "is_success": self._in}
