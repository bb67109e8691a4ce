"""The validation report: every finding on data made to have it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces
from rich.console import Console

from rewardwrap.data import EpisodeStore
from rewardwrap.data.findings import findings
from rewardwrap.data.reading import Note, Reading
from rewardwrap.data.report import inspect
from tests.data.makers import nested, numbered


def found(store: EpisodeStore) -> dict[str, str]:
    return {note.check: note.sentence for note in findings(store)}


def test_clean_data_have_nothing_to_say() -> None:
    assert not findings(numbered([5, 4, 3]))


@pytest.mark.parametrize(
    ("changes", "check", "words"),
    [
        ({"reward": np.full(3, np.nan)}, "rewards", "no row has a reward"),
        (
            {"reward": np.array([1, np.nan, 2.0])},
            "rewards",
            "2 of 6 rewards are missing, in 2 of 2",
        ),
        ({"reward": np.array([1, np.inf, 2.0])}, "rewards", "infinite, the first in step 1 of"),
        ({"reward": np.ones(3)}, "rewards", "every reward is 1"),
        (
            {"obs": np.array([[0, 1], [1, np.nan], [2, 3], [3, 4]])},
            "not finite",
            "2 cells.*columns 1;",
        ),
        ({"obs": np.array([[0, 7.0], [1, 7], [2, 7], [3, 7]])}, "constant", "obs.*in columns 1:"),
        ({"info": {"x": np.ones(3)}}, "constant", "info/x never changes:"),
        ({"terminated": np.zeros(3, bool)}, "cut episodes", r"2 of 2 .* kept \(0, 1\)"),
    ],
)
def test_what_is_wrong_is_found(changes: dict[str, object], check: str, words: str) -> None:
    import re

    sentences = found(numbered([3, 3], **changes))
    assert re.search(words, sentences[check])


def test_actions_outside_their_space_are_counted() -> None:
    scaled = EpisodeStore.from_episodes(numbered([5]), action_space=spaces.Box(-2, 2, (1,)))
    assert "action: 2 of 5 rows lie outside Box(-2.0, 2.0" in found(scaled)["action out of space"]
    store = nested([4], seed=1)
    for space, outside in ((spaces.Discrete(4), False), (spaces.Discrete(1), True)):
        checked = EpisodeStore.from_episodes(store, action_space=space)
        assert ("action out of space" in found(checked)) == outside


def test_observations_outside_their_nested_space_are_named() -> None:
    inner = {
        "arm": spaces.Box(-0.1, 0.1, (3,)),
        "eyes": spaces.Tuple([spaces.Box(0, 255, (4, 5, 3))]),
    }
    store = EpisodeStore.from_episodes(nested([3]), observation_space=spaces.Dict(inner))
    assert found(store)["obs out of space"].startswith("obs/arm: ")


def test_copies_and_lone_or_short_episodes_are_found() -> None:
    assert "2 of 3 episodes are copies" in found(numbered([3]).select([0, 0, 0]))["duplicates"]
    assert "nothing can be held out" in found(numbered([4]))["episodes"]
    assert "may be shuffled" in found(numbered([1, 1, 3]))["short episodes"]


def test_the_report_counts_and_is_strict_json(tmp_path: Path) -> None:
    store = numbered([3, 3], reward=np.array([np.nan] * 3)).select([0])
    store = EpisodeStore.concat([store, numbered([4], info={"x": [np.inf] * 4})])
    note = Note("gaps", "2 rows [do] not continue", 2)
    report = inspect(Reading(store, "after done", [note]), source="log.npz")
    report.write(tmp_path)
    read = json.loads((tmp_path / "report.json").read_text())
    assert read["counts"] | {"sharing_a_name": 0} == {
        "episodes": 2,
        "steps": 7,
        "terminated": 2,
        "truncated": 0,
        "cut": 0,
        "missing_rewards": 3,
        "sharing_a_name": 0,
    }
    assert read["lengths"] == {"min": 3, "median": 3.5, "max": 4}
    assert read["returns"] == {"min": 6, "median": 6, "max": 6}
    assert read["rule"] == "after done"
    assert read["fingerprint"] == store.fingerprint()
    assert [note["check"] for note in read["notes"]][:2] == ["not finite", "gaps"]
    assert report.count("error") == 1


def test_the_report_is_readable_text() -> None:
    out = io.StringIO()
    note = Note("gaps", "2 rows [do] not continue", 2)
    inspect(Reading(nested([3, 2]), "after done", [note]), source="[x].npz").show(
        Console(file=out, width=120)
    )
    text = out.getvalue()
    assert "2 episodes, 5 steps: 0 terminated, 2 truncated, 0 cut" in text
    assert "! gaps: 2 rows [do] not continue." in text
    assert "obs/eyes/0" in text
    assert "4×5×3" in text
