"""What lanes of reward code that is a class carry: bytes that the locked process writes, and alone reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rewardwrap.core.transitions import BoolArray, Carry, FloatArray, Transitions, take
from rewardwrap.sandbox.channel import GO, KEPT, STATE, Column

COLUMNS = (Column(KEPT, (), "|u1", (STATE,)), Column(GO, (), "|u1", ()))
"""What a batch brings on top: what each lane carries, and where its row begins."""
GO_ON, ANEW, FOLLOW = range(3)
"""As in `rewardwrap.sandbox.keeping`, which runs in the worker."""
TURN = 256
"""Consecutive steps of one lane that are paid in one turn."""


def start(lanes: int) -> Carry:
    """``(lanes, STATE)`` bytes, nothing in them yet."""
    return np.zeros((lanes, STATE), np.uint8)


def brought(carry: Any, first: BoolArray) -> list[Any]:
    """The columns for lanes side by side."""
    return [carry, np.where(first, ANEW, GO_ON).astype(np.uint8)]


def parted(values: FloatArray, width: int) -> tuple[FloatArray, Any]:
    """``(width, rows)`` numbers, and what each row carries on, ``(rows, STATE)`` bytes."""
    return values[:width], np.ascontiguousarray(values[width:].T).view(np.uint8)


def along(
    pay: Callable[[Transitions, list[Any]], FloatArray],
    batch: Transitions,
    width: int,
    room: Callable[[], int],
) -> FloatArray:
    """``(1 + k, rows)`` of consecutive steps of one lane, so many a turn as there is room for.

    Args:
        pay: Numbers of some rows, and below them what they keep, with what they bring.
        batch: The steps; the first begins an episode.
        width: Numbers of a row, ``1 + k``.
        room: Rows of a turn at most, once one was paid.
    """
    paid, last, begin, turn = [], start(1), 0, 1
    while begin < batch.lanes:
        part = take(batch, slice(begin, begin + turn))
        ways = np.where(part.first, ANEW, FOLLOW).astype(np.uint8)
        if ways[0] == FOLLOW:
            ways[0] = GO_ON
        carry = np.repeat(last, part.lanes, axis=0)
        numbers, states = parted(pay(part, [carry, ways]), width)
        paid.append(numbers)
        # the first turn is of one row: with it the session knows how many there is room for
        last, begin, turn = states[-1:], begin + turn, max(1, min(TURN, room()))
    return np.concatenate(paid, axis=1) if paid else np.empty((width, 0))
