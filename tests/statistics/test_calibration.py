"""Brier score, reliability diagram, calibration error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewardwrap import evaluate as ev
from rewardwrap.statistics import ScoresError

SAID = [0.9] * 4 + [0.6] * 2 + [0.2] * 2
SEEN = [1, 1, 1, 0, 1, 0, 0, 0]


def test_the_worked_example() -> None:
    assert ev.ece(SAID, SEEN, bins=[0, 0.25, 0.5, 0.75, 1]) == pytest.approx(0.15)
    assert ev.brier(SAID, SEEN) == pytest.approx(0.18)
    found = ev.reliability(SAID, SEEN, bins=4)
    assert found.count.tolist() == [2, 2, 4]
    assert found.accuracy.tolist() == [0.0, 0.5, 0.75]
    assert found.confidence.tolist() == pytest.approx([0.2, 0.6, 0.9])
    assert found.worst == pytest.approx(0.2)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50))
def test_bins_of_any_make_cover_every_sample(rows: list[tuple[float, bool]]) -> None:
    said, seen = [p for p, _ in rows], [float(y) for _, y in rows]
    for equal_mass in (False, True):
        found = ev.reliability(said, seen, bins=5, equal_mass=equal_mass)
        assert found.count.sum() == len(rows)
        assert 0 <= found.ece <= found.worst + 1e-12 <= 1 + 1e-9
        assert np.average(found.confidence, weights=found.count) == pytest.approx(np.mean(said))


def test_perfect_calibration_has_no_error() -> None:
    said = np.repeat([0.25, 0.75], 4)
    assert ev.ece(said, [1, 0, 0, 0, 1, 1, 1, 0]) == 0


def test_bins_of_equal_mass_hold_equally_many() -> None:
    said = np.random.default_rng(0).random(1000)
    assert set(ev.reliability(said, said > 0.5, bins=10, equal_mass=True).count) == {100}


def test_a_rising_map_keeps_the_auc_and_ruins_the_calibration() -> None:
    rng = np.random.default_rng(1)
    said = rng.random(5000)
    seen = (rng.random(5000) < said).astype(float)
    warped = said**4
    assert ev.auc(warped, seen) == ev.auc(said, seen)
    assert ev.ece(said, seen) < 0.03 < 0.2 < ev.ece(warped, seen)


@pytest.mark.parametrize(
    ("said", "seen", "options", "sentence"),
    [
        ([], [], {}, "at least one sample"),
        ([1.2], [1], {}, "probability must lie in \\[0, 1\\], got 1.2"),
        ([np.nan], [1], {}, "probability must lie in \\[0, 1\\], got nan"),
        ([0.2], [2], {}, "outcome must lie in \\[0, 1\\], got 2"),
        ([0.2], [1], {"bins": 0}, "bins must be at least 1"),
        ([0.2], [1], {"bins": [0.5, 0.1]}, "rising edges"),
        ([0.2], [1], {"bins": [0.5, 1.0]}, "must lie within the bins"),
    ],
)
def test_bad_input_is_refused(said: list, seen: list, options: dict, sentence: str) -> None:
    with pytest.raises(ScoresError, match=sentence):
        ev.reliability(said, seen, **options)
