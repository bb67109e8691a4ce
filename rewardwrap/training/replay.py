"""The replay buffer of an off-policy learner as arrays on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file
from stable_baselines3.common.buffers import DictReplayBuffer, ReplayBuffer
from stable_baselines3.her import HerReplayBuffer

COLUMNS = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


def can_write(model: Any) -> bool:
    """Whether the learner has a buffer that `write` can write; HER's also remembers its episodes."""
    buffer = getattr(model, "replay_buffer", None)
    return isinstance(buffer, ReplayBuffer) and not isinstance(buffer, HerReplayBuffer)


def write(model: Any, file: Path) -> bool:
    """Write what the buffer holds; False where the learner has none that can be written."""
    if not can_write(model):
        return False
    buffer = model.replay_buffer
    size = buffer.size()
    arrays = {
        name: np.ascontiguousarray(column[:size]) for name, column in _columns(buffer).items()
    }
    arrays["place"] = np.array([buffer.pos, int(buffer.full)])
    save_file(arrays, file)
    file.chmod(0o644)  # safetensors makes it private, unlike the files beside it
    return True


def read(model: Any, file: Path) -> None:
    """Fill the learner's buffer with what was written."""
    arrays, buffer = load_file(file), model.replay_buffer
    for name, column in _columns(buffer).items():
        column[: len(arrays[name])] = arrays[name]
    buffer.pos, buffer.full = int(arrays["place"][0]), bool(arrays["place"][1])


def _columns(buffer: ReplayBuffer) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in COLUMNS:
        column: Any = getattr(buffer, name, None)
        if isinstance(buffer, DictReplayBuffer) and isinstance(column, dict):
            found |= {f"{name}.{key}": part for key, part in column.items()}
        elif column is not None:
            found[name] = column
    return found
