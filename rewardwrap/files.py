"""The one way this package writes: aside, down to the disk, renamed. A reader sees the old or the new.

What a killed writer leaves behind is called ``.tmp-<name>-<host>-<pid>-<random>`` and is never read.
"""

from __future__ import annotations

import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rewardwrap.core.errors import RewardwrapError

PREFIX = ".tmp-"


class FolderTaken(RewardwrapError, FileExistsError):
    """A folder that is there already, where a new one was to be written."""


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file; an older one is replaced whole or not at all.

    Args:
        path: In a folder that exists.
        content: Text is written as UTF-8.
    """
    with whole_file(path) as aside, aside.open("xb") as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name to write a file under, which becomes ``path`` if the block ends without an error."""
    aside = beside(path)
    aside = aside.with_name(aside.name + path.suffix)  # some writers go by it
    try:
        yield aside
        _sync(aside)
        os.replace(aside, path)
        _sync(path.parent)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def whole_folder(target: Path, *, replace: bool = False) -> Iterator[Path]:
    """A folder to fill, which becomes ``target`` if the block ends without an error.

    Args:
        target: What it becomes; folders above it are made.
        replace: Whether a ``target`` that is there already gives way.

    Raises:
        FolderTaken: It is there, with something in it, and does not give way.
    """
    aside = beside(target)
    try:
        aside.mkdir(parents=True)
        yield aside
        publish(aside, target, replace=replace)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def publish(aside: Path, target: Path, *, replace: bool = False) -> None:
    """Bring a folder down to the disk and rename it; arguments and errors as in `whole_folder`."""
    for path in (*aside.rglob("*"), aside):
        _sync(path)
    if replace and target.exists():
        _exchange(aside, target)
    else:
        if target.is_dir() and not any(target.iterdir()):
            target.rmdir()  # POSIX would rename over it, Windows would not
        elif target.exists():
            raise FolderTaken(f"{target} must not exist yet, got one. Choose another name.")
        os.rename(aside, target)
    _sync(target.parent)


def beside(path: Path) -> Path:
    """A name next to ``path`` that nobody else writes to."""
    owner = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    return path.with_name(f"{PREFIX}{path.name}-{owner}")


def owner_of(aside: Path) -> int | None:
    """The process that writes there; None where that is one of another machine, or unknown."""
    before, _, rest = aside.name.rpartition(f"-{socket.gethostname()}-")
    pid = rest.partition("-")[0]
    return int(pid) if before.startswith(PREFIX) and pid.isdigit() else None


def _exchange(new: Path, target: Path) -> None:
    """Put ``new`` in the place of ``target``; the old one goes last, and returns on failure."""
    old = beside(target)
    os.rename(target, old)
    try:
        os.rename(new, target)
    except OSError:
        os.rename(old, target)
        raise
    if old.is_dir():
        shutil.rmtree(old)
    else:
        old.unlink()


def _sync(path: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
