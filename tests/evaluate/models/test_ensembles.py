"""Whether an ensemble's spread finds its errors."""

from __future__ import annotations

import numpy as np
import pytest

from rewardwrap import evaluate as ev
from rewardwrap.statistics import ScoresError

TRUE = np.linspace(-1, 1, 2000)


def test_independent_members_disagree_where_they_err() -> None:
    rng = np.random.default_rng(0)
    noise = np.where(TRUE > 0, 1.0, 0.05)
    found = ev.ensemble_disagreement(TRUE + noise * rng.normal(size=(5, TRUE.size)), TRUE)
    assert abs(found.error_correlation) < 0.05
    assert found.auroc > 0.85
    assert found.rank_correlation > 0.5
    assert found.pairwise.shape == (5, 5)


def test_members_that_share_their_error_know_nothing_of_it() -> None:
    rng = np.random.default_rng(1)
    shared = rng.normal(size=TRUE.size)
    found = ev.ensemble_disagreement(TRUE + shared + 0.1 * rng.normal(size=(5, TRUE.size)), TRUE)
    assert found.error_correlation > 0.95
    assert found.auroc == pytest.approx(0.5, abs=0.06)


def test_identical_members_say_nothing_at_all() -> None:
    members = np.tile(TRUE**2, (3, 1))
    found = ev.ensemble_disagreement(members, TRUE)
    assert (found.auroc, found.rank_correlation) == (0.5, 0.0)
    assert found.error_correlation == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("members", "options", "sentence"),
    [
        (TRUE[None], {}, "at least 2 members"),
        (np.zeros((2, 3)), {}, "got shapes"),
        (np.full((2, TRUE.size), np.nan), {}, "must be finite"),
        (np.stack([TRUE, TRUE + 1]), {}, "the error of every member must vary"),
        (np.stack([TRUE**2, TRUE**3]), {"large": 1.0}, "large must lie in \\(0, 1\\)"),
    ],
)
def test_bad_input_is_refused(members: np.ndarray, options: dict, sentence: str) -> None:
    with pytest.raises(ScoresError, match=sentence):
        ev.ensemble_disagreement(members, TRUE, **options)
