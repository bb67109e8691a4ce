"""QueryBuild: write a query token by token; a database in memory says what it finds."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from rewardwrap_envs import queries
from rewardwrap_envs.queries import ABOVE, COLUMN, END, FROM, SELECT, TABLE, TOKENS, WHERE

FULL = 8


class QueryBuild(gymnasium.Env[npt.NDArray[np.float32], np.int64]):
    """Ask one column of a table where another is above 3: ``select C from T where D > 3``.

    Actions (`Discrete(9)`): the tokens of `rewardwrap_envs.queries`; ``table`` and ``column k`` are those
    of the schema; ``end`` ends the episode and runs the query. Nothing but these tokens can be written, the
    database is read only, and a query is cut after 20 000 steps of sqlite's machine or 50 rows.

    Observation (`Box(0, 1, (37,))`): schema (4), wanted column (3), column of the condition (3), the last
    two tokens (9 each), and tokens written so far as one of 9. What is asked is drawn at `reset`.

    Reward: 1 where the rows are those of the wanted query, else 0. `terminated` by ``end``; as registered,
    truncated after 10 tokens. ``info``, 0 before the end: ``runs``, ``right`` (the rows agree; as multisets),
    ``schema`` and ``likeness`` (Jaccard of columns and of neighbouring tokens with the wanted query's),
    ``parses`` (how far a parser of this form gets), and ``is_success``.

    Known optimum: return 1 in 8 steps.

    Args:
        schemas: Which of the four are asked about.

    >>> env = gymnasium.make("rewardwrap/QueryBuild-v0")
    >>> _ = env.reset(seed=0)
    >>> [float(env.step(token)[1]) for token in env.unwrapped.gold][-1]
    1.0
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012 - as gymnasium declares it

    def __init__(
        self, *, schemas: tuple[int, ...] = (0, 1, 2, 3), render_mode: str | None = None
    ) -> None:
        self.schemas, self.render_mode = tuple(schemas), render_mode
        self.action_space = gymnasium.spaces.Discrete(len(TOKENS))
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (37,), np.float32)
        self._schema = self._asked = self._where = 0
        self._written: list[int] = []

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Draw a question."""
        super().reset(seed=seed)
        self._schema = int(self.np_random.choice(self.schemas))
        self._asked = int(self.np_random.integers(3))
        self._where = int(self.np_random.choice([k for k in (1, 2) if k != self._asked]))
        self._written = []
        return self._obs(), self._info(None)

    @property
    def gold(self) -> list[int]:
        """The tokens of the wanted query."""
        return [SELECT, COLUMN + self._asked, FROM, TABLE, WHERE, COLUMN + self._where, ABOVE, END]

    def step(
        self, action: np.int64
    ) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Write a token, or run what is written."""
        self._written.append(int(action))
        ended = bool(action == END)
        info = self._info(self._written if ended else None)
        return self._obs(), float(info["right"]), ended, False, info

    def render(self) -> str:
        """The query so far."""
        return queries.text(self._schema, self._written)

    def _info(self, written: list[int] | None) -> dict[str, Any]:
        if written is None:
            names = ("runs", "right", "schema", "likeness", "parses")
            return {**dict.fromkeys(names, 0.0), "is_success": False}
        found, wanted = (queries.answer(self._schema, tuple(q)) for q in (written, self.gold))
        columns, pairs = (
            [{t for t in q if COLUMN <= t < ABOVE} for q in (written, self.gold)],
            [set(pairwise(q)) for q in (written, self.gold)],
        )
        right = found is not None and found == wanted
        return {
            "runs": float(found is not None),
            "right": float(right),
            "schema": queries.jaccard(*columns),
            "likeness": queries.jaccard(*pairs),
            "parses": queries.parses(written),
            "is_success": right,
        }

    def _obs(self) -> npt.NDArray[np.float32]:
        obs = np.zeros(37, np.float32)
        obs[[self._schema, 4 + self._asked, 7 + self._where]] = 1.0
        for back, token in enumerate(self._written[:-3:-1]):
            obs[10 + 9 * back + token] = 1.0
        obs[28 + min(len(self._written), FULL)] = 1.0
        return obs
