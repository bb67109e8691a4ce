"""A torch module of one's own as a sealed model: its layers are found, copied, and proved equal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import Transitions
from rewardwrap.rewards.frozen import thaw
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.parts import plain_space
from rewardwrap.rewards.sealed import FORMAT, METRICS, WEIGHTS, digest, seal

ROWS = 256
CLOSE = 1e-4
"""Of the largest answer: what float32 rounds differently in another order of sums."""
ACTIVATIONS = {"ReLU": "relu", "SiLU": "silu", "Tanh": "tanh"}
NOTHING = ("Dropout", "Identity", "Flatten")


def sealed(
    module: Any, inputs: Sequence[str], env: Any, seed: int = 0
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A model folder's content: ``model.json`` as a document, and its other files.

    Args:
        module: An ``nn.Module`` whose weights are one chain of Linear layers with ReLU, SiLU or Tanh
            between them. It is called as ``module(obs, action)``, one argument an input, or with all
            inputs side by side where it takes one; digits are one-hot.
        inputs: Some of ``obs``, ``action``, ``next_obs``, ``terminated``.
        env: Id of an environment, or one with ``observation_space`` and ``action_space``.
        seed: Of the rows on which both must agree.

    Raises:
        ConfigError: No module, no chain of layers, or another answer than the module's.
    """
    import torch
    from safetensors.numpy import save

    if not isinstance(module, torch.nn.Module):
        raise ConfigError(
            f"from_torch: module must be a torch.nn.Module, got {type(module).__name__}. "
            "For a plain function use rw.function."
        )
    spaces = _spaces(env)
    reads = Inputs.of({name: plain_space(space) for name, space in spaces.items()}, tuple(inputs))
    if reads.images:
        raise ConfigError(
            "from_torch: inputs must be vectors or digits, got an image. Fit one with rewardwrap fit."
        )
    arrays, net = _chain(module, reads.width)
    files = {WEIGHTS: save(arrays), METRICS: b"{}"}
    document: dict[str, Any] = {
        "format": FORMAT,
        "objective": "foreign",
        "inputs": reads.to_plain(),
        "net": net,
        "data": {},
        "settings": {"module": type(module).__name__, "reads": list(inputs)},
        "temperature": 1.0,
        "files": {name: digest(content) for name, content in files.items()},
    }
    document = json.loads(json.dumps(document))
    document["sha256"] = seal(document)
    _require_equal(module, document, files[WEIGHTS], reads, tuple(inputs), spaces, seed)
    return document, files


def _spaces(env: Any) -> dict[str, Any]:
    if not isinstance(env, str):
        return {"obs": env.observation_space, "action": env.action_space}
    import gymnasium as gym

    try:
        made = gym.make(env)
    except gym.error.Error as error:
        raise ConfigError(
            f"from_torch: env must be the id of an environment, got {env!r}: {error}. "
            "Give the environment itself."
        ) from error
    found = {"obs": made.observation_space, "action": made.action_space}
    made.close()
    return found


