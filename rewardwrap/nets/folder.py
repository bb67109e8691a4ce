"""Reward models on disk: what `rewardwrap.rewards.frozen` describes, written and read for training."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from rewardwrap.files import write_whole
from rewardwrap.limits import parsed
from rewardwrap.nets.experts import experts_of
from rewardwrap.nets.foreign import ForeignNet
from rewardwrap.nets.implicit import implicit_of
from rewardwrap.nets.network import RewardNet
from rewardwrap.nets.paid import NetError, PaidNet
from rewardwrap.nets.pair_net import pair_net_of
from rewardwrap.nets.place import model_place
from rewardwrap.nets.principle_net import principle_net_of
from rewardwrap.rewards.demonstrated import Demonstrated
from rewardwrap.rewards.density import KIND
from rewardwrap.rewards.dynamics import KIND as DYNAMICS
from rewardwrap.rewards.experts import KIND as EXPERTS
from rewardwrap.rewards.frozen import Thawed, thaw
from rewardwrap.rewards.graph import KIND as GRAPH
from rewardwrap.rewards.hop_model import KIND as HOPS
from rewardwrap.rewards.hop_model import HopModel
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.log_ratio import KIND as LOG_RATIO
from rewardwrap.rewards.matched import KIND as MATCHED
from rewardwrap.rewards.onnx_net import KIND as ONNX
from rewardwrap.rewards.paired import KIND as PAIR
from rewardwrap.rewards.principled import KIND as PRINCIPLES
from rewardwrap.rewards.sealed import (
    FORMAT,
    METRICS,
    MODEL,
    WEIGHTS,
    arrays_of,
    digest,
    read_model,
    seal,
)
from rewardwrap.rewards.step_model import KIND as STEPS
from rewardwrap.rewards.step_model import StepModel

PAYS = {
    KIND: "rw.Learned",
    MATCHED: "rw.PWIL or rw.Transport",
    STEPS: "rw.Steps",
    HOPS: "rw.HopProgress",
}
"""What was read off demonstrations without a network -> what pays it."""


@dataclass(frozen=True)
class Model:
    """A model that was read.

    Args:
        folder: Where it lies.
        document: Its model.json.
        metrics: Its metrics.json.
        net: The network, ready to be trained on.
    """

    folder: Path
    document: dict[str, Any]
    metrics: dict[str, Any]
    net: PaidNet

    @property
    def version(self) -> str:
        """The first 12 digits of its SHA-256."""
        return str(self.document["sha256"])[:12]

    @property
    def temperature(self) -> float:
        """T in ``P(b better) = sigmoid((R_b - R_a) / T)``; 1 where no pairs were fitted."""
        return float(self.document.get("temperature", 1.0))


def save_model(
    net: PaidNet | Demonstrated | StepModel | HopModel,
    folder: str | os.PathLike[str],
    *,
    objective: str,
    metrics: Mapping[str, Any],
    data: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    temperature: float = 1.0,
) -> Path:
    """Write a model; ``model.json`` goes last, so that a folder without it is no model.

    Args:
        net: The network, or demonstrations.
        folder: Made if missing.
        objective: What it was fitted by, e.g. ``"regression"``.
        metrics: What metrics.json says.
        data: Fingerprint and size of what it was fitted on.
        settings: Of the fit, seed among them.
        temperature: Of differences of returns as logits.

    Raises:
        NetError: The folder holds something else.
    """
    from safetensors.numpy import save

    target = model_place(folder)
    contents = {
        # safetensors writes memory as it lies: a transposed array would come back as another
        WEIGHTS: save({name: np.ascontiguousarray(x) for name, x in net.arrays().items()}),
        METRICS: json.dumps(metrics, indent=2, allow_nan=False).encode(),
    }
    document: dict[str, Any] = {
        "format": FORMAT,
        "objective": objective,
        "inputs": net.inputs.to_plain(),
        "net": net.describe(),
        "data": dict(data or {}),
        "settings": dict(settings or {}),
        "temperature": temperature,
        "files": {name: digest(content) for name, content in contents.items()},
    }
    # what is sealed must be what a reader parses: tuples become lists
    document = json.loads(json.dumps(document, allow_nan=False))
    document["sha256"] = seal(document)
    for name, content in contents.items():
        write_whole(target / name, content)
    write_whole(target / MODEL, json.dumps(document, indent=2))
    return target


def load_model(folder: str | os.PathLike[str]) -> Model:
    """Read a model to train it on or to judge it; nothing in the folder is executed.

    Raises:
        ConfigError: No model, or one that was cut short or changed.
    """
    source = Path(folder)
    document, weights = read_model(source)
    metrics = parsed((source / METRICS).read_text(encoding="utf-8"))
    return Model(source, document, metrics, network_of(document, weights))


def network_of(document: Mapping[str, Any], weights: bytes) -> PaidNet:
    """The trainable network of a verified model.

    Raises:
        NetError: It is a density, which has no weights to train.
    """
    if document["net"].get("kind") == DYNAMICS:
        raise NetError(
            "model must be of a reward here, got one of dynamics. Play in it with rw.ModelEnv."
        )
    if document["net"].get("kind") in PAYS:
        pays = PAYS[document["net"]["kind"]]
        raise NetError(
            f"model must be a network here, got a {document['objective']} of demonstrations. Pay it with "
            f"{pays}; what it pays is checked by rewardwrap audit."
        )
    if document["net"].get("kind") in (GRAPH, ONNX):
        # as much of a network as judging one needs
        return cast(PaidNet, ForeignNet(document, weights))
    inputs = Inputs.from_plain(document["inputs"])
    settings = {k: v for k, v in document["net"].items() if k != "layers"}
    net: PaidNet
    if settings.get("kind") == LOG_RATIO:
        net = implicit_of(inputs, settings)
    elif settings.get("kind") == PRINCIPLES:
        net = principle_net_of(inputs, settings)
    elif settings.get("kind") == EXPERTS:
        net = experts_of(inputs, settings)
    elif settings.get("kind") == PAIR:
        net = pair_net_of(inputs, settings)
    else:
        net = RewardNet(inputs, **settings)
    net.load_arrays(arrays_of(weights, WEIGHTS))
    return net


def freeze(folder: str | os.PathLike[str], *, rule: str = "mean", k: float = 1.0) -> Thawed:
    """The numpy network of a model folder."""
    return thaw(*read_model(Path(folder)), rule=rule, k=k)
