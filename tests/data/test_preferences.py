"""Answers about pairs: swapped, split without leaks, checked for contradictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewardwrap.data import DataError, Fragments, Preferences, from_rankings, sample_fragments
from tests.data.makers import numbered


def pairs(of: list[tuple[int, int]], preferred: object = None, **columns: object) -> Preferences:
    """Whole episodes of one step against each other."""
    store = numbered([1] * (max(max(pair) for pair in of) + 1))
    a, b = (Fragments(store, side, [0] * len(of), [1] * len(of)) for side in np.array(of).T)
    answers = np.ones(len(of)) if preferred is None else np.asarray(preferred, float)
    return Preferences(a, b, answers, **columns)  # type: ignore[arg-type]


def test_swapping_twice_changes_nothing_and_once_turns_the_answer() -> None:
    one = pairs([(0, 1), (2, 3), (1, 2)], [1.0, 0.5, np.nan])
    np.testing.assert_array_equal(one.swap().preferred, [0, 0.5, np.nan])
    assert one.swap().a is one.b
    np.testing.assert_array_equal(one.swap().swap().preferred, one.preferred)


def test_skipped_questions_can_be_left_out() -> None:
    assert len(pairs([(0, 1), (2, 3)], [1.0, np.nan]).without_skipped()) == 1


def test_pairs_without_common_episodes_are_dealt_whole_and_none_is_lost() -> None:
    split = pairs([(2 * i, 2 * i + 1) for i in range(20)]).split(0.2, seed=0)
    assert (len(split.train), len(split.heldout), split.dropped, split.by) == (
        16,
        4,
        0,
        "components",
    )


def test_connected_pairs_lose_those_that_cross() -> None:
    chain = pairs([(i, i + 1) for i in range(49)])
    split = chain.split(0.2, seed=0)
    assert split.by == "episodes"
    assert split.dropped == 49 - len(split.train) - len(split.heldout) > 0


@given(st.integers(4, 30), st.integers(2, 60), st.integers(0, 999))
@settings(max_examples=60)
def test_no_episode_and_no_group_is_on_both_sides(episodes: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    store = numbered([3] * episodes)
    a, b = (sample_fragments(store, n, 2, seed=rng) for _ in "ab")
    whole = Preferences(a, b, rng.random(n), group=rng.integers(0, n, n))
    try:
        split = whole.split(0.3, seed=seed)
    except DataError:
        return  # too connected, which the next test is about
    train, heldout = ({*side.a.episode.tolist(), *side.b.episode.tolist()} for side in split[:2])
    assert not train & heldout
    assert not set(split.train.group) & set(split.heldout.group)
    assert len(split.train) + len(split.heldout) + split.dropped == n
    assert len(split.train)
    assert len(split.heldout)


def test_pairs_that_cannot_be_split_say_so() -> None:
    with pytest.raises(DataError, match="must leave pairs on both sides"):
        pairs([(0, 1)]).split(0.2, seed=0)
    with pytest.raises(DataError, match="fraction must lie in"):
        pairs([(0, 1), (1, 2)]).split(1.0, seed=0)
    with pytest.raises(DataError, match="fraction must lie in"):
        pairs([(0, 1), (2, 3)]).split(-0.5, seed=0)


def test_a_pair_answered_both_ways_is_reported_with_counts() -> None:
    answers = pairs([(0, 1), (1, 0), (0, 1), (2, 3), (2, 3), (0, 2)], [1, 1, 1, 0.5, 1, 1])
    found = answers.contradictions()
    assert (found.repeated, found.contradicting) == (2, 1)
    assert found.rows == [[0, 1, 2]]
    assert found.votes == [(1, 2)]
    assert str(found).startswith("1 of 2 pairs answered more than once were answered both ways")


def test_a_skipped_question_contradicts_nothing() -> None:
    assert pairs([(0, 1), (0, 1)], [1, np.nan]).contradictions().repeated == 0


def test_a_ranking_of_four_is_six_pairs_of_one_group() -> None:
    store = numbered([1] * 4)
    clips = Fragments(store, range(4), [0] * 4, [1] * 4)
    made = from_rankings(clips, [2, 1, 3, 2], [7, 7, 7, 7], annotator="ann")
    found = list(zip(made.a.episode, made.b.episode, made.preferred, strict=True))
    assert found == [(0, 1, 1), (0, 2, 0), (0, 3, 0.5), (1, 2, 0), (1, 3, 0), (2, 3, 1)]
    assert set(made.group) == {7}
    with pytest.raises(DataError, match="rankings must place two clips or more"):
        from_rankings(clips, [1, np.nan, 1, 1], [0, 0, 1, 2])


def test_answers_survive_on_disk_with_the_store_they_were_given_on(tmp_path: Path) -> None:
    made = pairs([(0, 1), (1, 2)], [0.3, np.nan], weight=[1.0, 2.0], annotator=["a", "β"])
    read = Preferences.load(made.save(tmp_path / "p.parquet"), made.store)
    for name in ("preferred", "weight", "annotator", "group"):
        np.testing.assert_array_equal(getattr(read, name), getattr(made, name))
    np.testing.assert_array_equal(read.b.rows, made.b.rows)
    with pytest.raises(DataError, match="must be read with the store it was made on"):
        Preferences.load(tmp_path / "p.parquet", numbered([2, 1, 1]))


def test_a_file_of_answers_cut_short_is_one_sentence(tmp_path: Path) -> None:
    made = pairs([(0, 1)])
    path = made.save(tmp_path / "p.parquet")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="must be a whole parquet file of preferences"):
        Preferences.load(path, made.store)


@pytest.mark.parametrize(
    ("preferred", "columns", "sentence"),
    [
        ([1.5, 0.0], {}, r"preferred must lie in \[0, 1\]"),
        ([1.0], {}, "preferred must have one row for each of 2 pairs"),
        ([1.0, 0.0], {"weight": [-1.0, 1.0]}, "weight be at least 0"),
        ([1.0, 0.0], {"weight": [1.0, np.nan]}, "weight be at least 0"),
    ],
)
def test_answers_that_are_none_are_refused(
    preferred: list[float], columns: dict[str, object], sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        pairs([(0, 1), (1, 2)], preferred, **columns)


def test_clips_of_two_stores_are_no_pair() -> None:
    a, b = (Fragments(numbered([1]), [0], [0], [1]) for _ in "ab")
    with pytest.raises(DataError, match="both clips must lie in one store"):
        Preferences(a, b, np.ones(1))
