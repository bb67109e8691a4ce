"""What a model of states sees of one: its numbers, or what a frozen network says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.rewards.graph import Calls, exported
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.pixels import channels_first
from rewardwrap.rewards.reading import Reader
from rewardwrap.rewards.weights import Weights

RANDOM, NETWORK, MARK = "random", "network", "sight."
BLOCK = 256
"""Images at a time."""


class Sight:
    """The numbers of a state, ``(B, width)``: vectors as they are, images as features that never change.

    Without ``kind`` there are no images. ``"random"``: each image becomes 64 numbers of a fixed random
    convolution (NatureCNN's shape). ``"network"``: the one image, as ``(B, C, H, W)`` float32 in [0, 1], or
    the vector, is given to a sealed graph of the user's network, whose outputs it becomes.

    Args:
        inputs: What is read of a state.
        net: What model.json says: ``{}``, ``{"kind": "random"}`` or a graph's description.
        arrays: Weights by name, each after ``sight.``.
    """

    def __init__(self, inputs: Inputs, net: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
        self.inputs, self.net = inputs, dict(net)
        self.weights = {n: a for n, a in arrays.items() if n.startswith(MARK)}
        held = {n.removeprefix(MARK): a for n, a in self.weights.items()}
        self.width = int(net.get("width", inputs.width))
        if net.get("kind") == RANDOM:
            self._reader, self._held = Reader({"next_obs": inputs}), held
        elif net:
            self._calls = Calls(net, held)

    def __call__(self, batch: Transitions) -> FloatArray:
        if self.net.get("kind") == RANDOM:
            return np.asarray(self._reader.read(batch, self._held).y, np.float64)
        if self.net:
            seen = _shown(self.inputs, batch)
            blocks = (seen[i : i + BLOCK] for i in range(0, len(seen), BLOCK))
            return np.concatenate([_flat(self._calls([block])) for block in blocks])
        x = np.empty((batch.lanes, self.inputs.width))
        self.inputs.write(batch, x)
        return x

    def scaled(self) -> NDArray[np.bool_]:
        """Which columns are numbers of a unit, ``(width,)``; all features of images are."""
        if self.net.get("kind") == NETWORK:
            return np.ones(self.width, bool)
        plain = self.inputs.scaled()
        return np.concatenate([plain, np.ones(self.width - len(plain), bool)])


def sight(inputs: Inputs, features: Any, batch: Transitions, seed: int) -> Sight:
    """How states are to be seen.

    Args:
        inputs: What is read of a state.
        features: None for its numbers, ``"random"``, or a ``torch.nn.Module``; it is copied as it is now.
        batch: Rows to try it on.
        seed: Of the random convolution.

    Raises:
        ConfigError: No such features, random ones of no image, or a network that takes something else.
    """
    if features is None:
        return Sight(inputs, {}, {})
    if isinstance(features, str):
        if features != RANDOM or not inputs.images:
            raise ConfigError(
                'features must be None, a torch module or, of images, "random", got '
                f'"{features}" for {"images" if inputs.images else "numbers"}. '
                + ('Use "random".' if inputs.images else "Leave it out.")
            )
        reader = Reader({"next_obs": inputs})
        drawn = Weights(reader.shapes(), np.random.default_rng(seed))
        arrays = {MARK + n: np.array(a, np.float32) for n, a in drawn.arrays(drawn.flat).items()}
        return Sight(inputs, {"kind": RANDOM, "width": reader.width}, arrays)
    return _network(inputs, features, batch)


def _network(inputs: Inputs, module: Any, batch: Transitions) -> Sight:
    import torch

    if not isinstance(module, torch.nn.Module) or len(inputs.images) > 1:
        raise ConfigError(
            'features must be None, "random" or a torch.nn.Module that takes the one image, got '
            f"{type(module).__name__} for {len(inputs.images)} images. Give a frozen network."
        )
    was, module = module.training, module.eval()
    example = torch.from_numpy(_shown(inputs, batch)[:4])
    try:
        with torch.no_grad():
            said = _flat(module(example))
    except (RuntimeError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"features must be a network that takes {tuple(example.shape)} and gives (B, k), got "
            f"{type(error).__name__}: {str(error).splitlines()[0][:160]}. "
            "Put what resizes or flattens into it."
        ) from error
    finally:
        module.train(was)
    net, arrays = exported(module.eval(), [example], ["next_obs"])
    module.train(was)
    return Sight(
        inputs,
        {**net, "kind": NETWORK, "width": said.shape[1]},
        {MARK + n: array for n, array in arrays.items()},
    )


def _shown(inputs: Inputs, batch: Transitions) -> NDArray[np.float32]:
    """What a network is given."""
    if inputs.images:
        leaf = channels_first(inputs.leaf(batch, inputs.images[0]))
        return np.ascontiguousarray(leaf, np.float32) / np.float32(255)
    x = np.empty((batch.lanes, inputs.width), np.float32)
    inputs.write(batch, x)
    return x


def _flat(said: Any) -> FloatArray:
    found = said.detach().double().numpy()
    return np.asarray(found.reshape(len(found), -1))
