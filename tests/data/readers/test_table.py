"""CSV and parquet: a stated rule for borders, columns by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from gymnasium import spaces
from pyarrow import csv

from rewardwrap.core.errors import UnknownName
from rewardwrap.data import DataError
from rewardwrap.data.readers import read
from rewardwrap.data.reading import Options, Reading

BASE = {
    "machine": ["a", "b", "a", "b", "a"],
    "t": [0.0, 0.0, 1.0, 1.0, 2.0],
    "obs_0": [1.0, 10.0, 2.0, 20.0, 3.0],
    "obs_1": [0.5] * 5,
    "action": [0, 1, 0, 1, 1],
    "reward": [1.0, 2.0, None, 4.0, 5.0],
}


def write(path: Path, **changes: object) -> Path:
    table = pa.table({k: v for k, v in (BASE | changes).items() if v is not None})
    if path.suffix == ".csv":
        csv.write_csv(table, path)
    else:
        pq.write_table(table, path, row_group_size=2)
    return path


@pytest.fixture(params=["log.csv", "log.parquet"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / request.param


def by(path: Path, *rules: str, **more: object) -> Reading:
    return read(path, Options(boundary=rules, **more))  # type: ignore[arg-type]


def test_rows_are_never_shifted_across_an_id(path: Path) -> None:
    reading = by(write(path), "id:machine")
    store = reading.store
    assert store.ids.tolist() == ["a", "b"]
    assert store.episode(0).obs[:, 0].tolist() == [1, 2, 3, 3]
    assert store.episode(1).obs[:, 0].tolist() == [10, 20, 20]
    np.testing.assert_array_equal(store.reward, [1, np.nan, 5, 2, 4])
    assert store.action.tolist() == [0, 0, 1, 1, 1]
    assert {note.check for note in reading.notes} == {"interleaved", "successors", "columns"}
    assert reading.rule.startswith("where machine changes")


def test_rules_combine_and_pieces_of_one_machine_stay_together(path: Path) -> None:
    store = by(write(path, t=[0.0, 0.0, 1.0, 1.0, 9.0]), "id:machine", "gap:t>5").store
    assert store.ids.tolist() == ["a", "a", "b"]
    assert store.lengths.tolist() == [2, 1, 2]
    train, heldout = store.split(0.5, seed=0)
    assert not set(train.ids) & set(heldout.ids)


def test_flags_and_lengths_cut_too(path: Path) -> None:
    write(path, terminated=[False, True, False, False, False], t=None)
    assert by(path, "flag:terminated").store.lengths.tolist() == [2, 3]
    assert by(path, "flag:terminated").store.terminated.tolist() == [0, 1, 0, 0, 0]
    assert by(path, "length:2").store.lengths.tolist() == [2, 2, 1]


def test_a_flag_called_done_does_not_say_why_an_episode_ended(path: Path) -> None:
    reading = by(write(path, done=[0, 1, 0, 0, 1], t=None), "flag:done")
    assert reading.store.lengths.tolist() == [2, 3]
    assert not (reading.store.terminated | reading.store.truncated).any()
    assert any("says that an episode ended but not why" in n.sentence for n in reading.notes)


def test_successors_in_the_table_are_used(path: Path) -> None:
    write(path, next_obs_0=[2.0, 20.0, 3.0, 30.0, 4.0], next_obs_1=[0.5] * 5)
    store = by(path, "id:machine").store
    assert store.episode(0).obs[:, 0].tolist() == [1, 2, 3, 4]
    assert "successor_unknown" not in store.info
    write(path, next_obs_0=[2.0] * 5)
    with pytest.raises(DataError, match="a successor for each observation column, got none for"):
        by(path, "id:machine")


def test_columns_can_be_chosen_and_the_rest_is_info(path: Path) -> None:
    store = by(write(path), "id:machine", obs=("obs_?", "t"), action=("obs_0",), reward="t").store
    assert store.obs.shape[1:] == (3,)
    assert store.action.shape == (5, 1)
    assert set(by(path, "id:machine").store.info) == {"t", "successor_unknown"}
    with pytest.raises(UnknownName, match=r'No column "obs_9". Did you mean "obs_'):
        by(path, "id:machine", obs=("obs_9",))


def test_numbered_columns_are_ordered_by_number(path: Path) -> None:
    numbered = {f"obs_{i}": [float(i)] * 5 for i in (10, 2, 0, 1)}
    store = by(write(path, **numbered), "id:machine").store
    assert store.obs[0].tolist() == [0, 1, 2, 10]


def test_a_usual_column_is_a_rule_by_itself_and_without_any_it_must_be_stated(path: Path) -> None:
    assert len(read(write(path, episode=[0, 0, 1, 1, 1], t=None)).store) == 2
    flags = [False, True, False, False, True]
    assert len(read(write(path, truncated=flags, t=None, machine=None)).store) == 2
    with pytest.raises(DataError, match="must come with a rule for where episodes begin"):
        read(write(path))


def test_data_without_rewards_must_be_meant(path: Path) -> None:
    write(path, reward=None)
    with pytest.raises(DataError, match="must have a column reward, got machine, t, obs_0"):
        by(path, "id:machine")
    assert np.isnan(by(path, "id:machine", reward="none").store.reward).all()


def test_spaces_are_applied_and_must_fit(path: Path) -> None:
    box = spaces.Box(-100, 100, (2,), np.float32)
    store = by(
        write(path), "id:machine", observation_space=box, action_space=spaces.Discrete(2)
    ).store
    assert store.obs.dtype == np.float32
    assert store.action_space == spaces.Discrete(2)
    with pytest.raises(DataError, match=r"obs must fit Box.*got shape \(2,\) per row"):
        by(path, "id:machine", observation_space=spaces.Box(0, 1, (3,)))
    with pytest.raises(DataError, match="action must hold whole numbers"):
        by(path, "id:machine", action=("obs_1",), action_space=spaces.Discrete(2))


@pytest.mark.parametrize(
    ("changes", "rules", "sentence"),
    [
        ({"obs_0": ["1", "2", "x", "4", "5"]}, ["id:machine"], '"obs_0" must hold numbers, got '),
        ({"terminated": [1.0, None, 0, 0, 0]}, ["id:machine"], "terminated must be true or false"),
        ({"t": [1.0, None, 0, 0, 0]}, ["id:t"], "an id must stand in every row, got 1 empty"),
        (
            {"obs_0": None, "obs_1": None},
            ["id:machine"],
            "must have columns obs or obs_<number>, got",
        ),
        ({"action": None}, ["id:machine"], "must have columns action or action_<number>"),
        ({k: v[:0] for k, v in BASE.items()}, ["length:1"], "at least one row, got a header"),
    ],
)
def test_cells_that_do_not_fit_are_refused(
    path: Path, changes: dict[str, object], rules: list[str], sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        by(write(path, **changes), *rules)


def test_a_csv_cut_short_is_one_sentence_or_a_note(tmp_path: Path) -> None:
    path = write(tmp_path / "log.csv")
    text = path.read_text()
    path.write_text(text[:-8])
    with pytest.raises(DataError, match="equally many cells in each line.*cut short"):
        by(path, "id:machine")
    path.write_text(text[:-1])
    assert by(path, "id:machine").notes[0].check == "cut short"
    path.write_text("")
    with pytest.raises(DataError, match="must be a CSV table with a header"):
        by(path, "id:machine")


@pytest.mark.parametrize("left", [0, 10, 0.5, 0.99])
def test_a_parquet_cut_short_is_one_sentence(tmp_path: Path, left: float) -> None:
    path = write(tmp_path / "log.parquet")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * left) if left < 1 else int(left)])
    with pytest.raises(DataError, match="must be a whole parquet file"):
        by(path, "id:machine")


def test_lists_in_a_parquet_must_have_one_width(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    lists = {"obs_0": None, "obs_1": None, "obs": [[1.0, 2.0]] * 5}
    assert by(write(path, **lists), "id:machine").store.obs.shape[1:] == (2,)
    lists["obs"] = [[1.0, 2.0]] * 4 + [[1.0]]
    with pytest.raises(DataError, match='column "obs" must have one width in all rows, got 2'):
        by(write(path, **lists), "id:machine")


def test_a_column_named_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("obs_0,obs_0,action,reward\n1,2,3,4\n")
    with pytest.raises(DataError, match='must name each column once, got "obs_0" twice'):
        by(tmp_path / "log.csv", "length:1")
