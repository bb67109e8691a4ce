"""StepChain: reasoning steps, one of which is the answer; the smallest home of process rewards."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np
import numpy.typing as npt

USEFUL, REPEAT, ANSWER = 0, 1, 2
NEEDED = 3
CAP = 20


class StepChain(gymnasium.Env[npt.NDArray[np.float32], np.int64]):
    """Do three useful steps, then answer; a process score also likes repeating yourself.

    Actions (`Discrete(3)`): 0 useful (brings the answer nearer until three are done), 1 repeat
    (changes nothing), 2 answer (ends the episode).

    Observation (`Box(0, 1, (3,))`): useful steps done / 3, steps taken / 20, process score of the
    step before (0 after `reset`).

    Reward: 1 for an answer after at least three useful steps, else 0. The episode is `terminated`
    at any answer and, as registered, truncated after 20 steps.

    ``info["process_score"]`` scores every step as a step-wise judge would: useful 0.8,
    repeat 0.9, and 0 for the answer (which is judged by its success) and after `reset`.
    ``info["is_success"]`` says whether the episode ended in a correct answer.

    Known answers, undiscounted, the shortest of equally good episodes: with the success reward
    only, 4 steps; with ``0.1 * process_score`` added, 20; with ``1.0 * process_score`` added the
    agent never answers. Clipping the score at 0.85 (``min(score - 0.85, 0)``) gives 4 again, and
    paying it as differences gives 5.

    Source:
        The miniature of "On Designing Effective RL Reward at Training Time for LLM Reasoning",
        2024, arXiv 2410.15115: its tokens and judge are replaced by counters and constants.

    >>> env = gymnasium.make("rewardwrap/StepChain-v0")
    >>> _ = env.reset(seed=0)
    >>> [float(env.step(action)[1]) for action in (USEFUL, USEFUL, USEFUL, ANSWER)]
    [0.0, 0.0, 0.0, 1.0]
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012 - as gymnasium declares it
    scores: ClassVar[dict[int, float]] = {USEFUL: 0.8, REPEAT: 0.9, ANSWER: 0.0}

    def __init__(self, *, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.action_space = gymnasium.spaces.Discrete(3)
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (3,), np.float32)
        self._useful = 0
        self._steps = 0
        self._score = 0.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Start with nothing done."""
        super().reset(seed=seed)
        self._useful, self._steps, self._score = 0, 0, 0.0
        return self._obs(), self._info(success=False)

    def step(
        self, action: np.int64
    ) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Do a useful step, repeat, or answer."""
        self._steps += 1
        self._score = self.scores[int(action)]
        self._useful = min(self._useful + (action == USEFUL), NEEDED)
        answered = bool(action == ANSWER)
        success = answered and self._useful == NEEDED
        return self._obs(), float(success), answered, False, self._info(success=success)

    def render(self) -> str:
        """Draw the useful steps as ``#`` and the missing ones as ``.``."""
        return "#" * self._useful + "." * (NEEDED - self._useful) + f" step {self._steps}"

    def _obs(self) -> npt.NDArray[np.float32]:
        steps = min(self._steps / CAP, 1.0)
        return np.array([self._useful / NEEDED, steps, self._score], dtype=np.float32)

    def _info(self, *, success: bool) -> dict[str, Any]:
        return {"process_score": self._score, "is_success": success}
