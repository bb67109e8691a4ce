"""PushMatch: two teams on a plane push one ball to two goals, by PettingZoo's parallel interface."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np
import numpy.typing as npt

from rewardwrap_envs.push_ball import MOUTH, TOUCH

Array = npt.NDArray[np.float32]
MIRROR = np.array([-1.0, 1.0])
LIMIT = 60


class PushMatch:
    """Two against two of the players of PushBall; each sees the plane as if it attacked to the right.

    Observation (`Box(-3, 3, (8,))`): own place and speed, the mate's place, the ball's place. Action: the
    force. Reward: 1 to who touched the ball last, of the team that scores, which ends the match; 0 to all
    others. After 60 steps it is cut. ``info``: ``ball_distance``, ``goal_distance`` and ``touch``, as in
    PushBall. Where two touch the ball in one step, the first in the list does.

    >>> match = PushMatch()
    >>> obs, infos = match.reset(seed=0)
    >>> sorted(obs) == match.possible_agents
    True
    """

    metadata: ClassVar[dict[str, Any]] = {"name": "push_match", "render_modes": []}
    possible_agents: ClassVar[list[str]] = ["blue_0", "blue_1", "orange_0", "orange_1"]
    teams: ClassVar[tuple[int, ...]] = (0, 0, 1, 1)

    def __init__(self) -> None:
        self.agents: list[str] = []
        self.rng = np.random.default_rng()

    def observation_space(self, agent: str) -> gymnasium.spaces.Box:
        """Equal for all."""
        return gymnasium.spaces.Box(-3.0, 3.0, (8,), np.float32)

    def action_space(self, agent: str) -> gymnasium.spaces.Box:
        """Equal for all."""
        return gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Array], dict[str, dict[str, Any]]]:
        """Players in their halves, the ball in the middle, all at rest."""
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self.agents = list(self.possible_agents)
        self.places = self.rng.uniform(-1.0, 1.0, (4, 2))
        self.places[:, 0] = np.abs(self.places[:, 0]) * np.array([-1.0, -1.0, 1.0, 1.0])
        self.speeds, self.ball = np.zeros((4, 2)), self.rng.uniform(-0.2, 0.2, 2)
        self.last, self.clock = 0, 0
        return self._obs(), self._infos(np.zeros(4))

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[
        dict[str, Array], dict[str, float], dict[str, bool], dict[str, bool], dict[str, Any]
    ]:
        """All move, then push the ball away one after another."""
        gains, goals = np.zeros(4), (np.array([1.0, 0.0]), np.array([-1.0, 0.0]))
        for i, agent in enumerate(self.possible_agents):
            force = np.clip(np.asarray(actions[agent], np.float64), -1.0, 1.0)
            self.speeds[i] = 0.8 * self.speeds[i] + 0.06 * (force * MIRROR if i > 1 else force)
            self.places[i] = np.clip(self.places[i] + self.speeds[i], -1.5, 1.5)
        for i in range(4):
            away = self.ball - self.places[i]
            if (far := float(np.linalg.norm(away))) < TOUCH:
                before, self.last = self.ball, i
                self.ball = np.clip(self.places[i] + away / (far + 1e-6) * TOUCH, -1.4, 1.4)
                goal = goals[self.teams[i]]
                gains[i] = np.linalg.norm(before - goal) - np.linalg.norm(self.ball - goal)
        self.clock += 1
        paid = dict.fromkeys(self.possible_agents, 0.0)
        scored = [float(np.linalg.norm(self.ball - goal)) < MOUTH for goal in goals]
        if any(scored):
            # an own goal is paid to nobody of the other team
            paid[self.possible_agents[self.last]] = float(scored[self.teams[self.last]])
        ended = dict.fromkeys(self.possible_agents, any(scored))
        cut = dict.fromkeys(self.possible_agents, self.clock >= LIMIT)
        self.agents = [] if any(scored) or self.clock >= LIMIT else self.agents
        return self._obs(), paid, ended, cut, self._infos(gains)

    def close(self) -> None:
        """Nothing to close."""

    def _obs(self) -> dict[str, Array]:
        found = {}
        for i, agent in enumerate(self.possible_agents):
            seen = np.array([self.places[i], self.speeds[i], self.places[i ^ 1], self.ball])
            found[agent] = (seen * MIRROR if i > 1 else seen).ravel().astype(np.float32)
        return found

    def _infos(self, gains: npt.NDArray[np.float64]) -> dict[str, dict[str, Any]]:
        goals = (np.array([1.0, 0.0]), np.array([-1.0, 0.0]))
        return {
            agent: {
                "ball_distance": float(np.linalg.norm(self.ball - self.places[i])),
                "goal_distance": float(np.linalg.norm(self.ball - goals[self.teams[i]])),
                "touch": float(gains[i]),
            }
            for i, agent in enumerate(self.possible_agents)
        }
