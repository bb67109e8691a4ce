"""Folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from rewardwrap.data.errors import DataError


def check_free(target: Path, *, ours: Sequence[str]) -> None:
    """Refuse to write over anything but what was written here before.

    Args:
        target: The folder.
        ours: Patterns of the names that may be replaced.

    Raises:
        DataError: ``target`` is a file, or a folder with something else in it.
    """
    found = [path.name for path in target.iterdir()] if target.is_dir() else []
    others = [name for name in found if not any(fnmatchcase(name, each) for each in ours)]
    if others or (target.exists() and not target.is_dir()):
        what = f"with {others[0]} in it" if others else "which is a file"
        raise DataError(
            f"folder to write must be new, empty or hold older data alone, got {target} {what}. "
            "Choose another name; nothing was overwritten."
        )


@contextmanager
def whole_folder(target: Path, *, ours: Sequence[str]) -> Iterator[Path]:
    """A folder to fill, which becomes ``target`` if the block ends without an error.

    Args:
        target: What it becomes.
        ours: Patterns of the names in an existing ``target`` that may be replaced.

    Raises:
        DataError: ``target`` is a file, or a folder with something else in it.
    """
    check_free(target, ours=ours)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    try:
        yield aside
        aside.chmod(0o755)
        _exchange(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _exchange(new: Path, target: Path) -> None:
    """Put ``new`` in the place of ``target``; the old one goes last, and returns on failure."""
    if not target.exists():
        os.replace(new, target)
        return
    old = new.with_name(f"{new.name}-old")
    os.replace(target, old)
    try:
        os.replace(new, target)
    except OSError:
        os.replace(old, target)
        raise
    shutil.rmtree(old)
