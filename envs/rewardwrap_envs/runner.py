"""Runner: a platform game of one row, with pits, coins and a flag; levels by number."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

WAIT, RUN, JUMP = 0, 1, 2
LENGTH, SEEN, TIME, TILE = 64, 8, 300, 16
PIT, COIN = 1, 2
STILL = 30


class Runner(gymnasium.Env[npt.NDArray[np.float32], np.int64]):
    """Run to the flag; jump over pits and through coins; the time runs.

    Actions (`Discrete(3)`): wait; run one tile; jump two, over what lies between, catching the coin that
    hangs there. Whoever lands in a pit dies.

    Observation (`Box(0, 1, (17,))`): pits and coins of the next 8 tiles, and the share of the time left.

    Reward: the gain in ``fitness = 10 coins + 0.1 x - 0.01 (300 - time)``, x in pixels, 16 a tile, the
    furthest that was reached. The episode is `terminated` by a pit, at the flag (64 tiles) and when the time
    is out, and truncated after 30 moves that led no further.

    ``info`` has what the real game has: ``x_pos``, ``coins``, ``time``, ``life`` (1 or 0) and ``flag_get``;
    and ``fitness``.

    Args:
        level: Its number; equal numbers are equal levels.
        shift: Tiles by which the start lies further on.

    Source:
        Jain, Optimizing Mario under constraints, 2023, arXiv 2312.14963: its fitness and its end after
        30 moves without a gain. The game itself is replaced by a row of tiles.

    >>> env = gymnasium.make("rewardwrap/Runner-v0", level=3)
    >>> _ = env.reset(seed=0)
    >>> float(env.step(RUN)[1])
    1.59
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 8}  # noqa: RUF012 - as gymnasium declares it

    def __init__(self, *, level: int = 0, shift: int = 0, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.action_space = gymnasium.spaces.Discrete(3)
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (2 * SEEN + 1,), np.float32)
        self.tiles = tiles_of(level)
        self.shift = shift
        self.reset()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Stand at the start, all coins in place."""
        super().reset(seed=seed)
        self.at = self.best = self.shift
        # nobody starts in a pit
        while self.tiles[self.at] == PIT:
            self.at = self.best = self.at + 1
        self.coins, self.time, self.life, self.still = 0, TIME, 1, 0
        self.left = self.tiles == COIN
        return self._obs(), self._info()

    def step(
        self, action: np.int64
    ) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Wait, run or jump."""
        before, self.time = self.fitness, self.time - 1
        if action == JUMP and self.left[min(self.at + 1, LENGTH)]:
            self.left[self.at + 1] = False
            self.coins += 1
        self.at = min(self.at + int(action), LENGTH)
        self.life = int(self.tiles[self.at] != PIT)
        self.still = 0 if self.at > self.best else self.still + 1
        self.best = max(self.best, self.at)
        flag = self.at == LENGTH
        over = flag or not self.life or self.time == 0
        return (
            self._obs(),
            self.fitness - before,
            over,
            self.still >= STILL and not over,
            self._info(),
        )

    @property
    def fitness(self) -> float:
        """``10 coins + 0.1 x - 0.01 (300 - time)``."""
        return 10.0 * self.coins + 0.1 * TILE * self.best - 0.01 * (TIME - self.time)

    def render(self) -> str:
        """The next tiles: ``_`` pit, ``o`` coin, ``@`` the runner."""
        marks = {0: "=", PIT: "_", COIN: "o"}
        return "@" + "".join(marks[int(t)] for t in self.tiles[self.at + 1 : self.at + 1 + SEEN])

    def _obs(self) -> npt.NDArray[np.float32]:
        ahead = np.zeros((2, SEEN), np.float32)
        seen = self.tiles[self.at + 1 : self.at + 1 + SEEN]
        ahead[0, : len(seen)] = seen == PIT
        ahead[1, : len(seen)] = self.left[self.at + 1 : self.at + 1 + SEEN]
        return np.append(ahead.ravel(), np.float32(self.time / TIME))

    def _info(self) -> dict[str, Any]:
        return {
            "x_pos": float(TILE * self.best), "coins": float(self.coins), "time": float(self.time),
            "life": float(self.life), "flag_get": self.at == LENGTH, "fitness": self.fitness,
        }  # fmt: skip


def tiles_of(level: int) -> npt.NDArray[np.int64]:
    """``(65,)`` tiles of a level: 0 ground, 1 a pit, 2 ground under a coin; the last is the flag.

    Pits are one tile wide and never next to each other, so that every level can be run.
    """
    draws = np.random.default_rng(1000 + level)
    tiles = np.zeros(LENGTH + 1, np.int64)
    place = 3
    while place < LENGTH - 2:
        tiles[place] = PIT if draws.random() < 0.6 else COIN
        place += int(draws.integers(2, 6))
    return tiles
