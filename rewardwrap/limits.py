"""Files that would become much more than they are: refused before anything is allocated."""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from rewardwrap.core.errors import RewardwrapError

LARGE = 512 << 20
"""Bytes that any file may become."""

RATIO = 64
"""How many times its own size a file may become beyond that; frames of Atari games reach about 40."""


class Oversized(RewardwrapError, ValueError):
    """A small file that asks for a large piece of memory."""


def require_modest(path: Path) -> None:
    """Refuse a zip or npz archive that unpacks to far more than it is, or claims arrays that it has not.

    Raises:
        Oversized: It does.
        zipfile.BadZipFile: It is no archive.
    """
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        require_room(sum(member.file_size for member in members), path.stat().st_size, path)
        for member in members:
            if member.filename.endswith(".npy"):
                with archive.open(member) as file:
                    claimed, head = claimed_by(file), file.tell()
                if claimed is not None and head + claimed > member.file_size:
                    raise Oversized(
                        f"{path}: {member.filename} must hold the {claimed:,} bytes that its head claims, "
                        f"got {member.file_size:,}. It was cut short or made up; write it again."
                    )


def require_room(claimed: int, held: int, subject: object) -> None:
    """Refuse what claims far more bytes than the file holds that it is read from.

    Raises:
        Oversized: It does.
    """
    if claimed > max(LARGE, RATIO * held):
        raise Oversized(
            f"{subject} must become at most {RATIO} times its {held:,} bytes when it is read, got "
            f"{claimed / 2**30:.1f} GB. If you made it yourself, store it in parts, or without compression."
        )


def claimed_by(file: IO[bytes]) -> int | None:
    """Bytes of the array that the head of an npy file claims; None where the head is none, or of objects."""
    try:
        version = np.lib.format.read_magic(file)
        head: Any = np.lib.format.read_array_header_1_0
        if version != (1, 0):
            head = np.lib.format.read_array_header_2_0
        shape, _, dtype = head(file)
    except ValueError:
        return None
    if dtype.hasobject:
        return None  # pickled, of any size, and never read
    return int(math.prod(shape)) * int(dtype.itemsize)


def parsed(text: str | bytes) -> Any:
    """JSON as plain data.

    Raises:
        json.JSONDecodeError: It is none, or deeper than Python can follow.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise json.JSONDecodeError("lists and mappings lie too deep in each other", "", 0) from None
