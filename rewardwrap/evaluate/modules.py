"""Rewards that are networks of torch: fed with tensors, a chunk of rows at a time."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.function import one_per_lane
from rewardwrap.core.signature import COLUMNS
from rewardwrap.core.transitions import FloatArray, Transitions

BY_POSITION = ("obs", "action", "next_obs")


def is_module(value: Any) -> bool:
    """Whether it is a ``torch.nn.Module``, or a method of one; torch is not imported for that."""
    torch: Any = sys.modules.get("torch")
    return torch is not None and isinstance(getattr(value, "__self__", value), torch.nn.Module)


class Network:
    """What a module pays on a batch: ``(B,)``, without gradients and in evaluation mode.

    Numbers with a fraction come as the parameters' dtype, integers and booleans as they are, all on the
    parameters' device. Payments ask for `rewardwrap.evaluate.payment.CHUNK` rows at most.

    Args:
        module: Takes tensors by column names, or ``(obs, action, next_obs)`` by position; returns (B,).
            Or a method of a module.
    """

    def __init__(self, module: Callable[..., Any]) -> None:
        self._call = module
        owner: Any = getattr(module, "__self__", module)
        self._module = owner
        forward = module if hasattr(module, "__self__") else owner.forward
        names = list(inspect.signature(forward).parameters)
        self._names: Sequence[str] = names if set(names) <= set(COLUMNS) else ()
        require_three(forward, self._names)

    def __call__(self, batch: Transitions) -> FloatArray:
        import torch

        module = self._module
        columns = [getattr(batch, name) for name in self._names or BY_POSITION]
        given = [tree.map_leaves(self._tensor, column) for column in columns]
        learns = module.training
        module.eval()
        try:
            with torch.no_grad():
                if self._names:
                    paid = self._call(**dict(zip(self._names, given, strict=True)))
                else:
                    paid = self._call(*given)
        finally:
            module.train(learns)
        return one_per_lane(paid, batch.lanes, "module")

    def _tensor(self, leaf: Any) -> Any:
        import torch

        first = next(iter(self._module.parameters()), None)
        device, dtype = (
            ("cpu", torch.get_default_dtype()) if first is None else (first.device, first.dtype)
        )
        array = np.ascontiguousarray(leaf)
        made = torch.as_tensor(array, device=device)
        return made.to(dtype) if made.is_floating_point() else made


def require_three(function: Callable[..., Any], names: Sequence[str]) -> None:
    """Refuse a function that is called by position and does not take ``(obs, action, next_obs)``.

    Args:
        function: Of a user.
        names: Columns it is called with by name; none for a call by position.

    Raises:
        ConfigError: It takes fewer or more.
    """
    if names:
        return
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*BY_POSITION)
    except TypeError as error:
        raise ConfigError(
            f"a function as reward must take (obs, action, next_obs), got one that takes {signature}. "
            "Write lambda obs, action, next_obs: ..., or name columns of a batch alone: "
            f"{', '.join(COLUMNS)}."
        ) from error
