"""The public names are a promise: adding one is a decision, losing one is a break."""

from __future__ import annotations

import inspect

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
    "Affine",
    "Bonus",
    "CodeReward",
    "Concise",
    "ConfigError",
    "Constant",
    "Counts",
    "Decoded",
    "Delay",
    "Delta",
    "DemonstrationLoop",
    "Demonstrations",
    "Disagreement",
    "Dropout",
    "E3B",
    "EnvReward",
    "EpisodeStore",
    "EpisodeSum",
    "Exemplar",
    "Field",
    "Filter",
    "Flip",
    "Fragments",
    "Function",
    "GammaMismatch",
    "Gate",
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
    "MissingExtra",
    "NGU",
    "Named",
    "Native",
    "Normalize",
    "PAR",
    "Pointwise",
    "Potential",
    "PreferenceLoop",
    "Preferences",
    "Principles",
    "Product",
    "Progress",
    "RE3",
    "RND",
    "Rates",
    "ReNorm",
    "Recorder",
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
    "SelfReward",
    "SetDistance",
    "Sign",
    "SimHash",
    "Sparsify",
    "StackError",
    "Sticky",
    "Sum",
    "Symlog",
    "Table",
    "Tanh",
    "Task",
    "Track",
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
    "function",
    "load",
    "make",
    "make_grouped",
    "refine",
    "read_reward",
    "register",
    "relabel",
    "sample_fragments",
    "save",
    "statistics",
    "train",
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
