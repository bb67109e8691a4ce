"""Every file and folder of the package appears whole or not at all, and is on the disk by then."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from rewardwrap.files import PREFIX, FolderTaken, beside, owner_of, whole_folder, write_whole

PACKAGE = Path(__file__).parents[1] / "rewardwrap"
APPENDING = {"llm/journal.py", "loops/folder.py"}
"""They add a line to a file and wait for the disk."""
CLAIMING = {"compare/claims.py"}
"""Takes a stale claim away by a rename; it writes nothing."""


def test_a_file_is_replaced_whole_and_with_the_usual_rights(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_whole(tmp_path / "a.txt", "first")
        write_whole(tmp_path / "a.txt", "zweitens ü")
    finally:
        os.umask(old)
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "zweitens ü"
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_whole(tmp_path / "a.txt", "old")

    def no_room(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_is_not_there_before_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "folder"
    with whole_folder(target) as aside:
        (aside / "inner").mkdir()
        (aside / "inner" / "a").write_text("1")
        assert not target.exists()
    assert (target / "inner" / "a").read_text() == "1"
    assert [path.name for path in target.parent.iterdir()] == ["folder"]


def test_a_block_that_fails_leaves_the_old_folder(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    with whole_folder(target) as aside:
        (aside / "a").write_text("old")
    with suppress(KeyboardInterrupt), whole_folder(target, replace=True) as aside:
        (aside / "a").write_text("new")
        raise KeyboardInterrupt
    assert (target / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_an_older_folder_gives_way_whole_and_only_if_asked(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    for name, replace in (("a", False), ("b", True)):  # an empty one is nobody's
        with whole_folder(target, replace=replace) as aside:
            (aside / name).write_text("")
        assert [path.name for path in target.iterdir()] == [name]
    with pytest.raises(FolderTaken, match="must not exist yet"), whole_folder(target) as aside:
        (aside / "c").write_text("")
    assert [path.name for path in target.iterdir()] == ["b"]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_everything_is_on_the_disk_before_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, rename = os.fsync, os.rename

    def syncing(handle: int) -> None:
        done.append(Path(os.readlink(f"/proc/self/fd/{handle}")).name.partition(".")[0])
        sync(handle)

    def renaming(old: Path, new: Path) -> None:
        done.append("rename")
        rename(old, new)

    monkeypatch.setattr(os, "fsync", syncing)
    monkeypatch.setattr(os, "rename", renaming)
    with whole_folder(tmp_path / "folder") as aside:
        (aside / "inner").mkdir()
        (aside / "inner" / "a").write_text("1")
    before, after = done[: done.index("rename")], done[done.index("rename") + 1 :]
    assert {"a", "inner"} <= set(before)
    assert after == [tmp_path.name]


def test_what_a_killed_writer_left_names_it(tmp_path: Path) -> None:
    code = f"""
import os
from pathlib import Path
from rewardwrap.files import whole_folder
with whole_folder(Path({str(tmp_path)!r}) / "a-b.c-1") as aside:
    print(os.getpid(), flush=True)
    os._exit(9)
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(PREFIX)
    assert owner_of(left) == int(shown.stdout)
    assert owner_of(tmp_path / f"{PREFIX}run-elsewhere-12-abc") is None
    assert owner_of(beside(tmp_path / "x")) == os.getpid()


def test_nobody_else_writes_aside_and_renames() -> None:
    own = re.compile(
        r"os\.(replace|rename|fsync)\(|\.rename\(|aside\.replace\("
        r"|mkstemp|NamedTemporaryFile|mkdtemp"
    )
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if own.search(path.read_text(encoding="utf-8"))
    }
    assert found - {"files.py"} == APPENDING | CLAIMING
