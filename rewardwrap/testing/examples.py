"""An example or two of every registered reward, as configurations that fit the toy environments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.config import from_config
from rewardwrap.core.info import Info
from rewardwrap.core.reward import Reward
from rewardwrap.core.task import Task

HERE = "rewardwrap.testing.examples"
INFO = ("position", "reward_progress", "place")
GAMMA = 0.9


class Place:
    """A named number in ``info``, as a recipe has them."""

    index = None
    key = None
    scale = 0.5
    offset = 1.0

    def __init__(self, info: str) -> None:
        self.info = info


TASK = Task(
    name="Chain",
    gamma=GAMMA,
    fields={"position": Place("position"), "progress": Place("reward_progress")},
    teams=(0,),
)
"""The task of the toy environments: fields that lie in ``info``, so that every layout has them."""


def brightness(obs: Any) -> Any:
    """The mean of everything observed, ``(B,)``; for any layout of observations."""
    return sum(
        np.reshape(leaf, (len(leaf), -1)).mean(axis=1, dtype=float) for leaf in tree.leaves(obs)
    )


def closeness(obs: Any, info: Info) -> Any:
    """Half the reported position, ``(B,)``."""
    return 0.5 * np.asarray(info["position"], np.float64)


def told(obs: Any) -> list[str]:
    """What an observation tells, ``(B,)`` sentences: nothing where it is dark."""
    return [f"it is {value:.0f}" if value > 0 else "" for value in brightness(obs)]


def effort(action: Any) -> Any:
    """Minus the squared action, ``(B,)``; for any layout of actions."""
    return -sum(
        np.square(np.reshape(leaf, (len(leaf), -1)), dtype=float).sum(axis=1)
        for leaf in tree.leaves(action)
    )


def advised(obs: Any, action: Any) -> Any:
    """How good an action looks, ``(B,)``."""
    return brightness(obs) + effort(action)


def outcome(
    obs: Any, next_obs: Any, reward: Any, terminated: Any, truncated: Any, info: Info
) -> Any:
    """Every column that a function may read, in one number: ``(B,)``."""
    moved = brightness(next_obs) - brightness(obs)
    return moved + 0.5 * reward + 2.0 * terminated + 4.0 * truncated + info["reward_progress"]


CODE = """
def reward(obs, action, next_obs, info):
    far = 0.5 * info["position"]
    gain = info["reward_progress"] ** 2
    return far + gain, {"far": far, "gain": gain}
"""
CLOCKED = """
def reward(obs, action, next_obs, info):
    return info["position"] - 0.01 * info["step"] - info["terminated"]
