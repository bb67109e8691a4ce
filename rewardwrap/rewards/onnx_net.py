"""An ONNX file as a sealed model: its bytes lie whole in the weights, and onnxruntime plays them.

The file is data to onnxruntime: operators of its own by name, and no weights but those inside, since a
model from elsewhere may name any file of this machine as its weights. One thread, as all that is paid.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError, extra
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.own_net import OwnNet

KIND = "onnx"
BYTES = "onnx"
"""Name of the array in the weights that holds the file."""
DTYPES = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16"}
ELSEWHERE = "session.model_external_initializers_file_folder_path"


class OnnxNet(OwnNet):
    """A network of one's own for inference.

    Args:
        inputs: What it reads.
        net: ``takes``, ``dtypes`` and ``joined``, as `described` writes them.
        arrays: The file, as bytes.

    Raises:
        ConfigError: No ONNX file, or one whose weights lie elsewhere.
        MissingExtra: onnxruntime is not installed.
    """

    def __init__(self, inputs: Inputs, net: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
        self.inputs = inputs
        self._session = session(np.asarray(arrays[BYTES], np.uint8).tobytes(), "model")
        self._takes = list(zip(net["takes"], net["dtypes"], strict=True))
        widths = [sum(p.width for p in inputs.parts if p.column == name) for name in net["reads"]]
        self._ends: list[int] = [] if net["joined"] else np.cumsum(widths)[:-1].tolist()

    def _paid(self, batch: Transitions) -> FloatArray:
        x = np.empty((batch.lanes, self.inputs.width))
        self.inputs.write(batch, x)
        columns = np.split(x, self._ends, axis=1)
        fed = {n: c.astype(d) for (n, d), c in zip(self._takes, columns, strict=True)}
        (said,) = self._session.run(None, fed)
        paid: FloatArray = np.asarray(said, np.float64).reshape(-1)
        if len(paid) != batch.lanes:
            raise _not_a_row(said.shape, batch.lanes)
        return paid


def session(content: bytes, subject: str) -> Any:
    """An onnxruntime session of a file's bytes.

    Raises:
        ConfigError: No ONNX file, or one whose weights lie elsewhere.
    """
    runtime = extra("onnxruntime", needs="a model in ONNX", install="onnx")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry(ELSEWHERE, os.devnull)
    try:
        return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base but this
        shown = str(error).replace("\n", " ")[:200]
        raise ConfigError(
            f"from_onnx: {subject} must be an ONNX file with its weights inside, got {shown}. Export it "
            "again, as one file."
        ) from error


def content_of(path: Path) -> bytes:
    """The bytes of a file; weights that lie beside it are taken in.

    Raises:
        ConfigError: No such file, or no ONNX.
        MissingExtra: The weights lie beside it and onnx, which joins them, is not installed.
    """
    if not path.is_file():
        raise ConfigError(f"from_onnx: file must exist, got {path}. Export the model first.")
    content = path.read_bytes()
    if b"location" not in content:
        return content
    onnx = extra("onnx", needs="weights in a file of their own", install="onnx")
    try:
        joined: bytes = onnx.load(os.fspath(path)).SerializeToString()
    except Exception as error:  # protobuf's and onnx's own, which share no base
        raise ConfigError(
            f"from_onnx: {path} must be an ONNX file beside its weights, got {error}. Copy both."
        ) from error
    return joined


def described(runs: Any, reads: Inputs, inputs: Sequence[str]) -> dict[str, Any]:
    """What model.json says of the network.

    Raises:
        ConfigError: It takes or gives something else than rows of numbers.
    """
    takes, gives = runs.get_inputs(), runs.get_outputs()
    names = [each.name for each in takes]
    widths = [sum(p.width for p in reads.parts if p.column == name) for name in inputs]
    joined = len(takes) == 1
    if not joined and set(names) == set(inputs):
        takes = [takes[names.index(name)] for name in inputs]
    wanted = [sum(widths)] if joined else widths
    shown = ", ".join(f"{t.name} {t.type} {t.shape}" for t in takes)
    fits = len(takes) == len(wanted) and all(
        t.type in DTYPES
        and len(t.shape) == 2
        and (not isinstance(t.shape[1], int) or t.shape[1] == width)
        for t, width in zip(takes, wanted, strict=True)
    )
    if not fits:
        each = ", ".join(f"{n} ({w} numbers)" for n, w in zip(inputs, widths, strict=True))
        raise ConfigError(
            f"from_onnx: the model must take rows of {each}, or all side by side, got {shown}. Name the "
            "inputs in the model's order; digits are one-hot."
        )
    if any(isinstance(t.shape[0], int) for t in takes):
        raise ConfigError(
            f"from_onnx: the model must take any number of rows, got {shown}. Export it with dynamic_axes or "
            "dynamic_shapes for the first axis."
        )
    if len(gives) != 1 or gives[0].type not in DTYPES:
        shown = ", ".join(f"{each.name} {each.type}" for each in gives)
        raise ConfigError(
            f"from_onnx: the model must give one array of numbers, got {shown}. Export the reward alone."
        )
    return {
        "kind": KIND, "takes": [t.name for t in takes], "dtypes": [DTYPES[t.type] for t in takes],
        "joined": joined, "reads": list(inputs), "members": 1, "hidden": [],
    }  # fmt: skip


def _not_a_row(shape: Any, rows: int) -> ConfigError:
    return ConfigError(
        f"from_onnx: the model must pay one number a row, got shape {tuple(shape)} for {rows} rows. Let its "
        "last layer have one output."
    )
