from __future__ import annotations

import gymnasium as gym
import pytest
from gymnasium.utils.env_checker import check_env

import rewardwrap_envs  # noqa: F401  registers it
from rewardwrap_envs.key_door import BUMP, DOOR, GOAL, KEY, LOCKED, NO_DOOR, NOTHING, KeyDoor

LEFT, RIGHT, UP, DOWN, PICK, OPEN = range(6)


def played(env: KeyDoor, *actions: int) -> list[str]:
    return [env.step(action)[4]["message"] for action in actions]  # type: ignore[arg-type]


def at(x: int, y: int) -> KeyDoor:
    env = KeyDoor(size=4)
    env.reset(seed=0)
    env._x, env._y = x, y
    return env


def test_the_way_to_the_goal_is_told_step_by_step() -> None:
    env = at(1, 0)
    told = played(env, OPEN, PICK, LEFT, LEFT, PICK, PICK, DOWN, DOWN, RIGHT, OPEN, RIGHT, RIGHT)
    assert told == [NO_DOOR, NOTHING, "", BUMP, KEY, NOTHING, "", "", "", DOOR, "", ""]
    obs, reward, terminated, truncated, info = env.step(DOWN)  # type: ignore[arg-type]
    assert (reward, terminated, truncated, info["message"]) == (1.0, True, False, GOAL)
    assert info["is_success"]
    assert obs.tolist() == [1.0, 1.0, 1.0, 1.0]


def test_a_door_stays_closed_without_the_key() -> None:
    env = at(1, 2)
    assert played(env, RIGHT, OPEN, UP, RIGHT) == [LOCKED, LOCKED, "", BUMP]
    assert env._x == 1


def test_it_is_an_environment_and_draws_itself() -> None:
    check_env(gym.make("rewardwrap/KeyDoor-v0").unwrapped, skip_render_check=True)
    assert at(1, 3).render() == "k.#.\n..#.\n..|.\n.A#G"
    with pytest.raises(ValueError, match="size must be at least 4"):
        KeyDoor(size=3)