def _chain(module: Any, width: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Weights by the names of a model folder, and what model.json says of the network."""
    leaves = [layer for layer in module.modules() if not list(layer.children())]
    layers, between = [], []
    for layer in leaves:
        name = type(layer).__name__
        if name == "Linear":
            layers.append(layer)
        elif name in ACTIVATIONS:
            between.append((len(layers), name))
        elif name not in NOTHING:
            raise _no_chain(f"a layer {name}")
    after = {place for place, _ in between}
    last = len(layers)
    if not layers or layers[0].in_features != width or layers[-1].out_features != 1:
        got = (
            f"{layers[0].in_features} inputs and {layers[-1].out_features} outputs"
            if layers
            else "none"
        )
        raise ConfigError(
            f"from_torch: layers must lead from the {width} numbers of the inputs to one reward, got "
            f"{got}. Name the inputs in the module's order; digits are one-hot."
        )
    if any(place not in after for place in range(1, last)) or 0 in after:
        raise _no_chain("Linear layers without an activation between, or one before the first")
    kinds = {name for place, name in between if place < last}
    bounded = [name for place, name in between if place == last]
    if len(kinds) > 1 or bounded not in ([], ["Tanh"]):
        raise _no_chain(f"activations {', '.join(name for _, name in between)}")
    arrays = {
        "input.mean": np.zeros(width, np.float32), "input.sd": np.ones(width, np.float32),
        "output.scale": np.ones(1, np.float32), "output.shift": np.zeros(1, np.float32),
    }  # fmt: skip
    for i, layer in enumerate(layers):
        bias = (
            np.zeros(layer.out_features)
            if layer.bias is None
            else layer.bias.detach().cpu().numpy()
        )
        arrays[f"layer{i}.weight"] = (
            layer.weight.detach().cpu().numpy().T[None].astype(np.float32).copy()
        )
        arrays[f"layer{i}.bias"] = bias[None, None].astype(np.float32).copy()
    net = {
        "members": 1, "layers": last, "hidden": [layer.out_features for layer in layers[:-1]],
        "activation": ACTIVATIONS[next(iter(kinds), "ReLU")], "head": "linear", "quantiles": 8,
        "bound": 1.0 if bounded else None, "signs": None, "features": 64, "dtype": "float32",
    }  # fmt: skip
    return arrays, net


def _no_chain(got: str) -> ConfigError:
    return ConfigError(
        f"from_torch: module must be one chain of Linear layers with ReLU, SiLU or Tanh, got {got}. "
        "Distil another network: let it pay a store of episodes and fit that with rewardwrap fit."
    )


def _require_equal(
    module: Any, document: dict[str, Any], weights: bytes, reads: Inputs, inputs: tuple[str, ...],
    spaces: dict[str, Any], seed: int,
) -> None:  # fmt: skip
    """The copy answers as the module does, on rows of the environment's spaces."""
    import torch

    batch = _rows(spaces, seed)
    x = np.empty((ROWS, reads.width), np.float32)
    reads.write(batch, x)
    ends = {name: sum(p.width for p in reads.parts if p.column == name) for name in inputs}
    columns = np.split(x, np.cumsum(list(ends.values()))[:-1], axis=1)
    training = module.training
    module.eval()
    try:
        with torch.no_grad():
            said = _called(module, [torch.from_numpy(c.copy()) for c in columns])
    finally:
        module.train(training)
    want = said.detach().cpu().numpy().astype(np.float64)
    if want.size != ROWS:
        raise ConfigError(
            f"from_torch: module must pay one number a row, got shape {tuple(said.shape)} for {ROWS} "
            "rows. Let its last layer have one output."
        )
    paid = thaw(document, weights)(batch)
    off = float(np.abs(paid - want.reshape(-1)).max())
    if not off <= CLOSE * max(1.0, float(np.abs(want).max())):
        raise ConfigError(
            f"from_torch: module must pay what its layers alone pay, got a difference of {off:.3g}: its "
            "forward does more than they do. Put scaling into the layers, or distil it: let it pay a "
            "store of episodes and fit that with rewardwrap fit."
        )


def _called(module: Any, columns: list[Any]) -> Any:
    import torch

    whole = torch.cat(columns, dim=1)
    if isinstance(module, torch.nn.Sequential) or len(columns) == 1:
        return module(whole)
    try:
        return module(*columns)
    except TypeError:  # it takes one argument
        return module(whole)


def _rows(spaces: dict[str, Any], seed: int) -> Transitions:
    from gymnasium.vector.utils import batch_space

    drawn = []
    for i, space in enumerate((spaces["obs"], spaces["action"], spaces["obs"])):
        wide = batch_space(space, ROWS)
        wide.seed(seed + i)
        drawn.append(wide.sample())
    none = np.zeros(ROWS, bool)
    return Transitions(
        obs=drawn[0], action=drawn[1], next_obs=drawn[2], reward=np.zeros(ROWS),
        terminated=np.arange(ROWS) % 2 == 0, truncated=none, first=none,
    )  # fmt: skip
