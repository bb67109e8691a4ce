"""A module that was sealed as it is, as far as judging one needs a network: it is not trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from rewardwrap.core.transitions import Transitions
from rewardwrap.nets.paid import Encoded, NetError
from rewardwrap.rewards.frozen import thaw
from rewardwrap.rewards.graph import Graph
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.onnx_net import OnnxNet


class ForeignNet:
    """What `RewardNet` offers to `validate`, `monitor` and `compare`, of a sealed graph or file.

    Args:
        document: Its model.json.
        weights: The bytes of its weights.
    """

    members = 1

    def __init__(self, document: Any, weights: bytes) -> None:
        self.inputs = Inputs.from_plain(document["inputs"])
        self._document, self._weights = document, weights

    def freeze(self, *, rule: str = "mean", k: float = 1.0) -> Graph | OnnxNet:
        """The graph or the file, ready to pay."""
        found = thaw(self._document, self._weights, rule=rule, k=k)
        assert isinstance(found, Graph | OnnxNet)
        return found

    def encode(self, batch: Transitions) -> Encoded:
        """Rows of a batch.

        Raises:
            NetError: An input is not finite.
        """
        x = np.empty((batch.lanes, self.inputs.width), np.float64)
        self.inputs.write(batch, x)
        if not np.isfinite(x).all():
            raise NetError("inputs must be finite, got NaN or infinity. Fill the gaps first.")
        return Encoded(torch.from_numpy(x))

    def prepare(self, rows: Encoded) -> Encoded:
        """The rows as they are: the module knows of no normalisation."""
        return rows
