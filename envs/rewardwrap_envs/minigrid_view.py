"""MiniGrid in words: what an agent sees of a key, a door and a goal, and how far that is."""

from __future__ import annotations

from typing import Any

import numpy as np

DOOR, KEY, GOAL = 4, 5, 8
"""Kinds of things, as MiniGrid 3 numbers them."""
SIDE, HAND = 7, (3, 6)
"""Cells a side of what is seen, and the agent's own, which shows what it carries."""
STATES = ("open", "closed", "locked")
CARRIED, OPEN, GOAL_SEEN = "you carry the key", "the door is open", "you see the goal"
STEPS = (CARRIED, OPEN, GOAL_SEEN)
"""What is said on the way to the goal, in its order."""


def told(obs: Any) -> list[str]:
    """A sentence for each observation of a batch, empty where none of the three is seen.

    Args:
        obs: ``(B, 7, 7, 3)`` or flattened: kind, colour and state of each cell, as
            `ImgObsWrapper` shows them.

    Raises:
        ValueError: Another shape.

    >>> view = np.zeros((1, 7, 7, 3))
    >>> view[0, 3, 6, 0], view[0, 3, 2] = KEY, (DOOR, 4, 2)
    >>> told(view)
    ['you carry the key, the door is locked']
    """
    seen = np.asarray(obs)
    if seen.size != len(seen) * SIDE * SIDE * 3:
        raise ValueError(
            f"told: observations must be {SIDE} x {SIDE} x 3 numbers, got {seen.shape[1:]}. "
            "Wrap MiniGrid in minigrid.wrappers.ImgObsWrapper, and show cells, not pixels."
        )
    return [_sentence(view) for view in seen.reshape(-1, SIDE, SIDE, 3)]


def _sentence(view: Any) -> str:
    kinds, words = view[..., 0], []
    if kinds[HAND] == KEY:
        words.append(CARRIED)
    elif (kinds == KEY).any():
        words.append("you see the key")
    doors = view[..., 2][kinds == DOOR]
    if len(doors):
        words.append(f"the door is {STATES[int(doors[0])]}")
    if (kinds == GOAL).any():
        words.append(GOAL_SEEN)
    return ", ".join(words)


def progress(sentence: str) -> int:
    """How many steps of the way the last one said is: 0 to 3."""
    return max((i for i, step in enumerate(STEPS, 1) if step in sentence), default=0)


def helps(sentence: str) -> float:
    """A label, as an annotator gives it: 1 where there is progress, else 0."""
    return float(progress(sentence) > 0)


def better(a: str, b: str) -> float:
    """P(b is better): 1, 0, or .5 where both are as far."""
    return 0.5 + 0.5 * float(np.sign(progress(b) - progress(a)))
