"""A network of one's own as a sealed model: layers, graph or file are copied, and proved equal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray, Transitions, take
from rewardwrap.rewards.frozen import thaw
from rewardwrap.rewards.graph import exported
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.onnx_net import BYTES, OnnxNet, content_of, described, session
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
        module: An ``nn.Module``. One chain of Linear layers with ReLU, SiLU or Tanh between them becomes a
            network in numpy; anything else, or a chain whose forward does more, a graph. It is called
            as ``module(obs, action)``, one argument an input, or with all inputs side by side where it
            takes one; digits are one-hot.
        inputs: Some of ``obs``, ``action``, ``next_obs``, ``terminated``.
        env: Id of an environment, or one with ``observation_space`` and ``action_space``.
        seed: Of the rows on which both must agree.

    Raises:
        ConfigError: No module, one that torch cannot export, or another answer than the module's.
    """
    import torch

    if not isinstance(module, torch.nn.Module):
        raise ConfigError(
            f"from_torch: module must be a torch.nn.Module, got {type(module).__name__}. "
            "For a plain function use rw.function."
        )
    spaces = _spaces(env)
    reads = _reads(spaces, inputs)
    said = _said(module, reads, tuple(inputs), spaces, seed)
    try:
        arrays, net = _chain(module, reads.width)
        made = _document(type(module).__name__, inputs, reads, arrays, net)
        _require_equal(said.batch, said.paid, *made)
    except _NoChain:
        net, arrays = exported(module.eval(), said.columns, tuple(inputs))
        made = _document(type(module).__name__, inputs, reads, arrays, net)
        _require_equal(said.batch, said.paid, *made)
    finally:
        module.train(said.training)
    return made


def sealed_onnx(
    file: str | Path, inputs: Sequence[str], env: Any, seed: int = 0
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The same of an ONNX file, which is taken in whole.

    Raises:
        ConfigError: No ONNX file, other inputs than it takes, or rows that change each other's pay.
    """
    spaces = _spaces(env)
    reads = _reads(spaces, inputs)
    content = content_of(Path(file))
    net = described(session(content, str(file)), reads, tuple(inputs))
    arrays = {BYTES: np.frombuffer(content, np.uint8)}
    made = _document(Path(file).stem, inputs, reads, arrays, net)
    batch = _rows(spaces, seed)
    _require_equal(batch, OnnxNet(reads, net, arrays)(batch), *made)
    return made


def _reads(spaces: dict[str, Any], inputs: Sequence[str]) -> Inputs:
    reads = Inputs.of({name: plain_space(space) for name, space in spaces.items()}, tuple(inputs))
    if reads.images:
        raise ConfigError(
            "a network of one's own must read vectors or digits, got an image. Fit one with rewardwrap fit."
        )
    return reads


def _document(
    name: str, inputs: Sequence[str], reads: Inputs, arrays: dict[str, Any], net: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, bytes]]:
    from safetensors.numpy import save

    files = {WEIGHTS: save(arrays), METRICS: b"{}"}
    document: dict[str, Any] = {
        "format": FORMAT,
        "objective": "foreign",
        "inputs": reads.to_plain(),
        "net": net,
        "data": {},
        "settings": {"module": name, "reads": list(inputs)},
        "temperature": 1.0,
        "files": {name: digest(content) for name, content in files.items()},
    }
    document = json.loads(json.dumps(document))
    document["sha256"] = seal(document)
    return document, files


def _spaces(env: Any) -> dict[str, Any]:
    if not isinstance(env, str):
        return {"obs": env.observation_space, "action": env.action_space}
    import gymnasium as gym

    try:
        made = gym.make(env)
    except gym.error.Error as error:
        raise ConfigError(
            f"a network of one's own: env must be the id of an environment, got {env!r}: {error}. "
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
            raise _NoChain(f"a layer {name}")
    after = {place for place, _ in between}
    last = len(layers)
    if not layers or layers[0].in_features != width or layers[-1].out_features != 1:
        raise _NoChain("it does not lead from the inputs to one number")
    if any(place not in after for place in range(1, last)) or 0 in after:
        raise _NoChain("Linear layers without an activation between, or one before the first")
    kinds = {name for place, name in between if place < last}
    bounded = [name for place, name in between if place == last]
    if len(kinds) > 1 or bounded not in ([], ["Tanh"]):
        raise _NoChain(f"activations {', '.join(name for _, name in between)}")
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


class _NoChain(ConfigError):
    """The module is none that plain layers say; its graph says it."""


@dataclass(frozen=True)
class _Said:
    """What a module pays for rows of the environment's spaces."""

    batch: Transitions
    columns: list[Any]
    paid: FloatArray
    training: bool


def _said(
    module: Any, reads: Inputs, inputs: tuple[str, ...], spaces: dict[str, Any], seed: int
) -> _Said:
    import torch

    batch = _rows(spaces, seed)
    x = np.empty((ROWS, reads.width), np.float32)
    reads.write(batch, x)
    widths = [sum(p.width for p in reads.parts if p.column == name) for name in inputs]
    parts = np.split(x, np.cumsum(widths)[:-1], axis=1)
    columns = [torch.from_numpy(part.copy()) for part in parts]
    training = module.training
    module.eval()
    try:
        with torch.no_grad():
            said, taken = _called(module, columns)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        module.train(training)
        shown = ", ".join(f"{n} ({w} numbers)" for n, w in zip(inputs, widths, strict=True))
        got = f"{type(error).__name__}: {str(error).splitlines()[0][:160]}"
        raise ConfigError(
            f"from_torch: module must take {shown} or all side by side, got {got}. "
            "Name the inputs in the module's order; digits are one-hot."
        ) from error
    want = said.detach().cpu().numpy().astype(np.float64)
    if want.size != ROWS:
        module.train(training)
        raise ConfigError(
            f"from_torch: module must pay one number a row, got shape {tuple(said.shape)} for {ROWS} "
            "rows. Let its last layer have one output."
        )
    return _Said(batch, taken, want.reshape(-1), training)


def _require_equal(
    batch: Transitions, said: FloatArray, document: dict[str, Any], files: dict[str, bytes]
) -> None:
    """The copy answers as the network does, on many rows and on a few."""
    net = thaw(document, files[WEIGHTS])
    for rows in (slice(None), slice(0, 3), slice(0, 1)):
        want = said[rows]
        paid = net(take(batch, rows))
        off = float(np.abs(paid - want).max())
        if not off <= CLOSE * max(1.0, float(np.abs(said).max())):
            kind = _NoChain if "kind" not in document["net"] else ConfigError
            raise kind(
                f"a network of one's own must pay the same when it is sealed, got a difference of {off:.3g}. "
                "It may draw random numbers or look at the other rows; distil it: let it pay a store of "
                "episodes and fit that with rewardwrap fit."
            )


def _called(module: Any, columns: list[Any]) -> tuple[Any, list[Any]]:
    """What the module says, and the arguments that it takes."""
    import torch

    whole = torch.cat(columns, dim=1)
    if isinstance(module, torch.nn.Sequential) or len(columns) == 1:
        return module(whole), [whole]
    try:
        return module(*columns), columns
    except TypeError:  # it takes one argument
        return module(whole), [whole]


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
