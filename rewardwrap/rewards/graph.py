"""Any torch module as a sealed graph: plain operations by name, and weights in safetensors. Never pickle.

`torch.export` writes a module down as a list of calls of torch's own operators. That list becomes JSON,
and is played by looking each name up among ``aten`` operators and a few of Python's on numbers: a file
can name nothing else, so reading one runs none of its author's code.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.own_net import OwnNet

KIND = "graph"
NUMBERS = {f"_operator.{name}": getattr(operator, name)
           for name in ("getitem", "add", "sub", "mul", "floordiv", "neg")}  # fmt: skip
"""What an exported graph does with sizes."""


class Graph(OwnNet):
    """A network of one's own for inference.

    Args:
        inputs: What it reads.
        net: ``nodes``, ``takes`` and ``gives``, as `exported` writes them.
        arrays: Weights by name.

    Raises:
        ConfigError: A node that names something else than an operator.
    """

    def __init__(self, inputs: Inputs, net: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
        self.inputs, self._joined = inputs, bool(net["joined"])
        self._calls = Calls(net, arrays)
        widths = [sum(p.width for p in inputs.parts if p.column == name) for name in net["reads"]]
        self._ends = np.cumsum(widths)[:-1]

    def _paid(self, batch: Transitions) -> FloatArray:
        x = np.empty((batch.lanes, self.inputs.width), np.float32)
        self.inputs.write(batch, x)
        columns = [x] if self._joined else np.split(x, self._ends, axis=1)
        paid: FloatArray = self._calls(columns).double().numpy().reshape(-1)
        return paid


class Calls:
    """A sealed graph, to be called with arrays, one an input: a tensor without a gradient.

    Args:
        net: As of `Graph`.
        arrays: As of `Graph`.
    """

    def __init__(self, net: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
        import torch

        self._takes, self._gives = net["takes"], net["gives"]
        self._weights = {
            n: torch.from_numpy(np.array(arrays[key])) for n, key in net["weights"].items()
        }
        self._nodes = [(node["name"], _operator(node["op"]), node) for node in net["nodes"]]

    def __call__(self, columns: Sequence[Any]) -> Any:
        import torch

        known: dict[str, Any] = dict(self._weights)
        known |= {
            n: torch.from_numpy(np.ascontiguousarray(c))
            for n, c in zip(self._takes, columns, strict=True)
        }
        with torch.no_grad():
            for name, call, node in self._nodes:
                args = [_read(each, known) for each in node["args"]]
                known[name] = call(*args, **{k: _read(v, known) for k, v in node["kwargs"].items()})
        return known[self._gives].detach()


def exported(
    module: Any, columns: Sequence[Any], reads: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What model.json says of the network, and its weights.

    Args:
        module: In eval mode.
        columns: What it is called with, ``(B, width)`` tensors: one, or one an input.
        reads: Names of the inputs.

    Raises:
        ConfigError: torch cannot export it, or it calls what is no operator of torch.
    """
    import torch

    rows = torch.export.Dim("rows", min=1, max=1 << 30)
    try:
        with warnings.catch_warnings():
            # torch's own, about its own trees
            warnings.simplefilter("ignore", FutureWarning)
            program = torch.export.export(
                module, tuple(columns), dynamic_shapes=[{0: rows} for _ in columns], strict=False
            ).run_decompositions({})
    except (RuntimeError, ValueError, TypeError, AttributeError, KeyError, AssertionError) as error:
        raise ConfigError(
            f"from_torch: module must be exported by torch.export for any number of rows, got "
            f"{type(error).__name__}: {str(error).splitlines()[0][:200]}. Distil it: let it pay a store of "
            "episodes and fit that with rewardwrap fit."
        ) from error
    signature = program.graph_signature
    named = {**signature.inputs_to_parameters, **signature.inputs_to_buffers,
             **signature.inputs_to_lifted_tensor_constants}  # fmt: skip
    state = {**program.state_dict, **program.constants}
    arrays = {
        key: state[key].detach().cpu().numpy().copy() for key in dict.fromkeys(named.values())
    }
    nodes = []
    for node in program.graph.nodes:
        if node.op == "call_function":
            name = _name(node.target)
            _operator(name)
            kwargs = {k: _plain(v) for k, v in node.kwargs.items() if k not in PLACES}
            args = [_plain(each) for each in node.args]
            nodes.append({"name": node.name, "op": name, "args": args, "kwargs": kwargs})
    (gives,) = signature.user_outputs
    return {
        "kind": KIND, "nodes": nodes, "weights": named, "takes": list(signature.user_inputs), "gives": gives,
        "joined": len(columns) == 1, "reads": list(reads), "members": 1, "hidden": [],
    }, arrays  # fmt: skip


PLACES = ("device", "layout", "pin_memory", "memory_format")
"""Where numbers lie is no part of what they are."""


def _name(target: Any) -> str:
    own = getattr(target, "__name__", "")
    return (
        f"{target.__module__}.{own}"
        if getattr(target, "__module__", "") == "_operator"
        else str(target)
    )


def _operator(name: str) -> Any:
    """The operator of a name.

    Raises:
        ConfigError: It is none that computes with numbers.
    """
    import torch

    if name in NUMBERS:
        return NUMBERS[name]
    space, _, rest = name.partition(".")
    packet, _, overload = rest.partition(".")
    if space == "aten" and packet.isidentifier() and overload.isidentifier():
        found = getattr(getattr(torch.ops.aten, packet, None), overload, None)
        if isinstance(found, torch._ops.OpOverload):
            return found
    raise ConfigError(
        f"a network must be made of torch's own operators, got {name!r}. Seal the module again, or distil it "
        "with rewardwrap fit."
    )


def _plain(value: Any) -> Any:
    """An argument as JSON: a node by its name, a dtype by its name."""
    import torch

    if isinstance(value, torch.fx.Node):
        return {"node": value.name}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, torch.dtype):
        return {"dtype": str(value).removeprefix("torch.")}
    if isinstance(value, float) and not np.isfinite(value):
        return {"float": repr(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ConfigError(
        f"from_torch: module must call operators with numbers and tensors, got {type(value).__name__}. "
        "Distil it with rewardwrap fit."
    )


def _read(value: Any, known: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_read(each, known) for each in value]
    if not isinstance(value, dict):
        return value
    if "node" in value:
        return known[value["node"]]
    if "dtype" in value:
        import torch

        found = getattr(torch, value["dtype"])
        assert isinstance(found, torch.dtype)
        return found
    return float(value["float"])
