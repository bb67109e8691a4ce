"""rewardwrap: say what the agent should want, in code you can read, and trust it.

Names load on first use; importing this package only registers the environments that come with it.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

import rewardwrap_envs as _envs  # noqa: F401

if TYPE_CHECKING:
    from rewardwrap import design, evaluate, statistics
    from rewardwrap.adapters.build import make, wrap
    from rewardwrap.adapters.check import check
    from rewardwrap.adapters.group_vector import make_grouped_vector
    from rewardwrap.adapters.groups import make_grouped
    from rewardwrap.adapters.gym_sb3 import GymVecEnv
    from rewardwrap.adapters.logging import LogTerms
    from rewardwrap.adapters.model_env import ModelEnv
    from rewardwrap.adapters.offline import relabel
    from rewardwrap.adapters.players import PlayersVecEnv
    from rewardwrap.adapters.reading import ReadText
    from rewardwrap.adapters.spread import SpreadReplayBuffer
    from rewardwrap.api.audit import audit
    from rewardwrap.api.certify import certify
    from rewardwrap.api.distance import distance
    from rewardwrap.api.fit import fit
    from rewardwrap.api.judge import judge
    from rewardwrap.api.regret import regret
    from rewardwrap.api.run import Run
    from rewardwrap.api.train import train
    from rewardwrap.api.train_judge import train_judge
    from rewardwrap.compare import Compare as _Compare
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
    from rewardwrap.core.reward import (
        Affine,
        Maximum,
        Minimum,
        Named,
        Pointwise,
        Product,
        Reward,
        Sum,
    )
    from rewardwrap.core.task import Task
    from rewardwrap.core.transitions import Transitions
    from rewardwrap.data.episodes import EpisodeStore
    from rewardwrap.data.fragments import Fragments, sample_fragments
    from rewardwrap.data.labels import Demonstrations, Labels
    from rewardwrap.data.preferences import Preferences
    from rewardwrap.data.recorder import Recorder
    from rewardwrap.data.vector_recorder import VectorRecorder
    from rewardwrap.design.redesigned import Redesigned
    from rewardwrap.design.reward_free import RewardFree
    from rewardwrap.families.front import compare_families
    from rewardwrap.loops.cooper import CooperLoop
    from rewardwrap.loops.demonstrations import DemonstrationLoop
    from rewardwrap.loops.events import EventLoop
    from rewardwrap.loops.nash import NashLoop
    from rewardwrap.loops.preferences import PreferenceLoop
    from rewardwrap.loops.rates import Rates
    from rewardwrap.loops.relabelling import RelabelDictReplayBuffer, RelabelReplayBuffer
    from rewardwrap.loops.self_designed import SelfDesigned
    from rewardwrap.loops.sqil import SQIL
    from rewardwrap.loops.trees import Trees
    from rewardwrap.rewards import *  # noqa: F403
    from rewardwrap.rewards import __all__ as _methods
    from rewardwrap.rewards.disk import load, read_reward, save
    from rewardwrap.sandbox.errors import SandboxError
    from rewardwrap.scores import (
        Adversary,
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
        StatedPrinciples,
        Transport,
        WinRate,
    )
    from rewardwrap.training.auxiliary import Auxiliary
    from rewardwrap.training.introspection import ForecastHead, Searcher
    from rewardwrap.training.trees import grow_tree

    compare: _Compare
    __all__ = [
        "Adversary",
        "Affine",
        "Agreement",
        "Auxiliary",
        "Calibrated",
        "Concise",
        "ConfigError",
        "CooperLoop",
        "DemonstrationLoop",
        "Demonstrations",
        "EpisodeStore",
        "EventLoop",
        "Exemplar",
        "ForecastHead",
        "Fragments",
        "GammaMismatch",
        "Grouped",
        "GymVecEnv",
        "PlayersVecEnv",
        "Hybrid",
        "Labels",
        "Ladder",
        "LogTerms",
        "Maximum",
        "Minimum",
        "MissingExtra",
        "ModelEnv",
        "Named",
        "NashLoop",
        "Pointwise",
        "PreferenceLoop",
        "Preferences",
        "Product",
        "Rates",
        "ReadText",
        "ReasoningPattern",
        "Recorder",
        "Redesigned",
        "ReferenceProbability",
        "RelabelDictReplayBuffer",
        "RelabelReplayBuffer",
        "Reward",
        "RewardFree",
        "RewardValueError",
        "RewardwrapError",
        "RewardwrapWarning",
        "Run",
        "SandboxError",
        "Searcher",
        "SelfDesigned",
        "SQIL",
        "SelfReward",
        "SetDistance",
        "SpreadReplayBuffer",
        "StackError",
        "StatedPrinciples",
        "Sum",
        "Task",
        "Transitions",
        "Transport",
        "Trees",
        "UnknownName",
        "VectorRecorder",
        "WinRate",
        "audit",
        "certify",
        "check",
        "compare",
        "compare_families",
        "design",
        "distance",
        "evaluate",
        "fit",
        "from_config",
        "grow_tree",
        "judge",
        "load",
        "make",
        "make_grouped",
        "make_grouped_vector",
        "read_reward",
        "register",
        "regret",
        "relabel",
        "sample_fragments",
        "save",
        "statistics",
        "train",
        "train_judge",
        "wrap",
        *_methods,
    ]

__version__ = "0.2.0"

_modules = {"compare", "design", "evaluate", "statistics"}
_homes = {
    "rewardwrap.adapters.build": (
        "make",
        "wrap",
    ),
    "rewardwrap.adapters.check": ("check",),
    "rewardwrap.adapters.group_vector": ("make_grouped_vector",),
    "rewardwrap.adapters.groups": ("make_grouped",),
    "rewardwrap.adapters.gym_sb3": ("GymVecEnv",),
    "rewardwrap.adapters.players": ("PlayersVecEnv",),
    "rewardwrap.adapters.logging": ("LogTerms",),
    "rewardwrap.adapters.model_env": ("ModelEnv",),
    "rewardwrap.adapters.offline": ("relabel",),
    "rewardwrap.adapters.reading": ("ReadText",),
    "rewardwrap.adapters.spread": ("SpreadReplayBuffer",),
    "rewardwrap.api.audit": ("audit",),
    "rewardwrap.api.certify": ("certify",),
    "rewardwrap.api.distance": ("distance",),
    "rewardwrap.api.fit": ("fit",),
    "rewardwrap.api.judge": ("judge",),
    "rewardwrap.api.regret": ("regret",),
    "rewardwrap.api.run": ("Run",),
    "rewardwrap.api.train": ("train",),
    "rewardwrap.api.train_judge": ("train_judge",),
    "rewardwrap.families.front": ("compare_families",),
    "rewardwrap.core.config": ("from_config",),
    "rewardwrap.core.errors": (
        "ConfigError",
        "GammaMismatch",
        "MissingExtra",
        "RewardValueError",
        "RewardwrapError",
        "RewardwrapWarning",
        "StackError",
        "UnknownName",
    ),
    "rewardwrap.core.registry": ("register",),
    "rewardwrap.core.reward": (
        "Affine",
        "Maximum",
        "Minimum",
        "Named",
        "Pointwise",
        "Product",
        "Reward",
        "Sum",
    ),
    "rewardwrap.core.task": ("Task",),
    "rewardwrap.core.transitions": ("Transitions",),
    "rewardwrap.data.episodes": ("EpisodeStore",),
    "rewardwrap.data.fragments": (
        "Fragments",
        "sample_fragments",
    ),
    "rewardwrap.data.labels": (
        "Demonstrations",
        "Labels",
    ),
    "rewardwrap.data.preferences": ("Preferences",),
    "rewardwrap.data.recorder": ("Recorder",),
    "rewardwrap.data.vector_recorder": ("VectorRecorder",),
    "rewardwrap.design.redesigned": ("Redesigned",),
    "rewardwrap.design.reward_free": ("RewardFree",),
    "rewardwrap.loops.cooper": ("CooperLoop",),
    "rewardwrap.loops.demonstrations": ("DemonstrationLoop",),
    "rewardwrap.loops.events": ("EventLoop",),
    "rewardwrap.loops.nash": ("NashLoop",),
    "rewardwrap.loops.preferences": ("PreferenceLoop",),
    "rewardwrap.loops.trees": ("Trees",),
    "rewardwrap.loops.rates": ("Rates",),
    "rewardwrap.loops.relabelling": (
        "RelabelDictReplayBuffer",
        "RelabelReplayBuffer",
    ),
    "rewardwrap.loops.self_designed": ("SelfDesigned",),
    "rewardwrap.loops.sqil": ("SQIL",),
    "rewardwrap.rewards.disk": (
        "load",
        "read_reward",
        "save",
    ),
    "rewardwrap.sandbox.errors": ("SandboxError",),
    "rewardwrap.scores": (
        "Adversary",
        "Agreement",
        "Auxiliary",
        "Calibrated",
        "Concise",
        "Exemplar",
        "Grouped",
        "Hybrid",
        "Ladder",
        "ReasoningPattern",
        "ReferenceProbability",
        "SelfReward",
        "SetDistance",
        "StatedPrinciples",
        "Transport",
        "WinRate",
    ),
    "rewardwrap.training.auxiliary": ("Auxiliary",),
    "rewardwrap.training.introspection": ("ForecastHead", "Searcher"),
    "rewardwrap.training.trees": ("grow_tree",),
}
_home = {name: module for module, names in _homes.items() for name in names}
_METHODS = "rewardwrap.rewards"


def _names() -> list[str]:
    return sorted({*_modules, *_home, *_import_module(_METHODS).__all__})


def __dir__() -> list[str]:
    return sorted({*globals(), *_names()})


if not TYPE_CHECKING:  # so that a type checker sees what there is, and nothing else

    def __getattr__(name: str) -> Any:
        if name in _modules:
            return _import_module(f"rewardwrap.{name}")
        if name == "__all__":
            found = _names()
        elif name in _home:
            found = getattr(_import_module(_home[name]), name)
        elif not name.startswith("_") and name in _import_module(_METHODS).__all__:
            found = getattr(_import_module(_METHODS), name)
        else:
            raise AttributeError(f"module 'rewardwrap' has no attribute {name!r}{_near(name)}")
        # the next time it is simply there
        globals()[name] = found
        return found


def _near(name: str) -> str:
    if name.startswith("_"):
        # what inspectors ask every module for
        return ""
    import difflib

    near = difflib.get_close_matches(name, _names(), n=2)
    return f". Did you mean {' or '.join(near)}?" if near else ""
