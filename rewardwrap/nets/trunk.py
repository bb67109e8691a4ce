"""Image features of every member of an ensemble at once."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from rewardwrap.rewards.parts import Part
from rewardwrap.rewards.pixels import STRIDES, channels_first


class Trunk(nn.Module):
    """SB3's NatureCNN, M times, run as one by vmap: ``(B, C, H, W) uint8 -> (M, B, features)``."""

    def __init__(self, part: Part, features: int, members: int, seed: int) -> None:
        super().__init__()
        from gymnasium.spaces import Box
        from stable_baselines3.common.torch_layers import NatureCNN

        shape = channels_first(np.empty((1, *part.shape))).shape[1:]
        space = Box(0, 255, shape, np.uint8)
        made = []
        for m in range(members):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed + m)
                made.append(NatureCNN(space, features_dim=features))
        strides = tuple(layer.stride[0] for layer in made[0].cnn if isinstance(layer, nn.Conv2d))
        assert strides == STRIDES
        stacked, _ = stack_module_state(made)
        self.names = tuple(stacked)
        self.values = nn.ParameterList(nn.Parameter(v.detach().clone()) for v in stacked.values())
        # held in a list, so that its own weights are no parameters of this module
        self._shape = [made[0]]

    def forward(self, image: Tensor) -> Tensor:
        shape = self._shape[0]

        def one(weights: dict[str, Tensor], pixels: Tensor) -> Tensor:
            found: Tensor = functional_call(shape, weights, (pixels,))
            return found

        weights = dict(zip(self.names, self.values, strict=True))
        return vmap(one, (0, None))(weights, image.to(self.values[0].dtype) / 255)

    def named(self) -> dict[str, Tensor]:
        """Weights by the names of the model folder: ``conv<i>.weight``, ``linear.bias``, ..."""
        layers = {"cnn.0": "conv0", "cnn.2": "conv1", "cnn.4": "conv2", "linear.0": "linear"}
        return {
            f"{layers[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": value
            for name, value in zip(self.names, self.values, strict=True)
        }
