"""What docs/results/time_limits.md says of Delta and EpisodeSum."""

from __future__ import annotations

import pytest

from tests.bench.time_limits import DELTA, SUMS, trained

ROWS = {row[0]: row for row in (*DELTA, *SUMS)}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_delta_answers_soon_where_a_limit_leaves_the_rest_owed(seed):
    found = trained(ROWS["Delta, bootstrap (default)"], seed, 40_000)
    assert found["true"] == 1.0
    assert found["length"] <= 5
    assert found["V(s_0)"] <= 1.09 + 0.05


@pytest.mark.slow
def test_the_value_of_an_episode_sum_is_that_of_the_task_where_the_limit_ends_it():
    assert 0.8 <= trained(ROWS["EpisodeSum, limit=end"], 0, 40_000)["V(s_0)"] <= 1.1
    assert trained(ROWS["EpisodeSum, terminal"], 0, 40_000)["V(s_0)"] > 5.0
