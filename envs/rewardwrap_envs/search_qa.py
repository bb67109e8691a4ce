"""SearchQA: search, read, answer; with questions that nobody can answer it is a help desk."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

SEARCH, READ, HAND_OVER = 0, 1, 2
ANSWERS, DOCUMENTS, CAP = 3, 4, 20


class SearchQA(gymnasium.Env[npt.NDArray[np.float32], np.int64]):
    """Find the document that answers the question, read it, and give the answer it holds.

    Actions (`Discrete(6)`): 0 search (puts the next of four documents on the table, after the fourth the
    first again), 1 read what lies there, 2 hand over to a person (ends the episode), 3 to 5 give one of
    three answers (ends the episode).

    Observation (`Box(0, 1, (7,))`): whether a document lies on the table, whether it is about the question,
    searches / 4 (at most 1), steps taken / 20, and which of three answers was read (all 0 before).
    Which of the documents is about the question, and the answer in it, are drawn at `reset`, alike for
    equal seeds.

    Reward: 1 for the right answer, and for handing over a question that no document answers, else 0.
    `terminated` at an answer or hand-over; as registered, truncated after 20 steps. ``info``:
    ``is_success``; what a judge of single steps may hold to a principle: ``new_search`` (a document
    not seen before), ``on_topic`` (it lies on the table now), ``grounded`` (the answer has been read),
    ``ended``; and ``search_score``, what a careless judge says of the step: 0.9 for any search, 0.8 for
    reading the right document, 0.2 else.

    Known optimum: return 1; searches up to the document, read, answer, or four searches and a hand-over:
    4.5 steps in the mean, 4.6 with ``unanswerable=0.2``.

    Args:
        unanswerable: Share of questions that no document answers, in [0, 1]; 0.2 makes it a help desk.

    >>> env = gymnasium.make("rewardwrap/SearchQA-v0")
    >>> obs, _ = env.reset(seed=0)
    >>> while not obs[1]:
    ...     obs, *_ = env.step(SEARCH)
    >>> obs, *_ = env.step(READ)
    >>> float(env.step(HAND_OVER + 1 + int(obs[4:].argmax()))[1])
    1.0
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012 - as gymnasium declares it

    def __init__(self, *, unanswerable: float = 0.0, render_mode: str | None = None) -> None:
        if not 0.0 <= unanswerable <= 1.0:
            raise ValueError(f"unanswerable must lie in [0, 1], got {unanswerable}. Use 0.2.")
        self.unanswerable, self.render_mode = unanswerable, render_mode
        self.action_space = gymnasium.spaces.Discrete(3 + ANSWERS)
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (4 + ANSWERS,), np.float32)
        self._where: int | None = None
        self._answer = self._searches = self._steps = 0
        self._read = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Draw a question."""
        super().reset(seed=seed)
        place, self._answer = (int(self.np_random.integers(n)) for n in (DOCUMENTS, ANSWERS))
        self._where = None if self.np_random.random() < self.unanswerable else place
        self._searches = self._steps = 0
        self._read = False
        return self._obs(), self._info(READ, False, 0.0)

    def step(
        self, action: np.int64
    ) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Search, read, hand over or answer."""
        self._steps += 1
        self._searches += int(action == SEARCH)
        useful = bool(action == READ and self._on_topic() and not self._read)
        self._read |= useful
        ended = bool(action >= HAND_OVER)
        given = int(action) - HAND_OVER - 1
        right = ended and (given == -1 if self._where is None else given == self._answer)
        score = 0.9 if action == SEARCH else 0.8 if useful else 0.2
        return self._obs(), float(right), ended, False, self._info(int(action), right, score)

    def render(self) -> str:
        """Say what lies on the table and what is known."""
        table = "right" if self._on_topic() else "other" if self._searches else "nothing"
        return f"{table} document, {'answer read' if self._read else 'nothing read'}"

    def _on_topic(self) -> bool:
        return self._searches > 0 and (self._searches - 1) % DOCUMENTS == self._where

    def _info(self, action: int, right: bool, score: float) -> dict[str, Any]:
        return {
            "is_success": bool(right),
            "new_search": float(action == SEARCH and self._searches <= DOCUMENTS),
            "on_topic": float(self._on_topic()),
            "grounded": float(self._read),
            "ended": float(action >= HAND_OVER),
            "search_score": score,
        }

    def _obs(self) -> npt.NDArray[np.float32]:
        known = np.eye(ANSWERS)[self._answer] * self._read
        shares = (min(self._searches / DOCUMENTS, 1.0), min(self._steps / CAP, 1.0))
        table = (float(self._searches > 0), float(self._on_topic()))
        return np.array([*table, *shares, *known], dtype=np.float32)
