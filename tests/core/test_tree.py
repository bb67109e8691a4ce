from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rewardwrap.core import tree


def nested() -> dict[str, Any]:
    return {
        "place": np.arange(6.0).reshape(3, 2),
        "rest": (np.array([10, 20, 30]), {"deep": np.array([1.5, 2.5, 3.5])}),
        "none": None,
    }


def same(one: Any, other: Any) -> bool:
    return all(map(np.array_equal, list(tree.leaves(one)), list(tree.leaves(other))))


def test_map_applies_to_matching_leaves_and_keeps_the_structure() -> None:
    mapped = tree.map_leaves(lambda a, b: a + b, nested(), nested())
    assert list(mapped) == ["place", "rest", "none"]
    assert mapped["none"] is None
    assert isinstance(mapped["rest"], tuple)
    np.testing.assert_array_equal(mapped["rest"][1]["deep"], [3.0, 5.0, 7.0])


def test_map_of_nothing_is_nothing() -> None:
    assert tree.map_leaves(lambda leaf: leaf + 1, None) is None


def test_map_goes_by_key_and_not_by_the_order_of_keys() -> None:
    mapped = tree.map_leaves(lambda a, b: a - b, {"x": 3, "y": 5}, {"y": 1, "x": 2})
    assert mapped == {"x": 1, "y": 4}


def test_a_list_becomes_a_tuple() -> None:
    assert tree.map_leaves(lambda leaf: leaf * 2, [1, [2, 3]]) == (2, (4, 6))


def test_leaves_come_in_the_order_of_the_structure() -> None:
    assert list(tree.leaves({"b": 1, "a": (2, None, [3])})) == [1, 2, 3]
    assert list(tree.leaves(None)) == []
    assert list(tree.leaves(7)) == [7]


@pytest.mark.parametrize("rows", [[2, 0], np.array([True, False, True]), slice(1, None)])
def test_take_reads_the_same_rows_of_every_leaf(rows: Any) -> None:
    taken = tree.take(nested(), rows)
    for got, whole in zip(tree.leaves(taken), tree.leaves(nested()), strict=True):
        np.testing.assert_array_equal(got, whole[rows])


def test_take_of_one_row_drops_the_lanes() -> None:
    taken = tree.take({"x": np.arange(6).reshape(3, 2), "y": [1, 2]}["x"], 1)
    assert taken.tolist() == [2, 3]
    assert tree.take((np.array([4, 5]), np.array([6, 7])), 1) == (5, 7)


def test_put_writes_rows_into_a_copy() -> None:
    before = nested()
    mask = np.array([True, False, True])
    after = tree.put(before, mask, tree.take(tree.map_leaves(lambda x: -x, before), mask))
    assert same(before, nested())
    np.testing.assert_array_equal(after["rest"][0], [-10, 20, -30])
    np.testing.assert_array_equal(after["place"], [[-0.0, -1], [2, 3], [-4, -5]])
    assert after["none"] is None
    assert not tree.shares_memory(before, after)


def test_put_after_take_is_the_identity() -> None:
    rows = [2, 1]
    assert same(tree.put(nested(), rows, tree.take(nested(), rows)), nested())


def test_stack_puts_lanes_side_by_side_and_take_separates_them() -> None:
    lanes = [tree.take(nested(), i) for i in range(3)]
    assert same(tree.stack(lanes), nested())


def test_lift_makes_one_lane_a_batch_of_one() -> None:
    lane = tree.take(nested(), 1)
    lifted = tree.lift(lane)
    assert lifted["place"].shape == (1, 2)
    assert lifted["rest"][0].shape == (1,)
    assert tree.lift(np.float32(3)).shape == (1,)
    assert tree.lift(np.zeros(4)).shape == (1, 4)
    assert same(tree.take(lifted, 0), lane)


def test_refill_puts_new_leaves_into_the_old_structure() -> None:
    old = {"b": (1, None), "a": [2, {"c": 3}]}
    new = tree.refill(old, [10, 20, 30])
    assert new == {"b": (10, None), "a": (20, {"c": 30})}
    assert same(tree.refill(nested(), list(tree.leaves(nested()))), nested())


def test_a_copy_shares_no_memory_and_a_view_does() -> None:
    one = nested()
    assert tree.shares_memory(one, one)
    assert not tree.shares_memory(one, tree.copy(one))
    view = {"place": one["place"][1:], "rest": None, "none": None}
    assert tree.shares_memory(one, view)
    assert not tree.shares_memory(np.zeros(2), np.zeros(2))
    assert not tree.shares_memory(None, one)
    copied = tree.copy(one)
    copied["rest"][1]["deep"][:] = 0
    assert same(one, nested())
