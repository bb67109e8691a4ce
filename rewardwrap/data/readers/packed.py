"""Compressed files: gz, bz2, xz, and a zip of one file; what they hold is bounded before it is read."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from pathlib import Path
from typing import Any

from rewardwrap.data.errors import DataError
from rewardwrap.limits import LARGE, RATIO, require_modest, require_room

MARKS = ((b"\x1f\x8b", "gz"), (b"BZh", "bz2"), (b"\xfd7zXZ", "xz"), (b"PK\x03\x04", "zip"))
OPEN: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def unpacked(path: Path) -> bytes:
    """The content of a file, whatever it is packed with.

    Raises:
        DataError: Cut short, or a zip with several files.
    """
    try:
        if path.suffix.lower() == ".zip":
            return _of_zip(path)
        opened = OPEN.get(path.suffix.lower())
        if opened is None:
            return _plain(path)
        held = path.stat().st_size
        with opened(path, "rb") as file:
            content: bytes = file.read(max(LARGE, RATIO * held) + 1)
        require_room(len(content), held, path)
        return content
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} must be a whole {path.suffix[1:]} file, got: {error}. "
            "It was cut short; copy it again."
        ) from error


def _plain(path: Path) -> bytes:
    content = path.read_bytes()
    packed = next((kind for mark, kind in MARKS if content.startswith(mark)), None)
    if packed is not None:
        raise DataError(
            f"{path} must be text, got what {packed} begins with. Rename it, e.g. {path.name}.{packed}, or "
            "save the table of a spreadsheet as CSV."
        )
    return content


def only_name(path: Path) -> str:
    """The name of the one file in a zip; its own without ``.zip`` where it is none or is cut short.

    Raises:
        DataError: Several files, or none.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _only(path, archive)
    except zipfile.BadZipFile:
        return path.stem


def _only(path: Path, archive: zipfile.ZipFile) -> str:
    held = [name for name in archive.namelist() if not name.endswith("/")
            and not name.startswith("__MACOSX")]  # fmt: skip
    if len(held) != 1:
        raise DataError(
            f"{path} must hold one file, got {len(held)}: {', '.join(held[:5])}. "
            "Unpack it and name the file."
        )
    return held[0]


def _of_zip(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        require_modest(path)
        return archive.read(_only(path, archive))
