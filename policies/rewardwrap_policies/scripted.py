"""Controllers that do the task, written down: honest behaviour to test rewards against.

Each is a function from one observation to one action, without state. The mean true returns below
are over 100 episodes, reset with seeds 0 to 99.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from rewardwrap_envs.errors import near_misses
from rewardwrap_policies.errors import UnknownController

Controller: TypeAlias = Callable[[Any], Any]


def cart_pole(obs: npt.NDArray[Any]) -> int:
    """Push to where the pole falls, with a little pull to the middle: return 500, the optimum.

    Args:
        obs: (4,) cart position, cart velocity, pole angle, pole angular velocity.
    """
    position, velocity, angle, angular_velocity = obs
    return int(angle + 0.4 * angular_velocity + 0.01 * position + 0.02 * velocity > 0)


def mountain_car(obs: npt.NDArray[Any]) -> int:
    """Push where the car already goes, which only adds energy: return -120.0.

    Args:
        obs: (2,) position, velocity.
    """
    return 2 if obs[1] >= 0 else 0


def acrobot(obs: npt.NDArray[Any]) -> int:
    """Turn the lower link against the upper one's motion, which pumps energy: return -85.1.

    Args:
        obs: (6,) cosine and sine of both angles, both angular velocities.
    """
    return 0 if obs[4] > 0 else 2


def pendulum(obs: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Pump energy until nearly upright, then hold: return -144.7.

    With mass and length 1 the energy relative to standing upright is
    ``E = velocity**2 / 6 + 5 * (cos - 1)``; torque along ``-E * velocity`` drives it to zero.

    Args:
        obs: (3,) cosine and sine of the angle (0 is upright), angular velocity.

    Returns:
        (1,) float32 torque in [-2, 2].
    """
    cos, sin, velocity = (float(number) for number in obs)
    if cos > 0.85:
        torque = -16.0 * np.arctan2(sin, cos) - 3.0 * velocity
    else:
        energy = velocity**2 / 6.0 + 5.0 * (cos - 1.0)
        torque = -2.0 * energy * (1.0 if velocity >= 0 else -1.0)
    return np.array([np.clip(torque, -2.0, 2.0)], dtype=np.float32)


def frozen_lake_8x8(obs: Any) -> int:
    """Take a shortest way around the holes, on ice that is not slippery: return 1, the optimum.

    Args:
        obs: number of the cell, row by row.
    """
    return _shortest_ways()[int(obs)]


def key_door(obs: npt.NDArray[Any], *, size: int = 8) -> int:
    """Fetch the key, open the door and go to the goal, along a shortest way: return 1, the optimum.

    Args:
        obs: (4,) column and row over ``size - 1``, key, door; or the picture, `(6 size, 6 size, 1)`.
        size: columns and rows; a picture tells them.
    """
    if np.ndim(obs) == 3:
        size = len(obs) // 6
        obs = _key_door_seen(obs[..., 0])
    x, y = (round(float(number) * (size - 1)) for number in obs[:2])
    has_key, is_open = obs[2] > 0.5, obs[3] > 0.5
    wall = middle = size // 2
    if is_open:
        goal = (size - 1, size - 1) if x > wall else (wall + 1, middle)
    else:
        goal = (wall - 1, middle) if has_key else (0, 0)
    if (x, y) == goal:
        return 5 if has_key else 4
    # the door is passed along its own row
    if y != goal[1]:
        return 3 if goal[1] > y else 2
    return 1 if goal[0] > x else 0


def _key_door_seen(picture: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """The four numbers that a picture shows."""
    cells, size = picture[::6, ::6], len(picture) // 6
    y, x = (int(place[0]) for place in np.nonzero(cells == 255))
    key = picture[6 * y + 2, 6 * x + 2] == 0
    # a closed door is light, unless somebody stands in it
    is_open = cells[size // 2, size // 2] in (0, 255)
    return np.array([x / (size - 1), y / (size - 1), key, is_open])


CONTROLLERS: Mapping[str, Controller] = MappingProxyType(
    {
        "Acrobot-v1": acrobot,
        "CartPole-v1": cart_pole,
        "FrozenLake-8x8": frozen_lake_8x8,
        "MountainCar-v0": mountain_car,
        "Pendulum-v1": pendulum,
        "rewardwrap/KeyDoor-v0": key_door,
    }
)


def controller(env_name: str) -> Controller:
    """Return the controller of an environment.

    Args:
        env_name: name of its recipe.

    Raises:
        UnknownController: with near misses.

    >>> controller("MountainCar-v0")([-0.5, 0.01])
    2
    """
    if env_name in CONTROLLERS:
        return CONTROLLERS[env_name]
    raise UnknownController(
        f'No scripted controller for "{env_name}". {near_misses(env_name, CONTROLLERS)}'
    )


@functools.cache
def _shortest_ways() -> Mapping[int, int]:
    """Search backwards from the goal: cell to the action that brings it nearer."""
    from gymnasium.envs.toy_text.frozen_lake import MAPS

    cells = {
        (row, column): letter
        for row, line in enumerate(MAPS["8x8"])
        for column, letter in enumerate(line)
        if letter != "H"
    }
    goal = next(cell for cell, letter in cells.items() if letter == "G")
    moves = {0: (0, -1), 1: (1, 0), 2: (0, 1), 3: (-1, 0)}
    ways = {goal: 0}
    queue = deque([goal])
    while queue:
        row, column = queue.popleft()
        for action, (down, right) in moves.items():
            before = (row - down, column - right)
            if before in cells and before not in ways:
                ways[before] = action
                queue.append(before)
    return {row * 8 + column: action for (row, column), action in ways.items()}
