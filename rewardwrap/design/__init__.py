"""Rewards that are computed from a task's dynamics.

Names load on first use: they need scipy.
"""

from importlib import import_module as _import_module
from typing import Any

_lazy: dict[str, str] = {
    "Adaptive": ".adaptive",
    "Plan": ".reward_free",
    "RewardFree": ".reward_free",
    "RewardRead": ".reward_free",
    "Design": ".exprd",
    "DesignError": ".program",
    "design": ".exprd",
    "explicable": ".exprd",
}
"""Public name -> the module that defines it."""

__all__ = list(_lazy)


def __getattr__(name: str) -> Any:
    if name in _lazy:
        return getattr(_import_module(_lazy[name], __name__), name)
    raise AttributeError(f"module 'rewardwrap.design' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
