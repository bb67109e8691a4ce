"""How often something was seen: counts by name, where a name is a digest of whatever was seen."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError, RewardValueError
from rewardwrap.core.transitions import FloatArray

SIZE = 16
"""Bytes of a name: two of 2^32 different things share one with probability 3e-20."""


class Visits:
    """Counts that can be saved: names are digests, which are the same in every process."""

    def __init__(self) -> None:
        self._table: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._table)

    def add(self, names: Iterable[bytes]) -> None:
        """Count each name once more."""
        table = self._table
        for name in names:
            table[name] = table.get(name, 0) + 1

    def of(self, names: Iterable[bytes]) -> FloatArray:
        """How often each was counted, ``(B,)``."""
        table = self._table
        return np.array([table.get(name, 0) for name in names], np.float64)

    def clear(self) -> None:
        """Forget all."""
        self._table.clear()

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """``names`` ``(n, 16)`` uint8 and ``counts`` ``(n,)`` int64."""
        names = np.frombuffer(b"".join(self._table), np.uint8).reshape(-1, SIZE)
        return {"names": names, "counts": np.array(list(self._table.values()), np.int64)}

    def load(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Take over what `arrays` returned.

        Raises:
            ConfigError: They are no names with a count each.
        """
        names, counts = arrays["names"], arrays["counts"]
        if names.shape != (len(counts), SIZE) or (len(counts) and counts.min() < 1):
            raise ConfigError(
                f"counts must be a positive number for each name, got {names.shape} names and "
                f"{counts.shape} counts. Load what this reward saved."
            )
        self._table = dict(zip(map(bytes, names), counts.tolist(), strict=True))


def name_of(key: Hashable) -> bytes:
    """The digest of a key made of numbers, strings, bytes and tuples of them."""
    text = key if isinstance(key, bytes) else repr(_plain(key)).encode()
    return blake2b(text, digest_size=SIZE).digest()


def _plain(key: Any) -> Any:
    if isinstance(key, tuple):
        return tuple(map(_plain, key))
    key = key.item() if isinstance(key, np.generic) else key
    # 1, 1.0 and True are one key of a dict, and so are 0.0 and -0.0
    whole = isinstance(key, bool | float) and key == key and abs(key) != float("inf")
    return int(key) if whole and int(key) == key else key


def names_of(keys: Any, lanes: int, subject: str) -> list[bytes]:
    """The names of keys that somebody's function returned: an array ``(B, ...)``, or B hashables.

    Raises:
        RewardValueError: Not one for each lane, or one that is not hashable.
    """
    if isinstance(keys, np.ndarray) and keys.dtype.kind in "biuf" and len(keys) == lanes:
        return names_of_rows([keys])
    if not isinstance(keys, Sequence | np.ndarray) or isinstance(keys, str) or len(keys) != lanes:
        got = f"{len(keys)} keys" if hasattr(keys, "__len__") else type(keys).__name__
        raise RewardValueError(
            f"{subject} must return one key for each of {lanes} lanes, got {got}. "
            "It is called with a batch: return an array of leading size B, or a list of B."
        )
    made = []
    for key in keys:
        try:
            hash(key)
        except TypeError as error:
            raise RewardValueError(
                f"{subject} must return hashable keys, got {type(key).__name__} ({error}). "
                "Return numbers, strings or tuples of them."
            ) from error
        made.append(name_of(key))
    return made


def names_of_rows(leaves: Iterable[Any], digits: int | None = None) -> list[bytes]:
    """The names of rows of numbers; ``digits`` decimals of them, or all.

    Raises:
        RewardValueError: A leaf holds no numbers.
    """
    columns = []
    for leaf in leaves:
        array = np.asarray(leaf)
        if array.dtype.kind not in "biuf":
            raise RewardValueError(
                f"Counts: key must be set where observations are no numbers, got {array.dtype}. "
                "Give key=, a function of a batch of observations to hashable rows."
            )
        if array.dtype.kind == "f":
            exact = array.astype(np.float64)
            # adding 0 turns -0 into 0
            array = (exact if digits is None else np.round(exact, digits)) + 0.0
        elif array.dtype != np.uint8:
            array = array.astype(np.int64)
        columns.append(np.ascontiguousarray(array).reshape(len(array), -1))
    rows = zip(*columns, strict=True)
    return [name_of(b"".join(part.tobytes() for part in row)) for row in rows]


def names_of_observations(obs: Any, digits: int) -> list[bytes]:
    """The names of observations of any layout, rounded to ``digits`` decimals."""
    return names_of_rows(tree.leaves(obs), digits)
