"""The public names are a promise: adding one is a decision, losing one is a break."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys

import pytest

import rewardwrap as rw

NAMES = [
    "ReferenceProbability",
    "ReasoningPattern",
    "Ladder",
    "Hybrid",
    "Calibrated",
    "Agreement",
    "Advice",
    "Auxiliary",
    "Affine",
    "Bonus",
    "CodeReward",
    "Concise",
    "ConfigError",
    "Constant",
    "CooperLoop",
    "Counts",
    "DPBA",
    "Decoded",
    "Delay",
    "Delta",
    "DemonstrationLoop",
    "Demonstrations",
    "Disagreement",
    "Distance",
    "Dropout",
    "E3B",
    "EnvReward",
    "EpisodeStore",
    "EpisodeSum",
    "EventLoop",
    "Events",
    "Exemplar",
    "Field",
    "Filter",
    "Flip",
    "Fragments",
    "Function",
    "GammaMismatch",
    "Gate",
    "GymVecEnv",
    "Gaussian",
    "Grouped",
    "ICM",
    "Indicator",
    "KRC",
    "Knowledge",
    "Labels",
    "Learned",
    "LogSigmoid",
    "LogTerms",
    "Maximum",
    "Minimum",
    "ModelEnv",
    "MissingExtra",
    "ForecastHead",
    "Searcher",
    "NGU",
    "Named",
    "NashLoop",
    "Native",
    "Normalize",
    "PAR",
    "PWIL",
    "PlayersVecEnv",
    "SQIL",
    "Steps",
    "Adversary",
    "HopProgress",
    "Transport",
    "Trees",
    "Pointwise",
    "Potential",
    "PreferenceLoop",
    "Preferences",
    "PrincipleProcess",
    "Principles",
    "Product",
    "Progress",
    "RE3",
    "RND",
    "Rates",
    "ReadText",
    "ReNorm",
    "Recorder",
    "Redesigned",
    "References",
    "Refine",
    "RelabelDictReplayBuffer",
    "RelabelReplayBuffer",
    "Reward",
    "RewardFree",
    "RewardValueError",
    "RewardwrapError",
    "RewardwrapWarning",
    "RouteCompletion",
    "Run",
    "Safe",
    "SandboxError",
    "Schedule",
    "SelfDesigned",
    "SelfReward",
    "SetDistance",
    "Sign",
    "SignedDistance",
    "SimHash",
    "Sparsify",
    "SpreadReplayBuffer",
    "StackError",
    "StatedPrinciples",
    "Sticky",
    "Sum",
    "Symlog",
    "Table",
    "Tanh",
    "Task",
    "TextReward",
    "TeamSpirit",
    "Track",
    "Transitions",
    "UnknownName",
    "VectorRecorder",
    "WinRate",
    "audit",
    "certify",
    "distance",
    "fit",
    "judge",
    "regret",
    "check",
    "compare",
    "compare_families",
    "design",
    "evaluate",
    "from_config",
    "grow_tree",
    "function",
    "load",
    "make",
    "make_grouped",
    "make_grouped_vector",
    "refine",
    "read_reward",
    "register",
    "relabel",
    "sample_fragments",
    "save",
    "statistics",
    "train",
    "train_judge",
    "wrap",
]


def test_the_public_names_are_these() -> None:
    assert sorted(set(rw.__all__)) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_says_what_it_is(name: str) -> None:
    thing = getattr(rw, name)
    assert inspect.getdoc(thing), name
    assert not (inspect.getdoc(thing) or "").startswith(f"{name}(")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'potentail'"):
        _ = rw.potentail  # type: ignore[attr-defined]


def test_importing_the_package_loads_none_of_its_modules_and_registers_its_environments() -> None:
    code = (
        "import sys, gymnasium, rewardwrap; gymnasium.spec('rewardwrap/StepChain-v0'); "
        "print(*(name for name in sys.modules if name.startswith('rewardwrap')))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["rewardwrap_envs", "rewardwrap"]


def test_a_type_checker_is_told_of_every_name_that_loads_on_first_use() -> None:
    source = ast.parse(inspect.getsource(rw))
    told = next(node for node in source.body if isinstance(node, ast.If))
    names = {
        (alias.name, node.module)
        for node in told.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(rw._home.items()) <= names
