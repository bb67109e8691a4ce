"""The unit of stored actions: shown by their range, or asked for."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces

from rewardwrap.data import DataError
from rewardwrap.data.readers.actions import unit_of
from rewardwrap.data.reading import Note

NARROW = spaces.Box(-0.4, 0.4, (1,))
WIDE = spaces.Box(-2.0, 2.0, (1,))


def unit(values: object, space: object, said: str | None = None) -> tuple[str, list[Note]]:
    notes: list[Note] = []
    return unit_of(np.asarray(values)[:, None], space, said, notes), notes


def test_what_leaves_one_range_lies_in_the_other() -> None:
    full = np.linspace(-1, 1, 50)
    assert unit(full, NARROW) == ("scaled", [])
    assert unit(full, WIDE) == ("scaled", [])
    assert unit(2 * full, WIDE)[0] == "executed"
    with pytest.raises(DataError, match=r"must lie in \[-1, 1\] or in Box"):
        unit(3 * full, WIDE)


def test_actions_that_fill_a_narrow_space_were_executed_and_small_ones_are_asked() -> None:
    filled = 0.4 * np.linspace(-0.9995, 0.9995, 50)
    found, notes = unit(filled, NARROW)
    assert found == "executed"
    assert notes[0].severity == "warning"
    with pytest.raises(DataError, match="--actions executed or --actions scaled"):
        unit(0.5 * filled, NARROW)
    assert unit(0.5 * filled, NARROW, "scaled")[0] == "scaled"
    assert unit(0.5 * filled, NARROW, "executed")[0] == "executed"
    assert unit(filled[:5], NARROW)[0] == "scaled"


def test_spaces_without_a_unit_are_left_alone() -> None:
    assert unit(np.arange(3), spaces.Discrete(3)) == ("scaled", [])
    assert unit(np.linspace(-1, 1, 50), spaces.Box(-np.inf, np.inf, (1,)))[0] == "scaled"
