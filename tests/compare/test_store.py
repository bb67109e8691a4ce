from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rewardwrap.compare.store import FORMAT, Store, StoreError, write_json
from rewardwrap.files import PREFIX


def _finish(store: Store, run_id: str = "a") -> None:
    with store.writing(run_id) as folder:
        write_json(folder / "summary.json", {"x": 1})


def test_a_run_is_there_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs")
    with store.writing("a") as folder:
        write_json(folder / "summary.json", {"x": 1})
        assert not store.is_finished("a")
    assert store.is_finished("a")
    assert store.summary("a") == {"x": 1}
    assert [path.name for path in store.root.iterdir()] == ["a"]


def test_a_run_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(KeyError), store.writing("a"):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_the_second_writer_of_a_run_throws_its_copy_away(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.writing("a") as slow:
        write_json(slow / "summary.json", {"x": 2})
        _finish(store)
    assert store.summary("a") == {"x": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_broken_folder_of_that_name_gives_way(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "spec.json").touch()
    assert not store.is_finished("a")
    _finish(store)
    assert store.summary("a") == {"x": 1}


def test_a_full_disk_is_a_sentence_and_finished_runs_stay(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _finish(store)
    with pytest.raises(StoreError) as caught, store.writing("b"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert "no space left. Finished runs are whole" in caught.value.strerror
    assert store.is_finished("a")
    assert not store.is_finished("b")


def test_errors_of_the_training_are_not_taken_for_those_of_the_disk(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), Store(tmp_path).writing("a"):
        (tmp_path / "missing").read_text()


def test_sweeping_takes_what_a_dead_writer_left_and_no_other(tmp_path: Path) -> None:
    code = (
        "import os, sys; from rewardwrap.compare.store import Store\n"
        "with Store(sys.argv[1]).writing('a'): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    store = Store(tmp_path)
    assert [path.name.startswith(PREFIX) for path in tmp_path.iterdir()] == [True]
    with store.writing("b"):
        assert store.sweep() == 1
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_a_summary_that_broke_says_what_to_delete(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _finish(store)
    size = (tmp_path / "a" / "summary.json").stat().st_size
    (tmp_path / "a" / "summary.json").write_text("{" * size)
    with pytest.raises(StoreError, match="Delete the folder a; the run is then trained again"):
        store.summary("a")


def test_done_is_written_last(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _finish(store)
    assert json.loads((tmp_path / "a" / "done.json").read_text())["run_id"] == "a"
    assert os.path.getmtime(tmp_path / "a" / "done.json") >= os.path.getmtime(
        tmp_path / "a" / "summary.json"
    )


def test_done_says_the_format_and_the_size_of_every_file(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.writing("a") as folder:
        write_json(folder / "summary.json", {"x": 1})
        (folder / "bundle").mkdir()
        (folder / "bundle" / "policy.zip").write_bytes(b"12345")
    done = json.loads((tmp_path / "a" / "done.json").read_text())
    assert done["format"] == FORMAT
    assert done["files"]["bundle/policy.zip"] == 5
    assert store.finished() == ["a"]


@pytest.mark.parametrize("found", [{}, {"format": 1}, {"format": 99}, []])
def test_a_run_of_another_format_is_a_named_error(tmp_path: Path, found: object) -> None:
    store = Store(tmp_path)
    _finish(store)
    (tmp_path / "a" / "done.json").write_text(json.dumps(found))
    with pytest.raises(
        StoreError, match=f"done.json: format must be {FORMAT}, got .* another --out"
    ):
        store.is_finished("a")


@pytest.mark.parametrize("harm", ["missing", "short", "done is cut", "renamed"])
def test_a_half_written_run_is_no_finished_one_and_gives_way(tmp_path: Path, harm: str) -> None:
    store = Store(tmp_path)
    _finish(store)
    folder = tmp_path / "a"
    if harm == "missing":
        (folder / "summary.json").unlink()
    if harm == "short":
        (folder / "summary.json").write_text("{")
    if harm == "done is cut":
        (folder / "done.json").write_text((folder / "done.json").read_text()[:20])
    if harm == "renamed":
        folder.rename(tmp_path / "b")
        folder = tmp_path / "b"
    assert not store.is_finished(folder.name)
    assert store.is_broken(folder.name)
    assert store.finished() == []
    _finish(store, folder.name)
    assert store.is_finished(folder.name)
    assert not store.is_broken(folder.name)


def test_the_checkpoints_of_a_finished_run_go(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name in "ab":
        store.checkpoints(name).mkdir(parents=True)
    _finish(store)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["b"]
