"""Rules for where episodes begin."""

from __future__ import annotations

import numpy as np
import pytest

from rewardwrap.core.errors import UnknownName
from rewardwrap.data import DataError
from rewardwrap.data.boundary import Flag, Gap, Length, Name, begins, column_reader, parse


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("flag:done", Flag("done")),
        ("id:lot:7", Name("lot:7")),
        ("gap:time>0.5", Gap("time", 0.5)),
        ("gap:t > 3", Gap("t", 3.0)),
        ("length:200", Length(200)),
    ],
)
def test_the_four_rules_are_read(text: str, rule: object) -> None:
    assert parse(text) == rule


@pytest.mark.parametrize(
    "text", ["done", "flag:", "length:0", "length:x", "gap:time", "gap:t>x", "id:", ""]
)
def test_anything_else_is_refused_with_the_four(text: str) -> None:
    with pytest.raises(DataError, match="boundary must be flag:COLUMN, id:COLUMN, gap:COLUMN>X"):
        parse(text)


def test_a_flag_ends_its_row_and_a_length_counts_within_a_name() -> None:
    read = column_reader({"done": np.array([0, 1, 0, 0, 1])})
    assert begins([parse("flag:done")], read, 5).tolist() == [1, 0, 1, 0, 0]
    names = np.array(["a", "a", "a", "b", "b"])
    assert begins([parse("length:2")], read, 5, names=names).tolist() == [1, 0, 1, 1, 0]


def test_a_gap_is_a_jump_or_a_clock_that_runs_backwards() -> None:
    read = column_reader({"t": np.array([0.0, 1.0, 2.5, 3.0, 0.5])})
    assert begins([parse("gap:t>1")], read, 5).tolist() == [1, 0, 1, 0, 1]


def test_times_are_compared_in_seconds() -> None:
    times = np.array(["2026-01-01T00:00", "2026-01-01T00:01", "2026-01-01T01:01"], "datetime64[s]")
    assert begins([parse("gap:t>60")], column_reader({"t": times}), 3).tolist() == [1, 0, 1]


def test_a_column_that_is_not_there_or_has_empty_cells_is_refused() -> None:
    read = column_reader({"time": np.array([0.0, np.nan]), "done": np.array([0.0, np.nan])})
    with pytest.raises(UnknownName, match=r'No column "tme". Did you mean "time"\?'):
        begins([parse("flag:tme")], read, 2)
    with pytest.raises(DataError, match='column "time" must hold a number or a time in every row'):
        begins([parse("gap:time>1")], read, 2)
    with pytest.raises(DataError, match="done must be true or false in every row, got nan"):
        begins([parse("flag:done")], read, 2)
