"""A store on disk: lossless, whole, never executed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st

from rewardwrap.data import DataError, EpisodeStore
from rewardwrap.data.spaces import from_json, to_json
from tests.data.makers import assert_same, nested, numbered

SPACES = [
    spaces.Box(-1.5, 2.5, (3,), np.float32),
    spaces.Box(np.array([-np.inf, 0.1]), np.array([np.inf, 0.3]), dtype=np.float64),
    spaces.Box(0, 255, (4, 4, 3), np.uint8),
    spaces.Discrete(5, start=2),
    spaces.MultiDiscrete([3, 4]),
    spaces.MultiBinary(4),
    spaces.MultiBinary((2, 3)),
    spaces.Dict({"a": spaces.Discrete(2), "b": spaces.Tuple([spaces.Box(0, 1, (1,))])}),
]


@given(st.lists(st.integers(1, 7), min_size=1, max_size=5), st.integers(0, 1000))
@settings(max_examples=15)
def test_ragged_and_nested_data_survive_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], seed: int
) -> None:
    store = nested(lengths, seed)
    folder = store.save(tmp_path_factory.mktemp("stores") / "store")
    assert_same(EpisodeStore.load(folder), store)


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_a_space_survives_as_json(space: spaces.Space) -> None:
    assert from_json(json.loads(json.dumps(to_json(space)))) == space


def test_spaces_that_have_no_arrays_are_refused() -> None:
    with pytest.raises(DataError, match="space must be Box"):
        to_json(spaces.Text(3))
    with pytest.raises(DataError, match="one that rewardwrap writes"):
        from_json({"space": "os.system"})
    with pytest.raises(DataError, match="written in full"):
        from_json({"space": "Box"})


def test_spaces_come_back_with_the_store(tmp_path: Path) -> None:
    space = spaces.Box(-np.inf, np.inf, (1,), np.float64)
    store = EpisodeStore.from_episodes(numbered([2]), observation_space=space)
    assert EpisodeStore.load(store.save(tmp_path / "s")).observation_space == space


def test_an_older_store_is_replaced_and_nothing_else_is(tmp_path: Path) -> None:
    numbered([2]).save(tmp_path / "s")
    numbered([3]).save(tmp_path / "s")
    assert EpisodeStore.load(tmp_path / "s").steps == 3
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    with pytest.raises(
        DataError, match="must be new, empty or hold older data alone, got .*with thesis.tex"
    ):
        numbered([2]).save(tmp_path / "mine")
    (tmp_path / "s" / "answers.parquet").write_text("")
    with pytest.raises(DataError, match="with answers.parquet in it"):
        numbered([2]).save(tmp_path / "s")
    with pytest.raises(DataError, match="which is a file"):
        numbered([2]).save(tmp_path / "mine" / "thesis.tex")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine", "s"]


@pytest.mark.parametrize("name", ["obs0.npy", "action0.npy", "steps.parquet", "episodes.parquet"])
@pytest.mark.parametrize("left", [0, 30, 0.5])
def test_a_file_cut_short_is_one_sentence(tmp_path: Path, name: str, left: float) -> None:
    folder = numbered([20, 30]).save(tmp_path / "s")
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(len(content) * left) if left < 1 else int(left)])
    with pytest.raises(DataError, match="must be a whole store"):
        EpisodeStore.load(folder)


def test_a_manifest_cut_short_or_of_another_format_is_one_sentence(tmp_path: Path) -> None:
    folder = numbered([2]).save(tmp_path / "s")
    text = (folder / "store.json").read_text()
    (folder / "store.json").write_text(text[:40])
    with pytest.raises(DataError, match="must be JSON"):
        EpisodeStore.load(folder)
    (folder / "store.json").write_text(text.replace('"format": 1', '"format": 9'))
    with pytest.raises(DataError, match="must have format 1, got 9"):
        EpisodeStore.load(folder)
    (folder / "store.json").write_text(text.replace('"steps": 2', '"steps": 5'))
    with pytest.raises(DataError, match="must hold 1 episodes and 5 steps"):
        EpisodeStore.load(folder)
    with pytest.raises(DataError, match="folder must hold store.json"):
        EpisodeStore.load(tmp_path)


def test_objects_in_an_array_file_are_never_unpickled(tmp_path: Path) -> None:
    folder = numbered([2]).save(tmp_path / "s")
    trap = tmp_path / "sprung"
    np.save(folder / "obs0.npy", np.array([Trap(trap)] * 3, object), allow_pickle=True)
    with pytest.raises(DataError, match="must be a whole store"):
        EpisodeStore.load(folder)
    assert not trap.exists()


def test_a_manifest_cannot_name_a_file_elsewhere(tmp_path: Path) -> None:
    folder = numbered([2]).save(tmp_path / "s")
    np.save(tmp_path / "secret.npy", np.zeros((3, 1)))
    text = (folder / "store.json").read_text().replace("obs0.npy", "../secret.npy")
    (folder / "store.json").write_text(text)
    with pytest.raises(DataError, match="must be a whole store"):
        EpisodeStore.load(folder)


class Trap:
    """Unpickled, it would leave a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return Path.touch, (self.path,)


def test_a_failed_save_leaves_the_older_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbered([2]).save(tmp_path / "s")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space left"):
        numbered([3]).save(tmp_path / "s")
    assert EpisodeStore.load(tmp_path / "s").steps == 2
    assert [p.name for p in tmp_path.iterdir()] == ["s"]
