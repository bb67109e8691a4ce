"""Finished runs on disk: each a folder that is there as a whole or not at all.

A run is written into ``.tmp-<run id>-<host>-<pid>-<random>`` and renamed. A folder without the prefix
that holds ``done.json`` is finished, whoever wrote it; nothing else is, so the store needs no index
and no lock. Two writers of one run: the second loses the rename and throws its copy away.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rewardwrap.core.errors import RewardwrapError

PREFIX = ".tmp-"
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
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def path(self, run_id: str) -> Path:
        """Where a finished run lies."""
        return self.root / run_id

    def is_finished(self, run_id: str) -> bool:
        """Whether that run is there as a whole."""
        return (self.path(run_id) / "done.json").is_file()

    def summary(self, run_id: str) -> dict[str, Any]:
        """What a finished run measured.

        Raises:
            StoreError: It cannot be read.
        """
        file = self.path(run_id) / "summary.json"
        try:
            found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
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
        owner = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        aside = self.root / f"{PREFIX}{run_id}-{owner}"
        try:
            aside.mkdir(parents=True)
            yield aside
            write_json(aside / "done.json", {"run_id": run_id, "finished": time.time()})
            self._publish(aside, self.path(run_id))
        except OSError as error:
            if error.errno not in _DISK:
                raise
            raise as_store_error(error, self.root) from error
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def sweep(self) -> int:
        """Delete what killed writers left behind; returns how many folders."""
        swept = 0
        for folder in self.root.glob(f"{PREFIX}*"):
            if self._is_orphan(folder):
                shutil.rmtree(folder, ignore_errors=True)
                swept += 1
        return swept

    def _is_orphan(self, folder: Path) -> bool:
        before, pid, _ = folder.name.rsplit("-", 2)
        if before.endswith(f"-{socket.gethostname()}") and pid.isdigit():
            return not _is_alive(int(pid))
        return time.time() - folder.stat().st_mtime > LEASE

    def _publish(self, aside: Path, final: Path) -> None:
        for file in aside.rglob("*"):
            if file.is_file():
                _sync(file)
        _sync(aside)
        try:
            aside.rename(final)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
            if not (final / "done.json").is_file():
                # a folder that is no finished run stands in the way: a copy broken off, say
                shutil.rmtree(final)
                aside.rename(final)
        _sync(self.root)


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


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _sync(path: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
