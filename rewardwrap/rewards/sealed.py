"""The folder of a reward model, verified before anything in it is believed. Never pickle.

| file of a model | content |
|---|---|
| ``weights.safetensors`` | arrays |
| ``metrics.json`` | how good it is, and on which episodes |
| ``model.json`` | inputs, sizes, the SHA-256 of the other two files and of itself |
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from rewardwrap.core.errors import ConfigError
from rewardwrap.limits import parsed

FORMAT = 1
MODEL, WEIGHTS, METRICS = "model.json", "weights.safetensors", "metrics.json"


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def seal(document: Mapping[str, Any]) -> str:
    """SHA-256 of a model.json without its own seal."""
    rest = {key: value for key, value in document.items() if key != "sha256"}
    return digest(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode())


def read_model(folder: Path) -> tuple[dict[str, Any], bytes]:
    """``model.json`` and the bytes of the weights, verified. Nothing in the folder is executed.

    Raises:
        ConfigError: No model, another format, a file cut short or changed.
    """
    if not (folder / MODEL).is_file():
        raise ConfigError(
            f"model folder must hold {MODEL}, got {folder}. Fit one with "
            "rewardwrap fit regression DIR --out MODEL."
        )
    document = check_document((folder / MODEL).read_bytes(), str(folder / MODEL))
    contents = {}
    for name, want in document["files"].items():
        path = folder / name
        contents[name] = path.read_bytes() if Path(name).name == name and path.is_file() else b""
        if digest(contents[name]) != want:
            raise ConfigError(
                f"{path} must have the SHA-256 {want[:12]}..., got {digest(contents[name])[:12]}.... "
                "It was cut short or changed since; copy the model folder again."
            )
    return document, contents[WEIGHTS]


def check_document(content: bytes, subject: str) -> dict[str, Any]:
    """A model.json, parsed and verified.

    Raises:
        ConfigError: No JSON, another format, or changed by hand.
    """
    try:
        document = parsed(content)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{subject} must be JSON, got {error}. It was cut short; copy the model folder again."
        ) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = document.get("format") if isinstance(document, dict) else type(document).__name__
        raise ConfigError(f"{subject} must have format {FORMAT}, got {found}. Fit the model again.")
    files = document.get("files")
    if (
        document.get("sha256") != seal(document)
        or not isinstance(files, dict)
        or WEIGHTS not in files
    ):
        raise ConfigError(
            f"{subject} must carry its own SHA-256, got {str(document.get('sha256'))[:12]}. "
            "It was changed after fitting; copy the model folder again."
        )
    return document


def arrays_of(weights: bytes, subject: str) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file; reading it runs no code.

    Raises:
        ConfigError: It is no whole safetensors file.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(weights))
    except SafetensorError as error:
        raise ConfigError(
            f"{subject} must be a whole safetensors file, got {error}. Copy the model folder again."
        ) from error
