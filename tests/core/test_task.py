from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.core import tree
from rewardwrap.core.info import ColumnInfo, Info
from rewardwrap.core.lane import LaneCode
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward
from rewardwrap.core.scalar import OneLane
from rewardwrap.core.task import Form, Task


@dataclass(frozen=True)
class Place:
    index: int | None = None
    info: str | None = None
    key: str | None = None
    scale: float = 1.0
    offset: float = 0.0


@register("test_read")
class Read(Reward):
    """What a form reads, so that the text of `LaneCode.read` can run."""

    form: Form

    def __call__(self, batch: rw.Transitions) -> Any:
        return batch.task.read(self.form, batch.next_obs, batch.info)

    def write(self, code: LaneCode) -> str:
        return code.read(self.form, "next_obs", "info")


def on_the_lane(task: Task, form: Form, obs: Any, info: dict[str, Any]) -> float:
    lane = OneLane(Read(form), task=task)
    lane.begin(obs, dict(info))
    row = obs, 0.0, False, False, dict(info)
    return float(lane.stepper(lambda action: row, copies=False)(0)[1])


def everywhere(
    task: Task, form: Form, obs: list[Any], infos: list[dict[str, Any]] | None = None
) -> list[float]:
    """The form's value in every lane, after making sure that all three readers agree."""
    infos = infos or [{} for _ in obs]
    columns: Any = {key: np.array([info[key] for info in infos]) for key in infos[0]}
    stacked = tree.stack(obs)
    info: Info = ColumnInfo(columns)
    batch = task.read(form, stacked, info)
    assert batch.shape == (len(obs),)
    assert batch.dtype == np.float64
    written = [on_the_lane(task, form, o, i) for o, i in zip(obs, infos, strict=True)]
    np.testing.assert_allclose(batch, written, rtol=1e-13)
    if isinstance(form, str):
        read = task.read_lane(form)
        assert batch.tolist() == [read(o, i) for o, i in zip(obs, infos, strict=True)]
    return batch.tolist()


FLAT = Task(fields={"x": Place(1), "y": Place(0, scale=2.0, offset=-1.0), "z": Place(2, scale=0.1)})


def test_a_field_is_read_by_index_and_then_scaled_and_moved() -> None:
    obs = [np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])]
    assert everywhere(FLAT, "x", obs) == [2.0, 5.0]
    assert everywhere(FLAT, "y", obs) == [1.0, 7.0]
    assert everywhere(FLAT, "z", obs) == [3.0 * 0.1, 6.0 * 0.1]


@given(
    rows=st.lists(st.tuples(*3 * [st.floats(-1e6, 1e6, width=32)]), min_size=1, max_size=4),
    weights=st.fixed_dictionaries(
        {"x": st.floats(-10, 10), "z": st.integers(-3, 3)},
        optional={"bias": st.floats(-5, 5), "y": st.floats(-2, 2)},
    ),
)
def test_a_linear_form_is_the_bias_and_the_weighted_fields(
    rows: list[tuple[float, ...]], weights: dict[str, float]
) -> None:
    values = np.array(rows, np.float32)
    wide = values.astype(float)
    fields = {"x": wide[:, 1], "y": wide[:, 0] * 2 - 1, "z": wide[:, 2] * 0.1, "bias": 1.0}
    want = sum(weight * fields[name] for name, weight in weights.items())
    got = everywhere(FLAT, weights, list(values))
    np.testing.assert_allclose(got, want, atol=1e-6, rtol=1e-9)


def test_a_form_of_a_bias_alone_is_a_constant() -> None:
    assert everywhere(FLAT, {"bias": 3}, [np.zeros(3)] * 2) == [3.0, 3.0]
    keyed = [{"a": np.zeros(3)}] * 2
    assert everywhere(FLAT, {"bias": 0.5}, keyed) == [0.5, 0.5]


