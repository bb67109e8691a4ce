"""The folder that a model is written to."""

from __future__ import annotations

import os
from pathlib import Path

from rewardwrap.nets.paid import NetError
from rewardwrap.rewards.sealed import MODEL


def model_place(folder: str | os.PathLike[str]) -> Path:
    """A folder that is new, empty or a model's; made if missing.

    Raises:
        NetError: It holds something else.
    """
    target = Path(folder)
    ours = target.is_dir() and ((target / MODEL).exists() or not any(target.iterdir()))
    if target.exists() and not ours:
        raise NetError(f"model folder must be new or a model, got {target}. Choose another name.")
    target.mkdir(parents=True, exist_ok=True)
    return target
