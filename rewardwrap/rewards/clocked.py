"""What reward code may read beside what is reported: ends, the number of a step, the action before."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from rewardwrap.core.info import Info
from rewardwrap.core.transitions import Carry, FloatArray, Transitions

TERMINATED, STEP, PREVIOUS = "terminated", "step", "previous_action"
CARRIED = frozenset((STEP, PREVIOUS))
"""What depends on the steps before."""
_READ = re.compile(rf"""\binfo(?:\[|\.get\()\s*["']({TERMINATED}|{STEP}|{PREVIOUS})["']""")


@lru_cache(maxsize=64)
def clocked(source: str) -> frozenset[str]:
    """Which of ``terminated``, ``step`` and ``previous_action`` a source reads from ``info``.

    >>> sorted(clocked('effort = action - info["previous_action"]; late = info.get("step", 0)'))
    ['previous_action', 'step']
    """
    return frozenset(_READ.findall(source))


class MoreInfo(Info):
    """An info with further columns; what the environment reports itself comes first.

    Args:
        info: The environment's.
        more: Name -> column.
    """

    __slots__ = ("_info", "_more")

    def __init__(self, info: Info, more: dict[str, Any]) -> None:
        self._info = info
        self._more = {name: column for name, column in more.items() if name not in info}

    def __getitem__(self, key: str) -> np.ndarray[Any, Any]:
        return self._more[key] if key in self._more else self._info[key]

    def keys(self) -> Iterable[str]:
        return [*self._info.keys(), *self._more]


def start(lanes: int) -> Carry:
    """Nothing known of any lane: ``(number of the last step, its action)`` follow."""
    return np.full(lanes, None, object)


def stepped(carry: Carry, batch: Transitions) -> tuple[Carry, Transitions]:
    """One step of each lane with the three columns in its info; steps count from 1.

    On an episode's first step the action before is the action itself, so that a change of it is 0.
    """
    actions = _actions(batch)
    kept: Any = carry.copy()
    kept[batch.first] = None
    number = np.array([1.0 if last is None else last[0] + 1.0 for last in kept])
    before = [own if last is None else last[1] for last, own in zip(kept, actions, strict=True)]
    for i, own in enumerate(actions):
        kept[i] = (number[i], own.copy())
    return kept, _with(batch, number, np.array(before, actions.dtype).reshape(actions.shape))


def along(batch: Transitions) -> Transitions:
    """The same for consecutive steps of one lane; the first row begins an episode."""
    actions, rows = _actions(batch), np.arange(batch.lanes)
    begins = batch.first | (rows == 0)
    last = np.maximum.accumulate(np.where(begins, rows, 0))
    before = actions[np.where(begins, rows, rows - 1)]
    return _with(batch, (rows - last + 1).astype(np.float64), before)


def _with(batch: Transitions, number: FloatArray, before: Any) -> Transitions:
    more = {TERMINATED: batch.terminated.astype(np.float64), STEP: number}
    if isinstance(batch.action, np.ndarray):
        more[PREVIOUS] = before
    return replace(batch, info=MoreInfo(batch.info, more))


def _actions(batch: Transitions) -> Any:
    """The actions where they are one array; of others nothing is kept."""
    return batch.action if isinstance(batch.action, np.ndarray) else np.zeros(batch.lanes)