@given(state=st.integers(0, 63))
def test_the_digits_of_an_eight_by_eight_lake_are_row_and_column(state: int) -> None:
    task = Task(radix=(8, 8), fields={"row": Place(0), "column": Place(1, offset=0.5)})
    assert everywhere(task, "row", [np.int64(state)]) == [state // 8]
    assert everywhere(task, "column", [np.int64(state)]) == [state % 8 + 0.5]


@given(digits=st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4), st.integers(0, 3)))
def test_the_digits_of_a_taxi_are_row_column_passenger_and_destination(
    digits: tuple[int, ...],
) -> None:
    names = ("row", "column", "passenger", "destination")
    task = Task(radix=(5, 5, 5, 4), fields={n: Place(i) for i, n in enumerate(names)})
    row, column, passenger, destination = digits
    # as gymnasium encodes it
    state = np.int64(((row * 5 + column) * 5 + passenger) * 4 + destination)
    assert [everywhere(task, name, [state, state])[1] for name in names] == list(digits)


def test_a_field_may_lie_under_a_key_of_a_dict() -> None:
    task = Task(fields={"x": Place(1, key="place", scale=3.0)})
    obs = [{"place": np.array([1, 2]), "clock": np.zeros(1)}, {"place": np.array([3, 4])}]
    obs[1]["clock"] = np.ones(1)
    assert everywhere(task, "x", obs) == [6.0, 12.0]


def test_a_field_may_be_a_number_of_info_or_one_of_a_vector_there() -> None:
    task = Task(fields={"x": Place(info="x", scale=0.5), "lives": Place(2, info="ram", offset=1.0)})
    infos = [{"x": 3, "ram": np.array([7, 8, 9], np.uint8)}]
    infos += [{"x": 5, "ram": np.array([1, 2, 255], np.uint8)}]
    obs = [np.zeros(1)] * 2
    assert everywhere(task, "x", obs, infos) == [1.5, 2.5]
    # 255 + 1 does not wrap around
    assert everywhere(task, "lives", obs, infos) == [10.0, 256.0]
    assert everywhere(task, {"x": 2.0, "lives": -1, "bias": 4}, obs, infos) == [-3.0, -247.0]


def test_a_number_that_info_lacks_is_told_with_what_it_has() -> None:
    task = Task(fields={"x": Place(info="x")})
    with pytest.raises(rw.RewardValueError, match='info must hold "x", got y'):
        task.read("x", np.zeros((1, 1)), ColumnInfo({"y": np.zeros(1)}))
    with pytest.raises(rw.RewardValueError, match='info must hold "x", got y'):
        task.read_lane("x")(np.zeros(1), {"y": 0})


def test_an_unknown_field_is_told_with_the_near_ones() -> None:
    task = Task(name="Walk", fields={"angle": Place(0)})
    for read in (task.field, task.read_lane, task.require, lambda n: task.require({n: 1.0})):
        with pytest.raises(rw.UnknownName, match='No field of Walk "angel". Did you mean "angle"?'):
            read("angel")
    with pytest.raises(rw.UnknownName, match="the environment has no recipe"):
        Task().field("x")
    task.require({"angle": 1.0, "bias": 2.0})


def test_an_observation_of_another_width_is_refused() -> None:
    fields = {"x": Place(0), "far": Place(info="far"), "under": Place(0, key="k")}
    stacked = Task(fields=fields, width=4, shape=(16,))
    with pytest.raises(
        rw.ConfigError, match=r'field "x" must .* of shape \(4,\), got \(16,\). Wrap'
    ):
        stacked.field("x")
    assert stacked.field("far").info == "far"
    assert stacked.field("under").key == "k"
    for fitting in (Task(fields=fields, width=4, shape=(4,)), Task(fields=fields, width=4)):
        assert fitting.field("x").index == 0


def test_the_rewards_own_discount_goes_before_the_runs() -> None:
    assert Task(gamma=0.99).discount(0.5, "Potential") == 0.5
    assert Task(gamma=0.99).discount(None, "Potential") == 0.99
    assert Task(gamma=0.99).discount(0.0, "Potential") == 0.0
    assert Task().discount(0.5, "Potential") == 0.5
    with pytest.raises(rw.ConfigError, match="Potential: gamma must be set, got None. Use"):
        Task().discount(None, "Potential")


@pytest.mark.parametrize("weight", ["a", None, float("nan"), [1.0]])
def test_the_weight_of_a_field_is_a_finite_number(weight: Any) -> None:
    with pytest.raises(rw.ConfigError, match=r'weight of field "x" must be a finite number.*Write'):
        FLAT.require({"x": weight, "bias": 1.0})
