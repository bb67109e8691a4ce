"""A small file that asks for a large piece of memory gets a sentence before anything is allocated."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap import limits
from rewardwrap.compare import document, suite_report
from rewardwrap.core.errors import RewardwrapError
from rewardwrap.data.errors import DataError
from rewardwrap.data.spaces import from_json
from rewardwrap.evaluate.audit import runs
from rewardwrap.limits import LARGE, Oversized, claimed_by, parsed, require_modest, require_room
from rewardwrap.nets.registry import Registry
from rewardwrap.rewards.disk import load, read_reward
from rewardwrap.sandbox.intake import approval_of
from rewardwrap.training.choice import chosen_reward
from rewardwrap_envs import marked_yaml
from rewardwrap_envs.errors import MarkedYamlError


def test_a_large_file_may_be_large_and_a_small_one_may_be_dense():
    require_room(10 * LARGE, LARGE, "a log")
    require_room(LARGE, 1, "a picture")
    with pytest.raises(Oversized, match=r"a bomb must become at most 64 times its 1,000 bytes"):
        require_room(LARGE + 1, 1000, "a bomb")


def test_an_archive_that_unpacks_to_far_more_than_it_is_is_refused(tmp_path: Path, monkeypatch):
    np.savez_compressed(tmp_path / "bomb.npz", obs=np.zeros(1 << 20))
    require_modest(tmp_path / "bomb.npz")
    monkeypatch.setattr(limits, "LARGE", 1 << 20)
    with pytest.raises(Oversized, match=r"bomb\.npz must become at most 64 times"):
        require_modest(tmp_path / "bomb.npz")


def _archive(file: Path, claimed: tuple[int, ...]) -> None:
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "<f8", "fortran_order": False, "shape": claimed}
    )
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("obs.npy", head.getvalue() + bytes(64))


@pytest.mark.parametrize("shape", [(10**12,), (10**6, 10**6, 10**6), (9,)])
def test_a_head_that_claims_more_than_there_is_is_refused(tmp_path: Path, shape):
    _archive(tmp_path / "made_up.npz", shape)
    with pytest.raises(
        Oversized, match=r"obs\.npy must hold the [\d,]+ bytes that its head claims"
    ):
        require_modest(tmp_path / "made_up.npz")
    assert claimed_by(io.BytesIO(b"no head")) is None


@pytest.mark.parametrize("name", ["episodes.npz", "run/audit.npz", "run/evaluations.npz"])
def test_every_reader_of_an_archive_refuses_it(tmp_path: Path, name: str):
    from rewardwrap.data.readers.npz import read
    from rewardwrap.data.reading import Options
    from rewardwrap.evaluate.audit.record import read as read_record
    from rewardwrap.training.folder import RunFolder

    (tmp_path / name).parent.mkdir(exist_ok=True)
    _archive(tmp_path / name, (10**12,))
    readers = {
        "episodes.npz": lambda file: read(file, Options()),
        "audit.npz": read_record,
        "evaluations.npz": lambda file: RunFolder(file.parent).evaluations(),
    }
    with pytest.raises(RewardwrapError, match="that its head claims"):
        readers[Path(name).name](tmp_path / name)


def test_a_data_set_of_nothing_but_fill_values_is_refused(tmp_path: Path):
    h5py = pytest.importorskip("h5py")
    from rewardwrap.data.readers.hdf5 import read
    from rewardwrap.data.reading import Options

    with h5py.File(tmp_path / "d4rl.hdf5", "w") as file:
        for column in ("observations", "actions", "rewards", "terminals"):
            file.create_dataset(column, (10**11,), chunks=(1000,), dtype="f8")
    with pytest.raises(RewardwrapError, match="must become at most 64 times"):
        read(tmp_path / "d4rl.hdf5", Options())


@pytest.mark.parametrize(
    "space",
    [
        {"space": "Box", "dtype": "float64", "shape": [10**10], "low": "0.0", "high": "1.0"},
        {"space": "Box", "dtype": "float64", "shape": [2**32, 2**32], "low": "0.0", "high": "1.0"},
        {"space": "MultiBinary", "n": 10**11},
        {"space": "MultiBinary", "n": [10**6, 10**6]},
    ],
)
def test_a_space_larger_than_any_camera_is_refused(space):
    with pytest.raises(DataError, match="space must have at most"):
        from_json(space)


def test_deep_nesting_is_one_sentence_everywhere(tmp_path: Path):
    deep = "[" * 50_000 + "]" * 50_000
    with pytest.raises(json.JSONDecodeError, match="too deep"):
        parsed(deep)
    with pytest.raises(MarkedYamlError, match="more than 100 deep"):
        marked_yaml.parse(deep)
    (tmp_path / "reward.yml").write_text(deep)
    (tmp_path / "reward.json").write_text(f'{{"format": 1, "reward": {deep}}}')
    for read in (lambda: read_reward(tmp_path / "reward.yml"), lambda: load(tmp_path)):
        with pytest.raises(rw.ConfigError, match="deep"):
            read()
    (tmp_path / "reward.yml").write_text("[" * 90 + "env" + "]" * 90)
    with pytest.raises(rw.ConfigError, match="at most 64 deep"):
        read_reward(tmp_path / "reward.yml")
    space: dict[str, object] = {"space": "Discrete", "n": 2, "start": 0, "dtype": "int64"}
    for _ in range(900):
        space = {"space": "Tuple", "spaces": [space]}
    with pytest.raises(DataError, match="space must be written in full"):
        from_json(space)


def test_a_file_that_is_no_reward_is_not_read_whole(tmp_path: Path):
    (tmp_path / "reward.yml").write_bytes(b"#" * (9 << 20))
    with pytest.raises(rw.ConfigError, match="must have at most 8,388,608 bytes"):
        read_reward(tmp_path / "reward.yml")


def test_a_deep_document_of_any_room_is_one_sentence(tmp_path: Path):
    deep = "[" * 50_000 + "]" * 50_000
    place = Registry(tmp_path)
    for name in ("comparison.json", "suite.json", "models.json", "code.py.approved.json"):
        (tmp_path / name).write_text(deep)
    (tmp_path / "spec.json").write_text(deep)
    (tmp_path / "summary.json").write_text(deep)
    for read in (
        lambda: document.read(tmp_path),
        lambda: suite_report.read(tmp_path),
        place.entries,
        lambda: approval_of(tmp_path / "code.py"),
        lambda: runs.read_run(tmp_path),
        lambda: rw.References.load(tmp_path),
        lambda: chosen_reward("{a: " * 50_000, "CartPole-v1"),
    ):
        (tmp_path / "references.json").write_text(deep)
        with pytest.raises(RewardwrapError, match="deep"):
            read()
