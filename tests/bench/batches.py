"""The layer alone, over environments that do nothing: many lanes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from gymnasium.wrappers.vector import ClipReward, TransformReward
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecNormalize

import rewardwrap as rw
import rewardwrap_envs
from rewardwrap.adapters import sb3
from rewardwrap.adapters.sb3 import RewardVecEnv
from rewardwrap.adapters.tasks import task_of_recipe
from tests.bench.nulls import (
    ACTIONS,
    NullEnv,
    NullVecEnv,
    NullVectorEnv,
    OneTermVecEnv,
    TermsInInfoEnv,
)
from tests.bench.table import Row, at_least, at_most
from tests.bench.tapes import play_vector, play_venv, tape
from tests.bench.timing import Times, measure
from tests.bench.worlds import shaped

STEPS = {8: 1000, 24: 600, 48: 500, 64: 400, 1024: 200}
"""Steps of a block by number of lanes."""
FIELDS = {
    "cart_position": 0.1,
    "cart_velocity": -0.2,
    "pole_angle": 0.3,
    "pole_angular_velocity": 0.4,
}
WEIGHTS = np.array([*FIELDS.values()], np.float32)


def potential(pairs: int) -> Iterator[Row]:
    """G2: PBRS on 8 and on 1024 lanes."""
    all_times = {}
    for lanes in (8, 1024):
        times = _on_venv(
            {
                "no-op wrapper": OneTermVecEnv(NullVecEnv(lanes), lambda r: r * 1.0),
                "phi one field": _by_field(lanes, {"pole_angle": 1.0}),
                "phi four fields": _by_field(lanes, FIELDS),
                "phi obs @ w": _by_field(lanes, lambda obs: obs @ WEIGHTS),
                "EnvReward() only": rw.wrap(NullVecEnv(lanes), rw.EnvReward()),
            },
            lanes,
            pairs,
        )
        all_times[lanes] = times
        for name in ("phi one field", "phi four fields", "phi obs @ w"):
            yield at_most(
                4.0 if lanes == 8 else None,
                "G2",
                f"PBRS, {name}, {lanes} lanes: added time / no-op wrapper",
                times.added(name, "no-op wrapper"),
                times,
                beside=times.above_bare() if name == "phi one field" else {},
                unit="ns",
            )
    both = Times(
        {
            f"{name} {lanes}": ns
            for lanes, times in all_times.items()
            for name, ns in times.ns.items()
        }
        | dict(all_times[1024].ns)
    )
    for name in ("phi one field", "phi four fields", "phi obs @ w"):
        grown = both.added(f"{name} 1024", f"{name} 8", name_base="bare 1024", base="bare 8")
        yield at_most(2.5, "G2", f"PBRS, {name}: added time at 1024 lanes / at 8", grown, both)


def chain(pairs: int) -> Iterator[Row]:
    """G5: six affine and clip terms on a batch, against nested wrappers."""
    links = (_plus, _times, _clip) * 2
    for lanes in (8, 1024):
        nested: VecEnv = NullVecEnv(lanes)
        nested_vector: Any = NullVectorEnv(lanes)
        reward: rw.Reward = rw.EnvReward()
        for link in links:
            nested, nested_vector = (
                OneTermVecEnv(nested, link),
                TransformReward(nested_vector, link),
            )
        for _ in range(2):
            reward = ((reward + 0.1) * 0.9).clip(-1.0, 1.0)
        hosts = {
            "SB3": _on_venv(
                {"nested": nested, "ours": rw.wrap(NullVecEnv(lanes), reward)}, lanes, pairs
            ),
            "gymnasium": _on_vector(
                {"nested": nested_vector, "ours": rw.wrap(NullVectorEnv(lanes), reward)},
                lanes,
                pairs,
            ),
        }
        for host, times in hosts.items():
            yield at_least(
                2.5 if lanes == 8 else None,
                "G5",
                f"chain of 6, {lanes} lanes, {host}: added time of nested wrappers / ours",
                times.added("nested", "ours"),
                times,
                beside=times.above_bare(),
                unit="ns",
            )


def clip(pairs: int) -> Iterator[Row]:
    """G6: one clip, against gymnasium's."""
    for lanes, bound in ((8, 8.0), (64, 60.0), (1024, 500.0)):
        few = pairs if lanes == 8 else (pairs + 1) // 2
        times = _on_vector(
            {
                "ClipReward": ClipReward(NullVectorEnv(lanes), -1.0, 1.0),
                "ours": rw.wrap(NullVectorEnv(lanes), rw.EnvReward().clip(-1.0, 1.0)),
                "numpy clip": TransformReward(NullVectorEnv(lanes), _clip),
            },
            lanes,
            few,
        )
        yield at_least(
            bound,
            "G6",
            f"clip, {lanes} lanes: added time of ClipReward / ours",
            times.added("ClipReward", "ours"),
            times,
            beside=times.above_bare(),
            unit="ns",
        )