"""
ENV: dict[str, Any] = {"env": {}}
PHI: dict[str, Any] = {"potential": {"phi": f"{HERE}:brightness", "gamma": GAMMA}}
EFFORT: dict[str, Any] = {"function": f"{HERE}:effort"}

MODEL = str(Path(__file__).parent / "model")
DEMONSTRATED = str(Path(__file__).parent / "demonstrated")
STEPS = str(Path(__file__).parent / "steps")
HOPS = str(Path(__file__).parent / "hops")
PRINCIPLES = str(Path(__file__).parent / "principles")
TEXT = str(Path(__file__).parent / "text")
"""A model of the fields ``position`` and ``progress``, so that it fits every layout of observations."""

SMALL: dict[str, Any] = {"hidden": 8, "features": 4, "every": 8}

STARTS: dict[str, Any] = {
    "key": "position",
    "starts": [0.0, 0.5],
    "scores": [[0.0, 1.0], [2.0, 1.0]],
}
FAR: dict[str, Any] = {"affine": {"base": ENV, "low": 0.0, "high": 5.0}}
LOW: dict[str, Any] = {"tanh": {"base": ENV, "scale": 4.0}}
YES_NO: dict[str, Any] = {"affine": {"base": {"sign": ENV}, "low": 0.0, "high": 1.0}}
EVENT: dict[str, Any] = {"indicator": {"base": ENV, "relation": ">", "limit": 0.5}}

SHARE: dict[str, Any] = {"affine": {"base": PHI, "low": 0.0, "high": 1.0}}

EXAMPLES: dict[str, tuple[Any, ...]] = {
    "advice": ({"advice": {"phi": f"{HERE}:advised", "gamma": GAMMA}},),
    "counts": ({"counts": {}}, {"counts": {"key": f"{HERE}:brightness", "normalise": True}}),
    "decoded": ({"decoded": {"base": {"named": {"name": "work", "base": EFFORT}}}},),
    "code": ({"code": CODE}, {"code": CLOCKED}),
    "delay": ({"delay": {"base": ENV, "steps": 2}}, {"delay": {"base": PHI, "steps": 3}}),
    "delta": ({"delta": {"base": EFFORT}}, {"delta": {"base": PHI, "gamma": GAMMA}}),
    "disagreement": ({"disagreement": {"models": 2, "hidden": 8, "every": 8}},),
    "distance": ({"distance": {"of": FAR, "scale": 0.5, "density": 2.0}},),
    "dpba": ({"dpba": {"base": EFFORT, "gamma": GAMMA}},),
    "dropout": ({"dropout": {"base": ENV, "p": 0.5}},),
    "e3b": ({"e3b": SMALL},),
    "episode_sum": ({"episode_sum": ENV}, {"episode_sum": EFFORT}),
    "events": (
        {"events": {"key": f"{HERE}:told"}},
        {"events": {"key": f"{HERE}:told", "pays": "classifier", "count": 0}},
    ),
    "flip": (
        {"flip": {"base": YES_NO, "p": 0.25}},
        {"flip": {"base": YES_NO, "p": [0.1, 0.2], "scope": "step"}},
    ),
    "indicator": (
        {"indicator": {"base": ENV, "relation": "<=", "limit": 0.25}},
        {"indicator": {"base": PHI, "relation": ">", "limit": 0}},
    ),
    "rates": (
        {"rates": {"task": ENV, "at_most": {"high": {"of": EVENT, "limit": 0.2}}}},
        {
            "rates": {
                "task": EFFORT,
                "at_most": {"high": {"of": EVENT, "limit": 0.2}},
                "at_least": {"far": {"of": {"constant": 1}, "limit": 0.9}},
                "bootstrap": True,
            }
        },
    ),
    "redesigned": (
        {"redesigned": {"values": {0: [0.5, 1.0]}, "of": "position", "env": "FrozenLake-8x8"}},
    ),
    "self_designed": ({"self_designed": {}},),
    "table": (
        {"table": {"values": {0: [0.5, 1.0], 1: [-1.0, 0.0]}, "of": "position"}},
        {"table": {"values": {"1": [2, 3]}, "of": {"position": 2.0}}},
    ),
    "gate": (
        {"gate": {"progress": ENV, "factors": [{"sticky": {"violation": YES_NO, "steps": 2}}]}},
        {"gate": {"progress": PHI, "hard": [YES_NO], "hint": 0.5}},
    ),
    "gaussian": ({"gaussian": {"base": ENV, "sigma": 0.5}},),
    "grouped": ({"grouped": {"score": "return", "group": 2}},),
    "hop_progress": (
        {"hop_progress": {"path": HOPS, "gamma": GAMMA}},
        {"hop_progress": {"path": HOPS, "fuse": "gate", "terminal": "paper"}},
        {"hop_progress": {"path": HOPS, "raw": True}},
    ),
    "icm": ({"icm": SMALL},),
    "knowledge": (
        {"knowledge": {"phi": {"counts": {}}, "scale": 0.1}},
        {"knowledge": {"phi": "position", "gamma": GAMMA}},
    ),
    "krc": ({"krc": {"components": [LOW, {"tanh": PHI}]}},),
    "principles": (
        {"principles": PRINCIPLES},
        {"principles": {"path": PRINCIPLES, "weights": {"near": 2, "slow": -1}, "combine": "all"}},
    ),
    "learned": ({"learned": MODEL}, {"learned": {"path": MODEL, "rule": "sd", "k": 0.5}}),
    "log_sigmoid": ({"log_sigmoid": {"base": ENV, "reference": 0.5}},),
    "ngu": ({"ngu": {**SMALL, "memory": 3, "k": 2}},),
    "normalize": ({"normalize": {"base": ENV, "gamma": GAMMA}},),
    "par": (
        {"par": {"base": ENV, "references": [0.0, 1.0], "k": 0.5}},
        {"par": {"base": ENV, "references": STARTS, "k": 0.5}},
    ),
    "principle_process": (
        {"principle_process": {"principles": {"good": YES_NO, "high": EVENT}}},
        {
            "principle_process": {
                "principles": {"high": EVENT, "on": {"constant": 1}},
                "weights": {"on": 2},
            }
        },
    ),
    "progress": ({"progress": EFFORT}, {"progress": {"base": {"field": "position"}}}),
    "pwil": (
        {"pwil": DEMONSTRATED},
        {"pwil": {"path": DEMONSTRATED, "alpha": 1.0, "beta": 0.5, "horizon": 6}},
    ),
    "re3": ({"re3": {**SMALL, "capacity": 16}},),
    "refine": (
        {"refine": {"process": LOW, "eta": 0.1, "alpha": 0.5}},
        {"refine": {"process": EFFORT, "outcome": PHI, "eta": -0.5}},
    ),
    "rnd": ({"rnd": SMALL},),
    "renorm": (
        {"renorm": {"process": SHARE, "outcome": YES_NO}},
        {"renorm": {"process": YES_NO, "outcome": EVENT, "mu": 0.5, "per_step": False}},
    ),
    "route_completion": (
        {"route_completion": {"route": "position", "over_speed": "progress", "hard": [YES_NO]}},
        {"route_completion": {"route": EFFORT, "close": YES_NO, "lasting": 2, "off_lane": EVENT}},
    ),
    "safe": (
        {"safe": {"base": EFFORT, "gamma": GAMMA}},
        {"safe": {"base": ENV, "delay": 2, "on_truncation": "bootstrap"}},
    ),
    "schedule": (
        {"schedule": {"reward": {"named": {"name": "work", "base": EFFORT}}, "over": 4}},
        {"schedule": {"reward": PHI, "start": 0.0, "end": 2.0, "over": 10}},
    ),
    "sign": ({"sign": ENV},),
    "signed_distance": ({"signed_distance": {"of": FAR, "scale": 0.5, "dispersion": 2.0}},),
    "simhash": ({"simhash": {"bits": 4, "every": 8}},),
    "sparsify": (
        {"sparsify": {"base": ENV, "threshold": 0.5}},
        {"sparsify": {"base": ENV, "last": True}},
    ),
    "steps": (
        {"steps": {"path": STEPS, "gamma": GAMMA}},
        {"steps": {"path": STEPS, "raw": True, "record": True}},
        {"steps": {"path": STEPS, "on_truncation": "terminal"}},
    ),
    "sticky": ({"sticky": {"violation": YES_NO, "factor": 0.2, "steps": 2}},),
    "symlog": ({"symlog": ENV},),
    "tanh": (LOW,),
    "team_spirit": ({"team_spirit": {"base": ENV, "tau": 0.3}},),
    "start_reference": ({"start_reference": {"references": STARTS, "place": 1}},),
    "text_reward": ({"text_reward": {"model": TEXT, "describe": f"{HERE}:told"}},),
    "track": (
        {"track": {"of": "progress", "target": 0.5, "scale": 2.0, "norm": "bound"}},
        {"track": {"of": "action", "norm": "smooth_abs"}},
    ),
    "affine": (
        {"affine": {"base": PHI, "scale": -2.0, "shift": 0.5, "low": -0.5, "high": 1.0}},
        {"affine": {"base": ENV, "scale": 0.0}},
    ),
    "constant": ({"constant": -0.5},),
    "env": (ENV,),
    "field": ({"field": "progress"}, {"field": {"of": {"position": 0.5, "bias": -1.0}}}),
    "function": (EFFORT, {"function": f"{HERE}:outcome"}),
    "maximum": ({"maximum": {"terms": [ENV, PHI]}},),
    "minimum": ({"minimum": {"terms": [ENV, PHI, {"constant": 0.1}]}},),
    "named": ({"named": {"name": "height", "base": PHI}},),
    "native": ({"native": "progress"},),
    "potential": (
        PHI,
        {"potential": {"phi": f"{HERE}:closeness"}},
        {"potential": {"phi": "position", "gamma": GAMMA, "on_truncation": "terminal"}},
        {"potential": {"phi": {"position": 0.5, "progress": 0.1, "bias": 0.2}}},
        {"potential": {"phi": {"tanh": {"function": f"{HERE}:brightness"}}, "gamma": GAMMA}},
    ),
    "product": ({"product": {"factors": [ENV, EFFORT]}},),
    "sum": (
        {
            "sum": {
                "terms": [
                    ENV,
                    {"named": {"name": "height", "base": PHI}},
                    {"named": {"name": "effort", "base": EFFORT}},
                ]
            }
        },
        {"sum": {"terms": [PHI, PHI, {"constant": 1.0}]}},
    ),
}


def examples() -> dict[str, tuple[Reward, ...]]:
    """Fresh examples of every reward of this package, by tag; they need the task `TASK`."""
    return {tag: tuple(map(from_config, configs)) for tag, configs in EXAMPLES.items()}
