"""Finished runs on disk: each a folder that is there as a whole or not at all.

A run is written into ``.tmp-<run id>-<host>-<pid>-<random>`` and renamed. A folder without the prefix
whose ``done.json`` names files that are all there in their size is finished, whoever wrote it; nothing
else is, so the store needs no index and no lock. Two writers of one run: the second loses the rename
and throws its copy away.

| below the root | holds |
|---|---|
| ``<run id>/`` | ``spec.json, summary.json, evaluation.parquet, terms.parquet, bundle/, done.json`` |
| ``claims/`` | who is training what, see `rewardwrap.compare.claims` |
| ``checkpoints/<run id>/`` | where a long run goes on from, until it is finished |
| ``index.parquet`` | one row for each finished run; derived, see `rewardwrap.compare.index` |
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rewardwrap.compare.claims import BEAT, Claims, is_alive
from rewardwrap.core.errors import RewardwrapError
from rewardwrap.files import PREFIX, FolderTaken, beside, owner_of, publish
from rewardwrap.limits import parsed

FORMAT = 2
"""Version of a run's folder; one of another version is refused."""
LEASE = 24 * 3600.0
"""Seconds after which the folder of an unfinished run on another host counts as left behind."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DISK = (*_FULL, errno.EACCES, errno.EROFS, errno.ENOTDIR)


class StoreError(RewardwrapError, OSError):
    """The disk does not take a run."""


class Store:
    """The finished runs below one folder.

    Args:
        root: Where; made when the first run begins.
        beat: Seconds between two signs of life of a claim.
    """

    def __init__(self, root: str | Path, *, beat: float = BEAT) -> None:
        self.root = Path(root)
        self.claims = Claims(self.root / "claims", beat=beat)

    def path(self, run_id: str) -> Path:
        """Where a finished run lies."""
        return self.root / run_id

    def checkpoints(self, run_id: str) -> Path:
        """Where an unfinished run keeps what it can go on from."""
        return self.root / "checkpoints" / run_id

    def is_finished(self, run_id: str) -> bool:
        """Whether that run is there as a whole.

        Raises:
            StoreError: It was written by a version of rewardwrap with another format.
        """
        folder = self.path(run_id)
        try:
            done = parsed((folder / "done.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return False
        if not isinstance(done, dict) or done.get("format") != FORMAT:
            found = done.get("format", "none") if isinstance(done, dict) else "no mapping"
            raise StoreError(
                errno.EINVAL,
                f"{folder / 'done.json'}: format must be {FORMAT}, got {found}. Give another --out, "
                "or delete that folder to train the run again.",
            )
        return done.get("run_id") == run_id and _is_whole(folder, done.get("files"))

    def is_broken(self, run_id: str) -> bool:
        """Whether a folder of that name is there which is no finished run, such as a copy cut short."""
        return self.path(run_id).is_dir() and not self.is_finished(run_id)

    def is_started(self) -> bool:
        """Whether any run, of whichever plan, was finished here."""
        return any(True for _ in self.root.glob("[!.]*/done.json"))

    def finished(self) -> list[str]:
        """Ids of all finished runs, whichever plan they belong to."""
        found = (file.parent.name for file in sorted(self.root.glob("[!.]*/done.json")))
        return [name for name in found if self.is_finished(name)]

    def summary(self, run_id: str) -> dict[str, Any]:
        """What a finished run measured.

        Raises:
            StoreError: It cannot be read.
        """
        return self._read(self.path(run_id) / "summary.json")

    def spec(self, run_id: str) -> dict[str, Any]:
        """What a finished run was asked for; raises like `summary`."""
        return self._read(self.path(run_id) / "spec.json")

    def _read(self, file: Path) -> dict[str, Any]:
        try:
            found: dict[str, Any] = parsed(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{file} must be readable, got {error}. Delete the folder {file.parent.name}; "
                "the run is then trained again."
            ) from error
        return found

    @contextmanager
    def writing(self, run_id: str) -> Iterator[Path]:
        """A folder to write a run into; when the block ends well it becomes the finished run.

        Raises:
            StoreError: The disk is full or not writable; nothing is left behind.
        """
        aside = beside(self.path(run_id))
        try:
            aside.mkdir(parents=True)
            yield aside
            finish(aside, run_id)
            self._publish(aside, run_id)
            self._drop_checkpoints(run_id)
        except OSError as error:
            if error.errno not in _DISK:
                raise
            raise as_store_error(error, self.root) from error
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def sweep(self) -> int:
        """Delete what killed writers left behind; returns how many folders."""
        swept = 0
        self.claims.sweep()
        for folder in self.root.glob(f"{PREFIX}*"):
            if self._is_orphan(folder):
                shutil.rmtree(folder, ignore_errors=True)
                swept += 1
        return swept

    def _is_orphan(self, folder: Path) -> bool:
        writer = owner_of(folder)
        if writer is not None:
            return not is_alive(writer)
        return time.time() - folder.stat().st_mtime > LEASE

    def _drop_checkpoints(self, run_id: str) -> None:
        folder = self.checkpoints(run_id)
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # others still keep theirs there, or nobody ever did
            folder.parent.rmdir()

    def _publish(self, aside: Path, run_id: str) -> None:
        try:
            publish(aside, self.path(run_id))
        except FolderTaken:
            if not self.is_finished(run_id):  # a copy broken off, say, stands in the way
                publish(aside, self.path(run_id), replace=True)


def finish(folder: Path, run_id: str) -> None:
    """Write ``done.json``: the format, the run and the size of every other file of it."""
    files = {
        file.relative_to(folder).as_posix(): file.stat().st_size
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file != folder / "done.json"
    }
    done = {"format": FORMAT, "run_id": run_id, "finished": time.time(), "files": files}
    write_json(folder / "done.json", done)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Strict JSON, one value a line where nested."""
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def as_store_error(error: OSError, root: Path) -> StoreError:
    """The sentence for a disk that does not take a run."""
    if error.errno in _FULL:
        return StoreError(
            errno.ENOSPC,
            f"the disk under {root} must have room for a run, got: no space left. Finished runs are "
            "whole; free some space and give the same command again.",
        )
    return StoreError(
        error.errno,
        f"{root} must be writable, got: {error.strerror or error}. "
        "Choose another folder with --out.",
    )


def _is_whole(folder: Path, files: Any) -> bool:
    """Whether every file is there in the size it was written in."""
    if not isinstance(files, dict) or not files:
        return False
    try:
        return all(os.stat(folder / name).st_size == size for name, size in files.items())
    except (FileNotFoundError, NotADirectoryError):
        return False