def few(pairs: int) -> Iterator[Row]:
    """G8: a loop over the lanes against one numpy step, PBRS on four fields: where FEW stands."""
    for lanes, bound in ((8, 1.0), (24, 1.0), (48, None)):
        made = {}
        for name, most in (("numpy", 0), ("loop", lanes)):
            kept, sb3.FEW = sb3.FEW, most
            try:
                made[name] = _by_field(lanes, FIELDS)
            finally:
                sb3.FEW = kept
        times = _on_venv(made, lanes, pairs)
        yield at_most(
            bound,
            "G8",
            f"PBRS, four fields, {lanes} lanes: added time of a loop / one numpy step",
            times.added("loop", "numpy"),
            times,
            beside=times.above_bare(),
            unit="ns",
        )


def normaliser(pairs: int) -> Iterator[Row]:
    """G7, eight lanes."""
    normalised = VecNormalize(NullVecEnv(8), norm_obs=False)
    ours = rw.wrap(NullVecEnv(8), rw.EnvReward().normalize())
    times = _on_venv({"VecNormalize": normalised, "ours": ours}, 8, pairs)
    yield at_least(
        3.0,
        "G7",
        "normaliser, 8 lanes: added time of VecNormalize / ours",
        times.added("VecNormalize", "ours"),
        times,
        beside=times.above_bare(),
        unit="ns",
    )


def recording(pairs: int) -> Iterator[Row]:
    """G10: three terms in arrays, against a dict in every info."""
    terms = {"alive": 0.1, "height": 0.2, "effort": 0.3}
    reward: rw.Reward = rw.EnvReward()
    for name, value in terms.items():
        reward = reward + rw.Constant(value).named(name)
    venvs = {
        "dict in info": DummyVecEnv([TermsInInfoEnv] * 8),
        "ours": rw.wrap(DummyVecEnv([NullEnv] * 8), reward),
        "ours, EnvReward() only": rw.wrap(DummyVecEnv([NullEnv] * 8), rw.EnvReward()),
    }
    bare = {"bare": DummyVecEnv([NullEnv] * 8), "bare2": DummyVecEnv([NullEnv] * 8)}
    blocks = {n: play_venv(v, tape(ACTIONS, 100, 8)) for n, v in {**bare, **venvs}.items()}
    times = measure(blocks, steps=100, pairs=pairs)
    yield at_most(
        0.25,
        "G10",
        "recording 3 terms, 8 lanes: added to ours without terms / dict in each info",
        times.added("ours", "dict in info", name_base="ours, EnvReward() only"),
        times,
        beside=times.above_bare(),
        unit="ns",
    )
    what = "the whole layer with 3 terms, 8 lanes / dict in each info"
    yield at_most(None, "G10", what, times.added("ours", "dict in info"), times)


def _plus(rewards: Any) -> Any:
    return rewards + 0.1


def _times(rewards: Any) -> Any:
    return rewards * 0.9


def _clip(rewards: Any) -> Any:
    return np.clip(rewards, -1.0, 1.0)


def _by_field(lanes: int, phi: Any) -> RewardVecEnv:
    recipe = rewardwrap_envs.find("CartPole-v1")
    assert recipe is not None
    venv = NullVecEnv(lanes)
    task = task_of_recipe(recipe, gamma=0.99, space=venv.observation_space)
    return RewardVecEnv(venv, shaped(phi), task=task)


def _on_venv(venvs: dict[str, VecEnv], lanes: int, pairs: int) -> Times:
    # one pair is a look whether it runs at all
    steps = STEPS[lanes] if pairs > 1 else 20
    actions = tape(ACTIONS, steps, lanes)
    all_venvs = {"bare": NullVecEnv(lanes), "bare2": NullVecEnv(lanes), **venvs}
    blocks = {name: play_venv(venv, actions) for name, venv in all_venvs.items()}
    return measure(blocks, steps=steps, pairs=pairs)


def _on_vector(envs: dict[str, Any], lanes: int, pairs: int) -> Times:
    # one pair is a look whether it runs at all
    steps = STEPS[lanes] if pairs > 1 else 20
    actions = tape(ACTIONS, steps, lanes)
    all_envs = {"bare": NullVectorEnv(lanes), "bare2": NullVectorEnv(lanes), **envs}
    blocks = {name: play_vector(env, actions) for name, env in all_envs.items()}
    return measure(blocks, steps=steps, pairs=pairs)
