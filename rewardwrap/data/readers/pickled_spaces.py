"""Gymnasium spaces out of what an inert pickle noted about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rewardwrap.data.errors import DataError
from rewardwrap.data.readers.inert import Inert, dtype_of

if TYPE_CHECKING:
    import gymnasium as gym


def space_of(note: Any) -> gym.Space[Any]:
    """Build the space anew from its numbers.

    Raises:
        DataError: A space that is not made of Box, Discrete, MultiDiscrete, MultiBinary and Dict.
    """
    from gymnasium import spaces

    if isinstance(note, Inert) and note.origin.startswith("gymnasium.spaces."):
        state: dict[str, Any] = note.state if isinstance(note.state, dict) else {}
        try:
            match note.origin.rpartition(".")[2]:
                case "Box":
                    dtype = dtype_of(state["dtype"])
                    return spaces.Box(state["low"], state["high"], dtype=dtype.type)
                case "Discrete":
                    return spaces.Discrete(int(state["n"]), start=int(state.get("start", 0)))
                case "MultiDiscrete":
                    return spaces.MultiDiscrete(np.asarray(state["nvec"]))
                case "MultiBinary":
                    return spaces.MultiBinary(state["n"])
                case "Dict":
                    inner = state["spaces"]
                    return spaces.Dict({str(key): space_of(each) for key, each in inner.items()})
        except (KeyError, TypeError, ValueError, AssertionError) as error:
            raise DataError(
                f"buffer must hold whole spaces, got {note.origin} with {error}. Add --env ID."
            ) from error
    origin = note.origin if isinstance(note, Inert) else type(note).__name__
    raise DataError(f"buffer must hold spaces of gymnasium, got {origin}. Add --env ID.")
