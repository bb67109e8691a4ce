"""In which unit a replay buffer keeps its actions: scaled to [-1, 1], or as they were executed."""

from __future__ import annotations

from typing import Any

import numpy as np

from rewardwrap.data.errors import DataError
from rewardwrap.data.reading import Note

ENOUGH = 20
"""Actions below which their range says nothing."""
REACHED = 0.98
"""Share of a bound that executed actions come up to, and scaled ones by chance alone."""
ROOM = 1e-5


def unit_of(stored: Any, space: Any, said: str | None, notes: list[Note]) -> str:
    """``"scaled"`` or ``"executed"``.

    SB3's learners scale, other code that fills a buffer may not. Values beyond [-1, 1] were executed;
    values beyond the bounds were scaled. Where the bounds are narrower than [-1, 1] and all values lie
    inside, up to them, a scaled policy would have had to stop there by chance: executed, with a
    warning. Inside but not up to them, nobody can tell, and it is asked.

    Args:
        stored: ``(N, ...)`` as the buffer keeps them.
        space: Action space.
        said: What the user says; taken as it is.
        notes: What was decided is added.

    Raises:
        DataError: Values that fit neither, or either.
    """
    from gymnasium import spaces

    if said is not None or not isinstance(space, spaces.Box) or not np.size(stored):
        return said or "scaled"
    values = np.asarray(stored, np.float64).reshape(len(stored), -1)
    low, high = (np.asarray(b, np.float64).ravel() for b in (space.low, space.high))
    room = ROOM * np.maximum(1.0, np.where(np.isfinite(high - low), high - low, 1.0))
    beyond_one = bool((np.abs(values) > 1 + ROOM).any())
    beyond_bounds = bool(((values < low - room) | (values > high + room)).any())
    largest = float(np.abs(values).max())
    if beyond_one and beyond_bounds:
        raise DataError(
            f"stored actions must lie in [-1, 1] or in {space}, got {largest:g}. "
            "Clip them, or say which they are with --actions executed or --actions scaled."
        )
    if beyond_one:
        notes.append(_note(f"go up to {largest:g}, beyond [-1, 1]"))
        return "executed"
    narrow = (low > -1 + room) | (high < 1 - room)
    if beyond_bounds or not narrow.any() or len(values) < ENOUGH:
        return "scaled"
    near_low = values.min(axis=0) <= low + (1 - REACHED) * (high - low)
    near_high = values.max(axis=0) >= high - (1 - REACHED) * (high - low)
    if (near_low | near_high)[narrow].all():
        notes.append(_note(f"fill {space} up to {largest:g} and never leave it"))
        return "executed"
    raise DataError(
        f"stored actions must show their unit, got values up to {largest:g}, which may be scaled to "
        f"[-1, 1] or executed in {space}. Say --actions executed or --actions scaled."
    )


def _note(why: str) -> Note:
    sentence = (
        f"stored actions {why}: read as executed, not as scaled to [-1, 1]; --actions decides"
    )
    return Note("actions", sentence, 1)
