"""SB3's NatureCNN without SB3: image features of a frozen network. Images alone need torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

STRIDES = (4, 2, 1)


def channels_first(image: Any) -> Any:
    """``(B, H, W, C)`` to ``(B, C, H, W)``; what has few channels first is left alone."""
    return image if image.shape[1] == min(image.shape[1:]) else np.moveaxis(image, -1, 1)


def image_features(
    leaf: NDArray[Any], members: int, dtype: Any, layer: Callable[[str], NDArray[Any]]
) -> NDArray[Any]:
    """``(B, H, W, C) uint8 -> (M, B, features)``.

    Args:
        leaf: Images, channels first or last.
        members: M.
        dtype: What to compute in.
        layer: ``"conv0.weight"`` and so on to the array of all members.
    """
    import torch
    from torch.nn import functional

    def of(name: str, member: int) -> tuple[Any, Any]:
        pair = (layer(f"{name}.{part}")[member] for part in ("weight", "bias"))
        weight, bias = (torch.from_numpy(np.array(array)) for array in pair)
        return weight, bias

    pixels = torch.from_numpy(np.ascontiguousarray(channels_first(leaf)).astype(dtype) / 255)
    found = []
    with torch.no_grad():
        for m in range(members):
            hidden = pixels
            for i, stride in enumerate(STRIDES):
                hidden = functional.relu(
                    functional.conv2d(hidden, *of(f"conv{i}", m), stride=stride)
                )
            found.append(functional.relu(functional.linear(hidden.flatten(1), *of("linear", m))))
    features: NDArray[Any] = torch.stack(found).numpy()
    return features
