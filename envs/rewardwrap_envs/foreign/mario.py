"""Super Mario Bros., the game itself: one level, from its start to the flag."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.utils import RecordConstructorArgs

from rewardwrap_envs.errors import EnvsError
from rewardwrap_envs.foreign.nes import HEIGHT, WIDTH, Bytes, Console, folder_of

A, B, START, LEFT, RIGHT = 1, 2, 8, 64, 128
MOVES = (0, RIGHT, RIGHT | A, RIGHT | B, RIGHT | A | B, A, LEFT)
STILL, STEPS = 30, 5000
DYING, DEAD, BUSY = 11, 6, (0, 1, 2, 3, 4, 5, 7)
BOWSER, FLAG, SLIDING = 0x2D, 0x31, 3
TALL = (1, 2, 4, 7)
"""Worlds whose first level has a second area, which moves the others on by one."""


class Mario(gymnasium.Env[Bytes, np.int64]):
    """Super Mario Bros. under the names and the reward of `rewardwrap_envs.runner.Runner`.

    Actions (`Discrete(7)`): nothing, right, right and jump, right and run, all three, jump, left.

    Observation (`Box(0, 255, (240, 256, 3), uint8)`): the screen; `MarioTiles` shows tiles instead.

    Reward: the gain in ``fitness = 10 coins + 0.1 x - 0.01 (time used)``, x in pixels, the furthest that was
    reached, time in the game's own seconds. The episode is `terminated` by a death, by the end of the level
    and by leaving it through a warp, and truncated after 30 moves that led no further.

    ``info``: ``x_pos``, ``coins``, ``time``, ``life`` (1 or 0), ``flag_get`` and ``fitness``. The game is
    deterministic: equal moves give equal runs, whatever the seed.

    Args:
        world: 1 to 8.
        stage: 1 to 4.
        skip: Frames that a move lasts.
        downsampled: Whether to show plain shapes before a plain background; the rules are the same.

    Raises:
        MissingPackage: `pip install "rewardwrap[mario]"` was not run.
        EnvsError: A level or a skip that there is none of.

    Source:
        Jain, Optimizing Mario under constraints, 2023, arXiv 2312.14963: fitness, the end after 30 moves
        without a gain, 5000 moves at most. Emulator: nes-py; game file: gym-super-mario-bros.

    >>> env = gymnasium.make("rewardwrap/Mario-v0", stage=2)  # doctest: +SKIP
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 60}  # noqa: RUF012 - as gymnasium declares it

    def __init__(
        self,
        *,
        world: int = 1,
        stage: int = 1,
        skip: int = 4,
        downsampled: bool = False,
        render_mode: str | None = None,
    ) -> None:
        if not (1 <= world <= 8 and 1 <= stage <= 4 and skip >= 1):
            raise EnvsError(
                f"Mario must have a world in 1..8, a stage in 1..4 and a skip of 1 at least, got {world}, "
                f"{stage} and {skip}. Write world=1, stage=2, skip=4."
            )
        self.render_mode, self.skip = render_mode, skip
        self._still = 0
        self.action_space = gymnasium.spaces.Discrete(len(MOVES))
        self.observation_space = gymnasium.spaces.Box(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
        name = "super-mario-bros" + ("-downsample" if downsampled else "")
        self.console = Console(folder_of("gym_super_mario_bros") / "_roms" / f"{name}.nes")
        area = stage + (stage > 1 and world in TALL)
        self._level = {0x75F: world - 1, 0x75C: stage - 1, 0x760: area - 1}
        self._begin()
        self.console.keep()
        self._count()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Bytes, dict[str, Any]]:
        """Back to the first moment of the level."""
        super().reset(seed=seed)
        self.console.back()
        self._count()
        return self.console.screen(), self._info()

    def step(self, action: np.int64) -> tuple[Bytes, float, bool, bool, dict[str, Any]]:
        """Hold the buttons of a move for its frames."""
        before, further = self.fitness, self.best
        for _ in range(self.skip):
            self.console.frame(MOVES[int(action)])
            over = self._look()
            if over:
                break
            self._hurry()
        self._still = 0 if self.best > further else self._still + 1
        stuck = self._still >= STILL and not over
        return self.console.screen(), self.fitness - before, over, stuck, self._info()

    @property
    def fitness(self) -> float:
        """``10 coins + 0.1 x - 0.01 (time used)``."""
        return 10.0 * self.coins + 0.1 * self.best - 0.01 * (self._first - self.time)

    def render(self) -> Bytes:
        """The screen."""
        return self.console.screen()

    def close(self) -> None:
        """Free the console."""
        self.console.close()

    def _begin(self) -> None:
        """Through the title to the first moment at which the clock of the level has moved."""
        console = self.console
        while console.digits(0x7F8, 3) == 0:
            console.frame(START)
            for address, value in self._level.items():
                console.ram[address] = value
            console.frame(0)
            console.ram[0x7A0] = 0
        shown = console.digits(0x7F8, 3)
        while console.digits(0x7F8, 3) >= shown:
            shown = console.digits(0x7F8, 3)
            console.frame(START)
            console.frame(0)

    def _count(self) -> None:
        self.coins, self._purse = 0, self.console.digits(0x7ED, 2)
        self._first = self.time = self.console.digits(0x7F8, 3)
        self.best, self.life, self.flag = self._x(), 1, False
        self._still = 0

    def _look(self) -> bool:
        """Read the memory after a frame; whether the episode is over."""
        console = self.console
        purse = console.digits(0x7ED, 2)
        # the hundredth coin is a life, and the purse is empty again
        self.coins, self._purse = self.coins + (purse - self._purse) % 100, purse
        self.time = console.digits(0x7F8, 3)
        fallen = console.byte(0xB5) > 1
        self.life = int(not fallen and console.byte(0x0E) not in (DYING, DEAD))
        sliding = console.byte(0x1D) == SLIDING
        at_end = any(console.byte(0x16 + slot) in (BOWSER, FLAG) for slot in range(5))
        self.flag = console.byte(0x770) == 2 or (sliding and at_end)
        if self.life:
            self.best = max(self.best, self._x())
        here = all(console.byte(k) == self._level[k] for k in (0x75F, 0x75C))
        return not self.life or self.flag or not here

    def _hurry(self) -> None:
        """Run down the timers of pipes and doors, and play on while nobody has a say."""
        console = self.console
        if 1 < console.byte(0x6DE) < 255:
            console.ram[0x6DE] = 1
        while console.byte(0x0E) in BUSY:
            console.ram[0x7A0] = 0
            console.frame(0)

    def _x(self) -> int:
        return self.console.byte(0x6D) * 256 + self.console.byte(0x86)

    def _info(self) -> dict[str, Any]:
        return {
            "x_pos": float(self.best), "coins": float(self.coins), "time": float(self.time),
            "life": float(self.life), "flag_get": self.flag, "fitness": self.fitness,
        }  # fmt: skip


