"""rewardwrap: say what the agent should want, in code you can read, and trust it.

Names that need torch or stable-baselines3 load on first use.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

from rewardwrap.adapters.build import make, wrap
from rewardwrap.adapters.offline import relabel
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
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Affine, Maximum, Minimum, Named, Pointwise, Product, Reward, Sum
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import Transitions
from rewardwrap.loops.rates import Rates
from rewardwrap.rewards import *  # noqa: F403
from rewardwrap.rewards import __all__ as _methods
from rewardwrap.sandbox.errors import SandboxError
from rewardwrap.scores import (
    Agreement,
    Calibrated,
    Concise,
    Exemplar,
    Grouped,
    Hybrid,
    Ladder,
    ReasoningPattern,
    ReferenceProbability,
    SelfReward,
    SetDistance,
)

if TYPE_CHECKING:
    from rewardwrap import design, evaluate, statistics
    from rewardwrap.adapters.check import check
    from rewardwrap.adapters.group_vector import make_grouped_vector
    from rewardwrap.adapters.groups import make_grouped
    from rewardwrap.adapters.logging import LogTerms
    from rewardwrap.adapters.model_env import ModelEnv
    from rewardwrap.api.audit import audit
    from rewardwrap.api.certify import certify
    from rewardwrap.api.distance import distance
    from rewardwrap.api.fit import fit
    from rewardwrap.api.regret import regret
    from rewardwrap.api.run import Run
    from rewardwrap.api.train import train
    from rewardwrap.compare import Compare as _Compare
    from rewardwrap.data.episodes import EpisodeStore
    from rewardwrap.data.fragments import Fragments, sample_fragments
    from rewardwrap.data.labels import Demonstrations, Labels
    from rewardwrap.data.preferences import Preferences
    from rewardwrap.data.recorder import Recorder
    from rewardwrap.data.vector_recorder import VectorRecorder
    from rewardwrap.design.reward_free import RewardFree
    from rewardwrap.loops.cooper import CooperLoop
    from rewardwrap.loops.demonstrations import DemonstrationLoop
    from rewardwrap.loops.events import EventLoop
    from rewardwrap.loops.preferences import PreferenceLoop
    from rewardwrap.loops.relabelling import RelabelDictReplayBuffer, RelabelReplayBuffer
    from rewardwrap.rewards.disk import load, read_reward, save

    compare: _Compare

__version__ = "0.2.0"

_modules = {
    "compare": "rewardwrap.compare",
    "design": "rewardwrap.design",
    "evaluate": "rewardwrap.evaluate",
    "statistics": "rewardwrap.statistics",
}
_lazy = {
    "CooperLoop": "rewardwrap.loops.cooper",
    "DemonstrationLoop": "rewardwrap.loops.demonstrations",
    "Demonstrations": "rewardwrap.data.labels",
    "EpisodeStore": "rewardwrap.data.episodes",
    "EventLoop": "rewardwrap.loops.events",
    "Fragments": "rewardwrap.data.fragments",
    "Labels": "rewardwrap.data.labels",
    "LogTerms": "rewardwrap.adapters.logging",
    "ModelEnv": "rewardwrap.adapters.model_env",
    "Run": "rewardwrap.api.run",
    "train": "rewardwrap.api.train",
    "PreferenceLoop": "rewardwrap.loops.preferences",
    "Preferences": "rewardwrap.data.preferences",
    "Recorder": "rewardwrap.data.recorder",
    "RelabelDictReplayBuffer": "rewardwrap.loops.relabelling",
    "RelabelReplayBuffer": "rewardwrap.loops.relabelling",
    "RewardFree": "rewardwrap.design.reward_free",
    "VectorRecorder": "rewardwrap.data.vector_recorder",
    "check": "rewardwrap.adapters.check",
    "regret": "rewardwrap.api.regret",
    "fit": "rewardwrap.api.fit",
    "distance": "rewardwrap.api.distance",
    "certify": "rewardwrap.api.certify",
    "audit": "rewardwrap.api.audit",
    "load": "rewardwrap.rewards.disk",
    "make_grouped": "rewardwrap.adapters.groups",
    "make_grouped_vector": "rewardwrap.adapters.group_vector",
    "read_reward": "rewardwrap.rewards.disk",
    "sample_fragments": "rewardwrap.data.fragments",
    "save": "rewardwrap.rewards.disk",
}

__all__ = [
    "ReferenceProbability",
    "ReasoningPattern",
    "Ladder",
    "Hybrid",
    "Calibrated",
    "Agreement",
    "Affine",
    "Concise",
    "ConfigError",
    "CooperLoop",
    "DemonstrationLoop",
    "Demonstrations",
    "EpisodeStore",
    "EventLoop",
    "Exemplar",
    "Fragments",
    "GammaMismatch",
    "Grouped",
    "Labels",
    "LogTerms",
    "ModelEnv",
    "Maximum",
    "Minimum",
    "MissingExtra",
    "Named",
    "Pointwise",
    "PreferenceLoop",
    "Preferences",
    "Product",
    "Rates",
    "Recorder",
    "RelabelDictReplayBuffer",
    "RelabelReplayBuffer",
    "Reward",
    "RewardFree",
    "RewardValueError",
    "RewardwrapError",
    "RewardwrapWarning",
    "Run",
    "SandboxError",
    "SelfReward",
    "SetDistance",
    "StackError",
    "Sum",
    "Task",
    "Transitions",
    "UnknownName",
    "VectorRecorder",
    "audit",
    "certify",
    "distance",
    "fit",
    "regret",
    "check",
    "compare",
    "design",
    "evaluate",
    "from_config",
    "load",
    "make",
    "make_grouped",
    "make_grouped_vector",
    "read_reward",
    "register",
    "relabel",
    "sample_fragments",
    "save",
    "statistics",
    "train",
    "wrap",
    *_methods,
]


if not TYPE_CHECKING:  # so that a type checker sees what there is, and nothing else

    def __getattr__(name: str) -> Any:
        if name in _modules:
            return _import_module(_modules[name])
        if name in _lazy:
            return getattr(_import_module(_lazy[name]), name)
        raise AttributeError(f"module 'rewardwrap' has no attribute {name!r}{_near(name)}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _near(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, __all__, n=2)
    return f". Did you mean {' or '.join(near)}?" if near else ""
