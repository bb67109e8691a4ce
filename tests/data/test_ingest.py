"""``rewardwrap ingest`` from end to end: every source, and one sentence for bad ones."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from rewardwrap.cli import main
from rewardwrap.commands import ingest as command
from rewardwrap.data import EpisodeStore
from tests.data.makers import flat, nested, numbered


def ingest(*words: object) -> int:
    return main(["ingest", *map(str, words)])


def test_an_npz_becomes_a_store_and_a_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "log.npz", **flat(numbered([3, 2])))
    assert ingest(tmp_path / "log.npz", "--out", tmp_path / "out") == 0
    assert EpisodeStore.load(tmp_path / "out").lengths.tolist() == [3, 2]
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["counts"]["steps"] == 5
    assert "2 episodes, 5 steps" in capsys.readouterr().out


def test_a_table_needs_its_rule_and_takes_its_environment(tmp_path: Path) -> None:
    lines = ["obs_0,obs_1,obs_2,action_0,reward,run"]
    lines += [f"0.1,0.2,{t},1.5,{-t},{t // 4}" for t in range(8)]
    (tmp_path / "log.csv").write_text("\n".join(lines) + "\n")
    words = ("--boundary", "id:run", "--env", "Pendulum-v1", "--out", tmp_path / "out")
    assert ingest(tmp_path / "log.csv", *words) == 0
    store = EpisodeStore.load(tmp_path / "out")
    assert store.obs.dtype == np.float32
    assert store.action_space is not None
    assert store.lengths.tolist() == [4, 4]
    words = ("--boundary", "id:run", "--obs", "obs_0,obs_1", "--action", "action_*")
    more = ("--reward", "obs_2", "--drop-last", "--out", tmp_path / "chosen")
    assert ingest(tmp_path / "log.csv", *words, *more) == 0
    chosen = EpisodeStore.load(tmp_path / "chosen")
    assert chosen.obs.shape == (8, 2)
    assert chosen.reward.tolist() == [0, 1, 2, 4, 5, 6]


def test_a_saved_store_is_a_source_again(tmp_path: Path) -> None:
    store = nested([3, 4])
    store.save(tmp_path / "one")
    assert ingest(tmp_path / "one", "--out", tmp_path / "two") == 0
    assert EpisodeStore.load(tmp_path / "two").fingerprint() == store.fingerprint()


def test_ingesting_twice_replaces_the_data_and_the_report(tmp_path: Path) -> None:
    for lengths in ([3, 2], [4]):
        np.savez(tmp_path / "log.npz", **flat(numbered(lengths)))
        assert ingest(tmp_path / "log.npz", "--out", tmp_path / "out") == 0
    assert json.loads((tmp_path / "out" / "report.json").read_text())["counts"]["steps"] == 4


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("none.npz", None, "SOURCE must be a file, a folder or the id of a Minari dataset"),
        ("log.xlsx", b"", "SOURCE must end in .npz, .csv"),
        ("log.npz", b"PK\x03\x04cut", "must be a whole npz file"),
        ("log.csv", b"", "must be a CSV table with a header"),
        ("log.parquet", b"PAR1", "must be a whole parquet file"),
        ("log.hdf5", b"\x89HDF\r\n\x1a\n", "must be a whole HDF5 file"),
        ("log.pkl", b"cos\nsystem\n(S'true'\ntR.", "Nothing in it was executed"),
        ("folder", "folder", "folder must be a saved store, a Minari dataset or a checkpoint"),
    ],
)
def test_a_bad_source_is_one_sentence_and_leaves_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes | str | None,
    sentence: str,
) -> None:
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    elif content:
        (tmp_path / name).mkdir()
    assert ingest(tmp_path / name, "--out", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_what_is_there_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "log.npz", **flat(numbered([3])))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("kept")
    assert ingest(tmp_path / "log.npz", "--out", tmp_path / "out") == 2
    assert "nothing was overwritten" in capsys.readouterr().err


def test_an_unknown_environment_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "log.npz", **flat(numbered([3])))
    words = (tmp_path / "log.npz", "--out", tmp_path / "out", "--env", "Pendulm-v1")
    assert ingest(*words) == 2
    assert 'No environment "Pendulm-v1". Did you mean "Pendulum-v1"' in capsys.readouterr().err


def test_a_long_read_shows_progress_and_a_short_one_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for slow, shown in ((0.0, True), (60.0, False)):
        monkeypatch.setattr(command, "SLOW", slow)
        screen = io.StringIO()
        with command._Progress(Console(file=screen, force_terminal=True, width=80)) as progress:
            for done in range(3):
                progress(done, 3)
        assert ("reading" in screen.getvalue()) == shown
