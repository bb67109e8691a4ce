"""Demonstrations are looked at before they are believed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rewardwrap.core.errors import RewardwrapWarning
from rewardwrap.data import DataError, Demonstrations, EpisodeStore
from rewardwrap.data.exemplars import exemplars, failed


def store(
    returns: Sequence[float], lengths: Sequence[int], *, terminated: bool = False, **info: Any
) -> EpisodeStore:
    episodes = []
    for i, (total, length) in enumerate(zip(returns, lengths, strict=True)):
        last = np.arange(length) == length - 1
        episodes.append(
            {
                "obs": np.zeros((length + 1, 2)), "action": np.zeros(length, np.int64),
                "reward": np.full(length, total / length),
                "terminated": last & terminated, "truncated": last & (not terminated),
                "info": {name: np.full(length, float(column[i])) for name, column in info.items()},
            }
        )  # fmt: skip
    return EpisodeStore.from_episodes(episodes)


def test_a_folder_a_store_and_demonstrations_are_the_same(tmp_path: Path) -> None:
    made = store([10, 10, 10], [10, 11, 12])
    made.save(tmp_path / "demos")
    for given in (tmp_path / "demos", made, Demonstrations(made)):
        assert exemplars(given).store.fingerprint() == made.fingerprint()


def test_a_failed_episode_among_good_ones_is_named() -> None:
    made = store([500, 500, 30, 500, 500], [500, 500, 30, 500, 500])
    assert failed(made).tolist() == [2]
    with pytest.warns(
        RewardwrapWarning, match=r"got 1 of 5 that seem to have failed \(2: returns 30"
    ):
        exemplars(made)
    # who weighs them has looked
    exemplars(Demonstrations(made, weight=np.array([1, 1, 0, 1, 1])))


def test_a_success_flag_counts_more_than_the_return() -> None:
    made = store([5, 500, 500], [9, 9, 10], is_success=[1, 0, 1])
    assert failed(made).tolist() == [1]


def test_a_natural_spread_of_returns_is_no_failure() -> None:
    assert not len(failed(store([-2, -130, -120, -240, -370], [20] * 5)))
    # Pendulum by its scripted controller: started up or hanging
    assert not len(failed(store([-123, -323, -118, -353, -114], [20] * 5)))
    assert failed(store([-123, -323, -118, -353, -1700], [20] * 5)).tolist() == [4]


def test_another_end_than_most_is_a_failure_where_the_return_is_lower_too() -> None:
    good, bad = store([500] * 3, [50] * 3), store([30, 25], [30, 25], terminated=True)
    assert failed(EpisodeStore.concat([good, bad])).tolist() == [3, 4]
    # reached goals among time limits
    good, bad = store([-110, -115, -112], [11, 12, 11], terminated=True), store([-200], [20])
    assert failed(EpisodeStore.concat([good, bad])).tolist() == [3]


def test_ends_that_all_come_at_one_clock_are_taken_for_a_time_limit() -> None:
    with pytest.warns(RewardwrapWarning, match="got 2 that all terminate after exactly 20 steps"):
        exemplars(store([1, 1], [20, 20], terminated=True))
    exemplars(store([1, 1], [20, 21], terminated=True))


@pytest.mark.parametrize(("count", "length"), [(1, 9), (2, 4)])
def test_too_few_steps_are_a_sentence(count: int, length: int) -> None:
    with pytest.raises(
        DataError, match=f"at least 10 steps, got {count * length} in {count} episodes"
    ):
        exemplars(store([1] * count, [length] * count))


def test_none_and_images_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="folder must hold store.json"):
        exemplars(tmp_path / "nothing")
    pictures = {
        "obs": np.zeros((21, 8, 8, 3), np.uint8), "action": np.zeros(20, np.int64),
        "reward": np.zeros(20), "terminated": np.zeros(20, bool), "truncated": np.zeros(20, bool),
    }  # fmt: skip
    with pytest.raises(
        DataError, match=r"must be seen as features, got images of shape \(8, 8, 3\)"
    ):
        exemplars(EpisodeStore.from_episodes([pictures]))


def test_demonstrations_may_be_a_list_of_episodes_and_nothing_else() -> None:
    made = store([10, 10], [10, 10])
    assert len(exemplars(list(made)).store) == 2
    for wrong in (3, {"obs": 1}, Demonstrations):
        with pytest.raises(
            DataError, match=r"must be a folder, a store, episodes .*, got .*\. Record"
        ):
            exemplars(wrong)  # type: ignore[arg-type]
