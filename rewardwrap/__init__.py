"""rewardwrap: say what the agent should want, in code you can read, and trust it.

Names that need torch or stable-baselines3 load on first use.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

from rewardwrap.adapters.build import make, wrap
from rewardwrap.adapters.offline import relabel
from rewardwrap.core.combine import Affine, Maximum, Minimum, Named, Product, Sum
from rewardwrap.core.config import from_config
from rewardwrap.core.errors import (
    ConfigError,
    GammaMismatch,
    MissingExtra,
    RewardValueError,
    RewardwrapError,
    RewardwrapWarning,
    StackError,
    UnknownName,
)
from rewardwrap.core.reward import Pointwise, Reward, register
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import Transitions
from rewardwrap.rewards import *  # noqa: F403
from rewardwrap.rewards import __all__ as _methods

if TYPE_CHECKING:
    from rewardwrap import evaluate
    from rewardwrap.adapters.check import check
    from rewardwrap.adapters.logging import LogTerms
    from rewardwrap.compare import statistics
    from rewardwrap.files import load, save

__version__ = "0.1.0"

_modules = {
    "evaluate": "rewardwrap.evaluate",
    "statistics": "rewardwrap.compare.statistics",
}
_lazy = {
    "LogTerms": "rewardwrap.adapters.logging",
    "check": "rewardwrap.adapters.check",
    "load": "rewardwrap.files",
    "save": "rewardwrap.files",
}

__all__ = [
    "Affine",
    "ConfigError",
    "GammaMismatch",
    "LogTerms",
    "Maximum",
    "Minimum",
    "MissingExtra",
    "Named",
    "Pointwise",
    "Product",
    "Reward",
    "RewardValueError",
    "RewardwrapError",
    "RewardwrapWarning",
    "StackError",
    "Sum",
    "Task",
    "Transitions",
    "UnknownName",
    "check",
    "evaluate",
    "from_config",
    "load",
    "make",
    "register",
    "relabel",
    "save",
    "statistics",
    "wrap",
    *_methods,
]


def __getattr__(name: str) -> Any:
    if name in _modules:
        return _import_module(_modules[name])
    if name in _lazy:
        return getattr(_import_module(_lazy[name]), name)
    raise AttributeError(f"module 'rewardwrap' has no attribute {name!r}")
