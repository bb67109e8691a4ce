"""Verify: sums that can be checked, worded in two ways, with a pad to work on before the answer."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

ANSWERS = 4
WORK, DOODLE = 4, 5
CAP = 8
NONE = float("nan")


class Verify(gymnasium.Env[npt.NDArray[np.float32], np.int64]):
    """Answer ``(a + b) mod 4``, at once or after work on a pad.

    Actions (`Discrete(6)`): 0 to 3 answer (ends the episode), 4 work (writes the sum on the pad), 5 doodle
    (writes any number on it).

    Observation (`Box(0, 1, (18,))`): a, b, a word and the pad as one of 4 each (the pad is empty at first),
    steps taken / 8, and whether the answer can be checked. The word belongs to the wording, ``view``, and
    says nothing of the answer: it is what a policy may follow by mistake. Numbers, words and whether the
    answer can be checked are drawn at `reset`, alike for equal seeds, whichever view is shown.

    Reward: 1 for the right answer, else 0. `terminated` at any answer; as registered, truncated after 8
    steps. ``info``: ``answer`` (NaN before there is one), ``view``, ``checkable`` and ``is_success``.

    Known optimum: return 1 in one step.

    Args:
        view: Which wording, 0 or 1; None draws it.

    >>> env = gymnasium.make("rewardwrap/Verify-v0")
    >>> obs, _ = env.reset(seed=0)
    >>> a, b = (int(obs[k : k + 4].argmax()) for k in (0, 4))
    >>> float(env.step((a + b) % 4)[1])
    1.0
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012 - as gymnasium declares it

    def __init__(self, *, view: int | None = None, render_mode: str | None = None) -> None:
        if view not in (None, 0, 1):
            raise ValueError(f"view must be 0, 1 or None, got {view!r}. None draws it.")
        self._wanted, self.render_mode = view, render_mode
        self.action_space = gymnasium.spaces.Discrete(6)
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (18,), np.float32)
        self._numbers = self._words = np.zeros(2, np.int64)
        self._view = self._steps = 0
        self._pad: int | None = None
        self._checkable = True

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Draw a question."""
        super().reset(seed=seed)
        self._numbers, self._words = self.np_random.integers(ANSWERS, size=(2, 2))
        self._checkable = bool(self.np_random.random() < 0.5)
        drawn = int(self.np_random.integers(2))
        self._view = drawn if self._wanted is None else self._wanted
        self._pad, self._steps = None, 0
        return self._obs(), self._info(NONE)

    def step(
        self, action: np.int64
    ) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Answer, or write on the pad."""
        self._steps += 1
        if action == WORK:
            self._pad = self.right
        elif action == DOODLE:
            self._pad = int(self.np_random.integers(ANSWERS))
        answered = action < ANSWERS
        said = float(action) if answered else NONE
        return self._obs(), float(said == self.right), bool(answered), False, self._info(said)

    @property
    def right(self) -> int:
        """The right answer."""
        return int(self._numbers.sum()) % ANSWERS

    def render(self) -> str:
        """Write the question and the pad."""
        pad = "_" if self._pad is None else str(self._pad)
        return f"{self._numbers[0]} + {self._numbers[1]} (word {self._words[self._view]}) pad {pad}"

    def _info(self, said: float) -> dict[str, Any]:
        return {
            "answer": said,
            "view": self._view,
            "checkable": self._checkable,
            "is_success": said == self.right,
        }

    def _obs(self) -> npt.NDArray[np.float32]:
        obs = np.zeros(18, np.float32)
        shown = (*self._numbers, self._words[self._view], self._pad)
        for place, number in enumerate(shown):
            if number is not None:
                obs[ANSWERS * place + int(number)] = 1.0
        obs[16:] = min(self._steps / CAP, 1.0), self._checkable
        return obs
