"""Gymnasium spaces as plain JSON and back: no module path is stored, so none is imported."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rewardwrap.data.errors import DataError

if TYPE_CHECKING:
    import gymnasium as gym

LARGEST = 1 << 26
"""Numbers of one space: sixty frames of a high-definition camera."""


def to_json(space: gym.Space[Any] | None) -> Any:
    """A space as plain data; bounds that are the same everywhere are one number.

    Raises:
        DataError: A space that has no fixed arrays, such as Text or Graph.

    Example:
        >>> from gymnasium.spaces import Discrete
        >>> to_json(Discrete(3))
        {'space': 'Discrete', 'n': 3, 'start': 0, 'dtype': 'int64'}
    """
    if space is None:
        return None
    from gymnasium import spaces

    match space:
        case spaces.Box():
            return {
                "space": "Box",
                "low": _bound(space.low),
                "high": _bound(space.high),
                "shape": list(space.shape),
                "dtype": np.dtype(space.dtype).name,
            }
        case spaces.Discrete():
            return {
                "space": "Discrete",
                "n": int(space.n),
                "start": int(space.start),
                "dtype": np.dtype(space.dtype).name,
            }
        case spaces.MultiDiscrete():
            return {
                "space": "MultiDiscrete",
                "nvec": space.nvec.tolist(),
                "start": space.start.tolist(),
                "dtype": np.dtype(space.dtype).name,
            }
        case spaces.MultiBinary():
            number = isinstance(space.n, int | np.integer)
            return {"space": "MultiBinary", "n": space.shape[0] if number else list(space.shape)}
        case spaces.Dict():
            inner = {key: to_json(each) for key, each in space.spaces.items()}
            return {"space": "Dict", "spaces": inner}
        case spaces.Tuple():
            return {"space": "Tuple", "spaces": [to_json(each) for each in space.spaces]}
    raise DataError(
        f"space must be Box, Discrete, MultiDiscrete, MultiBinary, Dict or Tuple, got {space}. "
        "Flatten it with a gymnasium wrapper before recording."
    )


def from_json(data: Any) -> gym.Space[Any] | None:
    """The space that `to_json` wrote.

    Raises:
        DataError: Anything else.
    """
    if data is None:
        return None
    from gymnasium import spaces

    try:
        match data["space"]:
            case "Box":
                dtype = np.dtype(data["dtype"])
                shape = tuple(data["shape"])
                low, high = (_bounds(data[k], shape, dtype) for k in ("low", "high"))
                return spaces.Box(low, high, shape, dtype.type)
            case "Discrete":
                # older gymnasium has no other than int64, and no word for it
                other = {} if data["dtype"] == "int64" else {"dtype": np.dtype(data["dtype"]).type}
                return spaces.Discrete(data["n"], start=data["start"], **other)
            case "MultiDiscrete":
                return spaces.MultiDiscrete(
                    np.array(data["nvec"]),
                    start=np.array(data["start"]),
                    dtype=np.dtype(data["dtype"]).type,
                )
            case "MultiBinary":
                _require_size(np.atleast_1d(data["n"]).tolist())
                return spaces.MultiBinary(data["n"])
            case "Dict":
                return spaces.Dict({key: _inner(each) for key, each in data["spaces"].items()})
            case "Tuple":
                return spaces.Tuple([_inner(each) for each in data["spaces"]])
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        shown = reprlib.repr(data)
        raise DataError(f"space must be written in full, got {shown}. Save it again.") from error
    raise DataError(
        f"space must be one that rewardwrap writes, got {reprlib.repr(data)}. Save it again."
    )


def _inner(data: Any) -> gym.Space[Any]:
    space = from_json(data)
    if space is None:
        raise DataError("space must hold spaces, got nothing inside one. Save it again.")
    return space


def _bound(bound: np.ndarray[Any, Any]) -> Any:
    """Text, so that infinities are valid JSON; repr keeps every bit of a float."""
    flat = bound.ravel()
    if flat.size and (flat == flat[0]).all():
        return str(flat[0].item())
    return [str(value) for value in flat.tolist()]


def _require_size(shape: Sequence[int]) -> None:
    if math.prod(shape) > LARGEST or min(shape, default=0) < 0:
        raise DataError(
            f"space must have at most {LARGEST:,} numbers, got shape {tuple(shape)}. Save it again."
        )


def _bounds(written: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    number = float if dtype.kind == "f" else int
    _require_size(shape)
    if isinstance(written, str):
        return np.full(shape, number(written), dtype)
    return np.array([number(value) for value in written], dtype).reshape(shape)
