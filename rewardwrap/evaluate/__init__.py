"""Know what a reward asks for: distances, regret, model metrics, audit, drift, certificates.

Names load on first use: some need torch, others only numpy.
"""

from importlib import import_module as _import_module
from typing import Any

_lazy: dict[str, str] = {}
"""Public name -> the module of this folder that defines it."""

__all__ = list(_lazy)


def __getattr__(name: str) -> Any:
    if name in _lazy:
        return getattr(_import_module(f"rewardwrap.evaluate.{_lazy[name]}"), name)
    raise AttributeError(f"module 'rewardwrap.evaluate' has no attribute {name!r}")
