"""Melody: write eight notes that follow four rules; there are many good ones, and a set can be dull."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

NOTES, LENGTH = 8, 8
LEAP, DIFFERENT = 2, 4
NAMES = "cdefgabC"


class Melody(gymnasium.Env[npt.NDArray[np.float32], np.int64]):
    """Continue a given note by seven of your own, on the white keys from c to the C above.

    Actions (`Discrete(8)`): the next note, 0 (c) to 7 (C).

    Observation (`Box(0, 1, (12,))`): notes written / 8, the last one / 7, whether each of the eight notes
    has been used, then the first note / 7 and the number of leaps so far / 7. The first note is drawn at
    `reset`, alike for equal seeds.

    Reward: with the eighth note, the share of four rules that hold, else 0: it ends on c or C; no step is
    wider than two keys; no note comes twice in a row; at least four different notes are used. `terminated`
    with the eighth note. ``info``: ``is_success``, all four; ``leaps``, ``repeats`` and ``different``
    so far.

    Known optimum: return 1, in seven steps, from every first note.

    >>> env = gymnasium.make("rewardwrap/Melody-v0")
    >>> _, _ = env.reset(seed=1)
    >>> env.unwrapped.written
    [3]
    >>> [float(env.step(note)[1]) for note in (4, 3, 2, 1, 2, 1, 0)][-1]
    1.0
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012 - as gymnasium declares it

    def __init__(self, *, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.action_space = gymnasium.spaces.Discrete(NOTES)
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (4 + NOTES,), np.float32)
        self.written: list[int] = [0]

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Draw the first note."""
        super().reset(seed=seed)
        self.written = [int(self.np_random.integers(NOTES))]
        return self._obs(), self._info(success=False)

    def step(
        self, action: np.int64
    ) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Write a note."""
        self.written.append(int(action))
        over = len(self.written) == LENGTH
        worth = sum(self._rules()) / 4 if over else 0.0
        return self._obs(), worth, over, False, self._info(success=worth == 1.0)

    def render(self) -> str:
        """Write the notes as letters."""
        return "".join(NAMES[note] for note in self.written)

    def _rules(self) -> tuple[bool, bool, bool, bool]:
        home = self.written[-1] in (0, NOTES - 1)
        return home, not self._leaps(), not self._repeats(), len(set(self.written)) >= DIFFERENT

    def _steps(self) -> npt.NDArray[np.int64]:
        return np.abs(np.diff(self.written))

    def _leaps(self) -> int:
        return int((self._steps() > LEAP).sum())

    def _repeats(self) -> int:
        return int((self._steps() == 0).sum())

    def _info(self, *, success: bool) -> dict[str, Any]:
        return {
            "is_success": bool(success),
            "leaps": float(self._leaps()),
            "repeats": float(self._repeats()),
            "different": float(len(set(self.written))),
        }

    def _obs(self) -> npt.NDArray[np.float32]:
        used = np.isin(np.arange(NOTES), self.written)
        last, first = self.written[-1] / (NOTES - 1), self.written[0] / (NOTES - 1)
        shown = (len(self.written) / LENGTH, last, *used, first, self._leaps() / (LENGTH - 1))
        return np.array(shown, dtype=np.float32)
