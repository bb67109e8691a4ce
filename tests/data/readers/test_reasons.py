"""Siblings of logs that were read wrongly: why an episode ended, what came before, what separates cells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rewardwrap.data import DataError
from rewardwrap.data.readers import read
from rewardwrap.data.readers.batches import readings
from rewardwrap.data.reading import Options, Reading

STEPS = 4
ENDS = [False, False, False, True]


def table(tmp_path: Path, sep: str = ",", **flags: list[Any]) -> Path:
    """Two episodes of four steps; the columns of flags have one entry an episode's step."""
    lines = [sep.join(["episode", "obs_0", "action_0", "reward", *flags])]
    for i in range(2 * STEPS):
        cells = [i // STEPS, float(i), 0.5, 1.0, *(column[i] for column in flags.values())]
        lines.append(sep.join(map(str, cells)))
    path = tmp_path / "log.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def ends(reading: Reading) -> tuple[list[bool], list[bool]]:
    store = reading.store
    last = store.first_step + store.lengths - 1
    return store.terminated[last].tolist(), store.truncated[last].tolist()


@pytest.mark.parametrize(
    ("named", "done", "wanted"),
    [
        ("truncated", "done", ([True, False], [False, True])),
        ("timeouts", "dones", ([True, False], [False, True])),
        ("TimeLimit.truncated", "done", ([True, False], [False, True])),
        ("terminated", "done", ([False, True], [True, False])),
    ],
)
def test_an_end_without_the_known_reason_has_the_other(
    tmp_path: Path, named: str, done: str, wanted: Any
) -> None:
    path = table(tmp_path, **{done: ENDS * 2, named: [False] * STEPS + ENDS})
    reading = read(path)
    assert ends(reading) == wanted
    assert any(f'1 ends that "{done}" tells' in note.sentence for note in reading.notes)
    assert not any("but not why" in note.sentence for note in reading.notes)


def test_no_reason_is_concluded_where_the_user_says_there_is_none(tmp_path: Path) -> None:
    path = table(tmp_path, done=ENDS * 2, truncated=[False] * STEPS + ENDS)
    assert ends(read(path, Options(terminated="none")))[0] == [False, False]


def test_a_row_an_episode_tells_its_reason_in_the_same_way(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    rows = [
        {"obs": [[0.0], [1.0], [2.0]], "action": [[0.5], [0.5]], "reward": [1.0, 1.0],
         "done": [False, True], "truncated": [False, cut]} for cut in (False, True)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert ends(read(path)) == ([True, False], [False, True])


def test_letters_are_flags_too(tmp_path: Path) -> None:
    letters = ["F", "F", "F", "T"]
    assert ends(read(table(tmp_path, terminated=letters * 2)))[0] == [True, True]


def test_what_came_before_a_step_is_asked_about(tmp_path: Path) -> None:
    path = table(tmp_path, prev_obs_0=[0.0] * 2 * STEPS)
    with pytest.raises(DataError, match='"prev_obs_0" must be chosen or left out'):
        read(path)
    assert read(path, Options(obs=("prev_obs_0",), next_obs=("obs_0",))).store.steps == 2 * STEPS


def test_a_clock_by_another_name_that_runs_backwards_is_asked_about(tmp_path: Path) -> None:
    path = table(tmp_path, unix_time=[1.7e9 - i for i in range(2 * STEPS)])
    with pytest.raises(DataError, match='"unix_time" may count steps .*--order unix_time'):
        read(path)


def test_one_column_alone_asks_for_the_separator(tmp_path: Path) -> None:
    path = table(tmp_path, sep="^")
    with pytest.raises(DataError, match="Name what stands between the cells with --sep"):
        read(path)
    assert len(read(path, Options(sep="^")).store) == 2


def test_rows_of_dm_env_are_asked_about(tmp_path: Path) -> None:
    path = table(tmp_path, step_type=[0, 1, 1, 2] * 2)
    with pytest.raises(DataError, match="dm_env .*--leave-out step_type"):
        read(path)
    assert read(path, Options(leave_out=("step_type",))).store.steps == 2 * STEPS


def test_one_value_a_row_may_stand_in_a_column_of_its_own_and_lanes_side_by_side_may_not(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log.npz"
    rows = {"obs": np.zeros((6, 3)), "action": np.zeros((6, 1)), "next_obs": np.zeros((6, 3))}
    flags = np.array([0, 0, 1, 0, 0, 1], bool)
    np.savez(path, **rows, reward=np.ones((6, 1)), terminated=flags[:, None])
    assert read(path).store.lengths.tolist() == [3, 3]
    np.savez(path, **rows, reward=np.ones((6, 2)), terminated=np.zeros((6, 2), bool))
    with pytest.raises(DataError, match="one value a row, got shape .*name them in a column env"):
        read(path)


def test_a_stream_reads_the_same_flags_and_says_that_it_reads_steps(tmp_path: Path) -> None:
    words = ["no", "no", "no", "yes"]
    path = table(tmp_path, terminated=words * 2, done=ENDS * 2)
    found = [ends(block) for block in readings(path, Options())]
    assert found == [([True], [False])] * 2
    assert ends(read(path)) == ([True, True], [False, False])
    whole = tmp_path / "whole.jsonl"
    whole.write_text(
        '{"obs": [[0.0], [1.0]], "action": [[0.5]], "reward": [1.0], "done": [true]}\n' * 2
    )
    assert len(read(whole).store) == 2
    whole.write_text(
        '{"obs": [[0.0], [1.0], [2.0]], "action": [[0.5], [0.5]], "reward": [1.0, 1.0]}\n' * 2
    )
    with pytest.raises(DataError, match="a row a step .*Leave --stream out"):
        list(readings(whole, Options()))
