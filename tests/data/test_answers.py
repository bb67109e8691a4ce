"""Tables of answers as people keep them: every way that means the same is read the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rewardwrap.api.fit import fit, judgements
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import DataError
from tests.nets.conftest import pendulum

STORE = pendulum(4, steps=12)
BETTER = [1.0, 0.0, 1.0]
CLIPS = [("e0", 2, "e1", 3), ("e1", 0, "e2", 5), ("e3", 1, "e0", 6)]


def table(**more: list[Any]) -> dict[str, list[Any]]:
    names = ("episode_a", "start_a", "episode_b", "start_b")
    columns = dict(zip(names, map(list, zip(*CLIPS, strict=True)), strict=True))
    return {**columns, "length": [4, 4, 4], **more}


def written(path: Path, columns: dict[str, list[Any]]) -> Path:
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if path.suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    else:
        path.write_text(
            "\n".join([",".join(columns), *(",".join(map(str, r.values())) for r in rows)]) + "\n"
        )
    return path


@pytest.mark.parametrize(
    "said",
    [
        {"better_b": BETTER},
        {"better_b": [True, False, True]},
        {"better_b": ["True", "False", "True"]},
        {"Preference": ["B", "a", "b"]},
        {"winner": ["episode_b", "episode_a", "episode_b"]},
        {"winner": ["e1", "e1", "e0"]},
        {"better_b": BETTER, "choice": ["second", "first", "second"]},
    ],
    ids=[
        "numbers",
        "truths",
        "truths as text",
        "capitals",
        "names of columns",
        "ids",
        "twice alike",
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_an_answer_is_the_same_in_numbers_in_words_and_by_id(
    tmp_path: Path, said: dict[str, Any], suffix: str
) -> None:
    found = judgements(written(tmp_path / f"a.{suffix}", table(**said)), STORE)
    assert found.preferred.tolist() == BETTER
    assert found.b.start.tolist() == [3, 5, 6]


def test_clips_as_objects_and_ids_alone_are_clips_and_whole_episodes(tmp_path: Path) -> None:
    sides = {"a": slice(0, 2), "b": slice(2, 4)}
    rows = {
        side: [
            dict(zip(("episode", "start", "length"), (*clip[part], 4), strict=True))
            for clip in CLIPS
        ]
        for side, part in sides.items()
    }
    found = judgements(written(tmp_path / "a.jsonl", {**rows, "preferred": ["b", "a", "b"]}), STORE)
    assert found.preferred.tolist() == BETTER
    assert found.a.start.tolist() == [2, 0, 1]
    alone = {name: table()[name] for name in ("episode_a", "episode_b")}
    found = judgements(written(tmp_path / "b.csv", {**alone, "better_b": BETTER}), STORE)
    assert found.a.length.tolist() == [12] * 3
    assert not found.b.start.any()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"better_b": BETTER, "winner": ["a", "b", "a"]}, "answers must stand in one column, got"),
        ({"winner": ["e1", "e1", "e3?"]}, "or the id of the better episode, got 'e1' in row 0"),
        ({"label": [1, 0, 1]}, "got the number 1, which may mean either clip"),
        ({"better_b": [0.5] * 3}, "must prefer a clip somewhere, got 3 ties alone"),
        ({"better_b": [""] * 3}, "must prefer a clip somewhere, got none that was not skipped"),
    ],
)
def test_what_may_mean_two_things_or_says_nothing_is_asked(
    tmp_path: Path, said: dict[str, Any], sentence: str
) -> None:
    path = written(tmp_path / "a.csv", table(**said))
    with pytest.raises(DataError, match=sentence):
        fit("preferences", STORE, teacher=path, epochs=1, hidden=(2,), members=1)


def test_columns_of_one_name_and_files_of_another_kind_are_sentences(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", table(better_b=BETTER))
    path.write_text(path.read_text().replace("start_b", "start_a", 1))
    with pytest.raises(DataError, match='must name each column once, got "start_a" twice'):
        judgements(path, STORE)
    np.savez(tmp_path / "a.npz", better_b=BETTER)
    with pytest.raises(ConfigError, match="a file of answers must end in .sqlite"):
        fit("preferences", STORE, teacher=tmp_path / "a.npz")
