"""Missing numbers of a step, filled as the data were that a model was fitted on, and flagged.

A number is missing where it is NaN, or where ``info`` says that somebody filled it already
(``obs_0_missing``, as `rewardwrap ingest --fill` writes it). It becomes the same number at the other end of
the step, one moment away; where that is missing too, what somebody filled, who may know the neighbours in
time, or else the median of the training data. So what is paid depends on the step alone, and a live agent,
a buffer and a log are paid the same wherever one end of the step is known.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.transitions import BoolArray, Transitions
from rewardwrap.rewards.parts import Part

MISSING = "_missing"


def write_filled(
    leaf: NDArray[Any], part: Part, other: NDArray[Any] | None, batch: Transitions, out: Any
) -> int:
    """Numbers without gaps, then a flag for each that may have one: ``(B, width)``; returns the gaps' count.

    Args:
        leaf: ``(B, *shape)``.
        part: What it is.
        other: The same at the other end of the step, None of an action.
        batch: Whose ``info`` may say what was filled.
        out: Where.
    """
    rows, count = len(leaf), len(part.fill)
    out[:, :count] = leaf.reshape(rows, count)
    far = None if other is None else other.reshape(rows, count)
    said = set(batch.info.keys())
    there = "next_obs" if part.column == "obs" else "obs"
    count_filled = 0
    for place, i in enumerate(part.fillable):
        name = part.cells[i]
        gap = _missing(out[:, i], name, said, batch)
        out[:, count + place] = gap
        if not gap.any():
            continue
        count_filled += int(gap.sum())
        value = np.where(np.isnan(out[:, i]), part.fill[i], out[:, i])
        if far is not None:
            beyond = name.replace(part.column, there, 1)
            value = np.where(_missing(far[:, i], beyond, said, batch), value, far[:, i])
        out[gap, i] = value[gap]
    return count_filled


def rows_with_gaps(batch: Transitions) -> BoolArray:
    """``(B,)`` steps of which somebody filled a number of an observation or action."""
    found = np.zeros(batch.lanes, bool)
    for name in list(batch.info.keys()):
        if name.endswith(MISSING) and name.startswith(("obs", "next_obs", "action")):
            found |= np.nan_to_num(batch.info[name]) > 0
    return found


def _missing(values: Any, name: str, said: set[str], batch: Transitions) -> BoolArray:
    gap: BoolArray = np.isnan(values)
    if name + MISSING in said:
        gap = gap | (np.nan_to_num(batch.info[name + MISSING]) > 0)
    return gap
