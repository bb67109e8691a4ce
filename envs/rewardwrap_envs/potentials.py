"""Potentials that are no linear form of the named fields, one function of observations each.

Recipes name them as ``"rewardwrap_envs.potentials:<function>"``. Every function takes a batch of
observations ``(B, width)``, or of them and what was reported beside them, and returns ``(B,)``; where each
step costs 1 and no episode fails, it is negative and 0 at the goal, where only a goal pays, it is positive.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

SIZE = 100.0
"""About the steps that doing the task well takes, each of which costs 1."""

Array = npt.NDArray[np.float64]


def acrobot_tip_height(obs: npt.ArrayLike) -> Array:
    """Acrobot: ``100 min(0, (h - 1) / 3)``, h the height of the tip above the pivot in links.

    ``h = -cos t1 - cos(t1 + t2)``, from -2 hanging to 2 upright; the episode ends above 1.

    >>> acrobot_tip_height([[1.0, 0.0, 1.0, 0.0, 0.0, 0.0]]).tolist()
    [-100.0]
    """
    cos_1, sin_1, cos_2, sin_2 = np.asarray(obs, np.float64)[:, :4].T
    height = -cos_1 - (cos_1 * cos_2 - sin_1 * sin_2)
    made: Array = SIZE * np.minimum(0.0, (height - 1.0) / 3.0)
    return made


def mountain_car_energy(obs: npt.ArrayLike) -> Array:
    """MountainCar: ``100 min(0, (E - E_goal) / (E_goal - E_min))``, E the energy of the car.

    ``E = v² / 2 + 0.0025 sin(3 x) / 3``; E_goal at rest on the hill, x = 0.5, E_min at rest in the
    valley. 0 once the car has the energy to get there, wherever it is.

    >>> mountain_car_energy([[0.5, 0.0], [-np.pi / 6, 0.0]]).round(6).tolist()
    [0.0, -100.0]
    """
    x, velocity = np.asarray(obs, np.float64)[:, :2].T
    goal, lowest = _height(np.float64(0.5)), _height(np.float64(-np.pi / 6))
    missing = velocity**2 / 2 + _height(x) - goal
    made: Array = SIZE * np.minimum(0.0, missing / (goal - lowest))
    return made


def push_ball(obs: npt.ArrayLike) -> Array:
    """PushBall: a plain sum, ``D(ball, goal) - D(ball, own goal) + (D(player, ball) + align) / 2 + 1.5``.

    ``D(d) = exp(-d)``; the constant keeps it above 0. It is in the manner of Necto, a bot that Lucy-SKG
    (arXiv 2305.15801) plays against: worth of the ball's place plus worth of the player's. Nexto adds
    what a touch gained, ``push_ball`` as a potential ``+ 2 * rw.Field("touch").maximum(0)``.

    >>> push_ball([[-1.0, 0.0, 0.0, 0.0, 0.0, 0.0]]).round(4).tolist()
    [2.1839]
    """
    place, _, ball = np.split(np.asarray(obs, np.float64)[:, :6], 3, axis=1)
    away, left, own = ball - place, np.array([1.0, 0.0]) - ball, np.array([-1.0, 0.0]) - ball
    far, short, behind = (np.linalg.norm(way, axis=1) for way in (away, left, own))
    align = np.einsum("ij,ij->i", away, left) / (far * short + 1e-6)
    made: Array = np.exp(-short) - np.exp(-behind) + 0.5 * (np.exp(-far) + align) + 1.5
    return made


def pong_paddle(obs: npt.ArrayLike, info: Any) -> Array:
    """Pong, from RAM or pixels: ``1 - |player_y - ball_y| / 255``, from the memory that is reported.

    >>> ram = np.zeros((1, 128), np.uint8)
    >>> ram[0, 51], ram[0, 54] = 100, 151
    >>> pong_paddle(ram, {"ram": ram}).tolist()
    [0.8]
    """
    memory = np.asarray(info["ram"], np.float64)
    made: Array = 1.0 - np.abs(memory[:, 51] - memory[:, 54]) / 255.0
    return made


def _height(x: Array | np.float64) -> Array:
    """Potential energy of the car: gravity times the height of the road."""
    return np.asarray(0.0025 * np.sin(3 * x) / 3)
