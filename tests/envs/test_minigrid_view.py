from __future__ import annotations

import numpy as np
import pytest

from rewardwrap_envs.minigrid_view import DOOR, GOAL, HAND, KEY, better, helps, progress, told

KEY_SEEN, ONLY_OPEN = "you see the key, the door is locked", "the door is open"
ALL = "you carry the key, the door is open, you see the goal"


def views():
    found = np.zeros((4, 7, 7, 3), np.uint8)
    found[1, 2, 2, 0], found[1, 4, 4] = KEY, (DOOR, 1, 2)
    found[2, 4, 4] = (DOOR, 1, 0)
    found[3, 4, 4], found[3, 5, 5, 0] = (DOOR, 1, 0), GOAL
    found[3][HAND][0] = KEY
    return found


def test_what_is_seen_is_told_flat_or_not():
    assert told(views()) == ["", KEY_SEEN, ONLY_OPEN, ALL]
    assert told(views().reshape(4, -1)) == told(views())


def test_another_shape_is_a_sentence():
    with pytest.raises(
        ValueError, match=r"observations must be 7 x 7 x 3 numbers, got \(8, 8, 3\)"
    ):
        told(np.zeros((2, 8, 8, 3)))


def test_labels_and_comparisons_follow_the_way_to_the_goal():
    way = ["", KEY_SEEN, "you carry the key", ONLY_OPEN, ALL]
    assert [progress(text) for text in way] == [0, 0, 1, 2, 3]
    assert [helps(text) for text in way] == [0, 0, 1, 1, 1]
    assert better(KEY_SEEN, "") == 0.5
    assert better(KEY_SEEN, ALL) == 1.0 == 1.0 - better(ALL, KEY_SEEN)


def test_a_key_in_hand_is_told_by_minigrid_itself():
    minigrid = pytest.importorskip("minigrid")
    import gymnasium as gym
    from minigrid.core.world_object import Key

    env = minigrid.wrappers.ImgObsWrapper(gym.make("MiniGrid-DoorKey-5x5-v0"))
    env.reset(seed=0)
    env.unwrapped.carrying = Key("yellow")
    obs = env.step(env.unwrapped.actions.left)[0]
    assert told(obs[None])[0].startswith("you carry the key")