class MarioTiles(gymnasium.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """Show the 9 x 9 tiles around Mario instead of the screen: small enough for a small network.

    ``(84,)`` float32 in [-1, 1]: tiles row by row from four above him to four below, from one behind to
    seven ahead (1 solid, 0.5 a coin, -1 an enemy, 0 air); his speeds to the right and down; 1 on the ground.

    Args:
        env: A `Mario`.
    """

    ROWS, BEHIND, AHEAD, COINS = 4, 1, 7, (0xC2, 0xC3)

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        gymnasium.ObservationWrapper.__init__(self, env)
        self.observation_space = gymnasium.spaces.Box(-1.0, 1.0, (84,), np.float32)

    def observation(self, observation: Any) -> npt.NDArray[np.float32]:
        """Read the tiles out of the memory."""
        game: Any = self.env.unwrapped
        console: Console = game.console
        # two screens of 13 x 16 tiles, the left one at even pages; the level begins two rows down
        map_ = console.ram[0x500:0x6A0].reshape(2, 13, 16).astype(np.int64)
        across = np.concatenate([map_[0], map_[1]], axis=1)
        column = (game._x() + 8) // 16
        row = (console.byte(0xCE) + 256 * (console.byte(0xB5) - 1) + 16 - 32) // 16
        rows = np.arange(row - self.ROWS, row + self.ROWS + 1)
        columns = np.arange(column - self.BEHIND, column + self.AHEAD + 1)
        seen = across[np.clip(rows, 0, 12)][:, columns % 32]
        seen[(rows < 0) | (rows > 12)] = 0
        tiles = np.where(np.isin(seen, self.COINS), 0.5, (seen != 0).astype(np.float64))
        for slot in range(5):
            if console.byte(0x0F + slot):
                x = (console.byte(0x6E + slot) * 256 + console.byte(0x87 + slot) + 8) // 16
                y = (console.byte(0xCF + slot) + 16 - 32) // 16
                tiles[(rows == y)[:, None] & (columns == x)[None]] = -1.0
        speeds = np.clip(console.ram[[0x57, 0x9F]].view(np.int8) / np.array([48.0, 8.0]), -1, 1)
        ground = float(console.byte(0x1D) == 0)
        return np.concatenate([tiles.ravel(), speeds, [ground]]).astype(np.float32)


class MarioPixels(gymnasium.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """Show a small gray screen: ``(80, 64)`` uint8, the mean of each 3 x 4 pixels and their colours.

    Args:
        env: A `Mario`.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        gymnasium.ObservationWrapper.__init__(self, env)
        self.observation_space = gymnasium.spaces.Box(0, 255, (HEIGHT // 3, WIDTH // 4), np.uint8)

    def observation(self, observation: Bytes) -> Bytes:
        """Average the blocks."""
        blocks = observation.reshape(HEIGHT // 3, 3, WIDTH // 4, 4, 3)
        gray: Bytes = blocks.mean(axis=(1, 3, 4)).astype(np.uint8)
        return gray
