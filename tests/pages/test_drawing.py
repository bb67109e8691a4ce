"""The drawing kit alone; what it draws is tested where it is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from rewardwrap.pages.drawing import shorten, shorten_steps, spread_apart
from rewardwrap.pages.palette import colours


def test_more_strategies_than_colours_start_over() -> None:
    names = [str(i) for i in range(10)]
    assert colours(names)["8"] == colours(names)["0"]


def test_labels_that_would_overlap_are_moved_apart() -> None:
    placed = spread_apart([0.0, 0.0, 0.05, 0.9], 0.1, 1.0)
    assert np.all(np.diff(placed) >= 0.1 - 1e-12)
    assert spread_apart([0.95, 0.97, 1.0], 0.1, 1.0) == pytest.approx([0.8, 0.9, 1.0])


def test_long_names_and_steps_are_shortened() -> None:
    assert shorten("abcdef", 4) == "abc…"
    assert [shorten_steps(s) for s in (0, 500, 40_000, 2.5e6)] == ["0", "500", "40k", "2.5M"]
