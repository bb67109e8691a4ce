"""PushBall: a player on a plane pushes a ball to the goal, in lanes of its own."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

Point = npt.NDArray[np.float64]
GOAL, OWN_GOAL = np.array([1.0, 0.0]), np.array([-1.0, 0.0])
TOUCH, MOUTH, FAST = 0.2, 0.25, 0.15


class PushBall(gymnasium.Env[npt.NDArray[np.float32], npt.NDArray[np.float32]]):
    """A point with momentum that pushes a ball by touching it.

    Action (`Box(-1, 1, (2,))`): the force. Observation (`Box(-3, 3, (6,))`): the player's place and speed,
    the ball's place.

    Reward: 1 when the ball comes within 0.25 of the goal at (1, 0), which ends the episode, else 0. As
    registered, truncated after 60 steps.

    ``info``, the parts that players of Rocket League are shaped by, at reset and step: ``align``, the cosine
    between the way to the ball and the ball's way to the goal; ``speed`` towards the ball, 1 is fast;
    ``ball_distance``, ``goal_distance`` (the ball's) and ``own_distance`` (the ball's, to (-1, 0));
    ``touch``, how much nearer to the goal a touch of this step brought the ball; ``is_success``.

    Source: a miniature of Moschopoulos et al., Lucy-SKG, 2023, arXiv 2305.15801: one player, no jumps, no
    boost.

    >>> env = gymnasium.make("rewardwrap/PushBall-v0")
    >>> obs, info = env.reset(seed=0)
    >>> -1.0 <= info["align"] <= 1.0
    True
    """

    metadata = {"render_modes": [], "render_fps": 20}  # noqa: RUF012 - as gymnasium declares it

    def __init__(self, *, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.observation_space = gymnasium.spaces.Box(-3.0, 3.0, (6,), np.float32)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.place = self.speed = self.ball = np.zeros(2)
        self.gain = 0.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Player and ball anywhere in the middle, at rest."""
        super().reset(seed=seed)
        self.place = self.np_random.uniform(-1, 1, 2)
        self.ball = self.np_random.uniform(-0.5, 0.5, 2)
        self.speed, self.gain = np.zeros(2), 0.0
        return self._obs(), self._info()

    def step(
        self, action: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Move, and push the ball away if it is touched."""
        self.speed = 0.8 * self.speed + 0.06 * np.clip(np.asarray(action, np.float64), -1.0, 1.0)
        self.place = np.clip(self.place + self.speed, -1.5, 1.5)
        before, away = self.ball, self.ball - self.place
        far = float(np.linalg.norm(away))
        if far < TOUCH:
            self.ball = np.clip(self.place + away / (far + 1e-6) * TOUCH, -1.4, 1.4)
        self.gain = _length(before - GOAL) - _length(self.ball - GOAL)
        scored = _length(self.ball - GOAL) < MOUTH
        return self._obs(), float(scored), scored, False, self._info()

    def _obs(self) -> npt.NDArray[np.float32]:
        return np.concatenate([self.place, self.speed, self.ball]).astype(np.float32)

    def _info(self) -> dict[str, Any]:
        away, left = self.ball - self.place, GOAL - self.ball
        to_ball = away / (_length(away) + 1e-6)
        return {
            "align": float(to_ball @ left / (_length(left) + 1e-6)),
            "speed": float(np.clip(self.speed @ to_ball / FAST, -1.0, 1.0)),
            "ball_distance": _length(away),
            "goal_distance": _length(left),
            "own_distance": _length(self.ball - OWN_GOAL),
            "touch": self.gain,
            "is_success": _length(left) < MOUTH,
        }


def _length(way: Point) -> float:
    return float(np.linalg.norm(way))
