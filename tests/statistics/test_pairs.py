"""Accuracy, log-loss and temperature of pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from rewardwrap import evaluate as ev
from rewardwrap.statistics import ScoresError

DIFFERENCE = np.array([2.0, -1.0, 0.5, 0.0])
PREFERRED = np.array([1.0, 0.0, 0.0, 1.0])

gaps = st.lists(st.floats(-30, 30), min_size=1, max_size=30)


def _drawn(count: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    gap = rng.normal(size=count) * 2
    return gap, (rng.random(count) < expit(gap)).astype(float)


def test_accuracy_counts_ties_half() -> None:
    assert ev.pair_accuracy(DIFFERENCE, PREFERRED) == (1 + 1 + 0 + 0.5) / 4
    assert ev.pair_accuracy([1.0], [0.5]) == 0.5


@given(gaps)
def test_swapping_the_two_sides_changes_nothing(values: list[float]) -> None:
    gap = np.array(values)
    label = (np.arange(gap.size) % 3) / 2
    for measure in (ev.pair_accuracy, ev.log_loss, ev.pair_ece):
        assert measure(gap, label) == pytest.approx(measure(-gap, 1 - label))


def test_log_loss_keeps_differences_that_a_float_probability_loses() -> None:
    assert ev.log_loss([0.0], [1.0]) == pytest.approx(np.log(2))
    assert ev.log_loss([-800.0], [1.0]) == pytest.approx(800.0)
    assert 0 < ev.log_loss([40.0], [1.0]) < 1e-17


def test_the_report_gathers_every_number() -> None:
    gap, label = _drawn()
    found = ev.pair_report(gap, label, bins=10)
    assert found.pairs == gap.size
    assert found.accuracy == ev.pair_accuracy(gap, label)
    assert found.brier == pytest.approx(np.mean((expit(gap) - label) ** 2))
    assert found.ece < 0.02  # calibrated by construction
    assert found.reliability.count.sum() == gap.size


@pytest.mark.parametrize("factor", [0.1, 1.0, 7.0])
def test_the_temperature_undoes_a_scale(factor: float) -> None:
    gap, label = _drawn()
    found = ev.fit_temperature(factor * gap, label)
    assert found == pytest.approx(factor, rel=0.05)
    sure, cured = ev.pair_ece(7 * gap, label), ev.pair_ece(7 * gap / (7 * found / factor), label)
    assert cured < 0.02 < sure


def test_the_temperature_is_where_the_loss_is_least() -> None:
    gap, label = _drawn(500)
    best = ev.fit_temperature(gap, label)
    least = ev.log_loss(gap / best, label)
    assert all(ev.log_loss(gap / (best * f), label) >= least - 1e-5 for f in (0.8, 0.9, 1.1, 1.25))


def test_pairs_without_a_mistake_have_a_finite_temperature() -> None:
    assert 0 < ev.fit_temperature([1.0, 2.0, -3.0], [1.0, 1.0, 0.0]) < np.inf


@pytest.mark.parametrize(("gap", "label"), [([0.0, 0.0], [1, 0]), ([1.0, 2.0], [0, 0])])
def test_a_temperature_cannot_mend_a_model_that_is_wrong(
    gap: list[float], label: list[int]
) -> None:
    with pytest.raises(ScoresError, match="must point to the preferred side more often than not"):
        ev.fit_temperature(gap, label)


def test_the_shift_split_reports_the_drop() -> None:
    seen, shifted = ([1.0, 1.0], [1, 1]), ([1.0, -1.0], [1, 1])
    assert ev.accuracy_drop(seen, shifted) == (1.0, 0.5, 0.5)


@pytest.mark.parametrize(
    ("gap", "label", "sentence"),
    [
        ([], [], "at least one pair"),
        ([1.0], [1.0, 0.0], "got shapes \\(1,\\) and \\(2,\\)"),
        ([np.nan], [1.0], "difference must be finite, got nan"),
        ([1.0], [2.0], "preferred must lie in \\[0, 1\\], got 2"),
        ([1.0], [np.nan], "preferred must lie in \\[0, 1\\], got nan"),
    ],
)
def test_bad_pairs_are_refused(gap: list[float], label: list[float], sentence: str) -> None:
    with pytest.raises(ScoresError, match=sentence):
        ev.pair_accuracy(gap, label)


def test_the_probability_is_that_of_bradley_and_terry() -> None:
    assert ev.pair_probability([0.0, logit(0.8)]).tolist() == pytest.approx([0.5, 0.8])
