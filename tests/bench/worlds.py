"""The environments of the decisive rows, each with one potential said in every way."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import gymnasium as gym

import rewardwrap as rw
from tests.bench.handwritten import (
    GAMMA,
    BatchPhi,
    BrightPixel,
    HighTorso,
    HighTorsoTuned,
    Phi,
    ShapedEnv,
    UprightCartPole,
    UprightCartPoleTuned,
)


@dataclass(frozen=True)
class World:
    """One environment and one potential.

    Args:
        name: What the table shows.
        make: Builds it.
        phi: The potential as named fields; None where only a function says it.
        batch_phi: The potential as a function of a batch.
        row_phi: The same of one observation.
        natural: The hand-written wrapper as people write it.
        tuned: The same in Python floats, or None.
        steps: Steps of a block of one lane, 2 to 4 ms.
        single: Bound of ours over ``natural`` on one lane.
        lanes: Bound of ours over either hand-written wrapper on 8 lanes.
        situ: Bound of ours over bare on 8 lanes (G3).
        function: Bounds of ours with a function (H2): on one lane, and on 8 over the hand-written VecEnv.
    """

    name: str
    make: Callable[[], gym.Env[Any, Any]]
    phi: dict[str, float] | None
    batch_phi: BatchPhi
    row_phi: Phi
    natural: type[ShapedEnv]
    tuned: type[ShapedEnv] | None
    steps: int
    single: float | None
    lanes: float | None
    situ: float
    function: tuple[float, float] | None = None

    def reward(self) -> rw.Reward:
        """Ours, by field names where the environment has them."""
        return shaped(self.batch_phi if self.phi is None else self.phi)

    def by_function(self) -> rw.Reward:
        """Ours, with a function of the batch."""
        return shaped(self.batch_phi)

    def by_row(self) -> rw.Reward:
        """Ours, with a function of one observation."""
        return shaped(self.row_phi)

    def by_call(self) -> rw.Reward:
        """The same function, which is called at every step."""
        return shaped(partial(self.row_phi))


def shaped(phi: Any) -> rw.Reward:
    """The environment's reward and one recorded potential."""
    return rw.EnvReward() + rw.Potential(phi, gamma=GAMMA).named("shaping")


def _pong() -> gym.Env[Any, Any]:
    import ale_py

    gym.register_envs(ale_py)
    return gym.wrappers.AtariPreprocessing(gym.make("ALE/Pong-v5", frameskip=1))


def _half_cheetah() -> gym.Env[Any, Any]:
    # MuJoCo 4.0 prints a deprecation from C for every one that is made
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        return gym.make("HalfCheetah-v5")
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _upright(obs: Any) -> Any:
    return 2.0 + obs[:, 2] / 0.2095


def _torso(obs: Any) -> Any:
    return obs[:, 0]


def _bright(obs: Any) -> Any:
    return obs[:, 40, 42] / 255.0


def _upright_row(obs: Any) -> Any:
    return 2.0 + obs[2] / 0.2095


def _torso_row(obs: Any) -> Any:
    return obs[0]


def _bright_row(obs: Any) -> Any:
    return obs[40, 42] / 255.0


CART_POLE = World(
    "CartPole-v1",
    partial(gym.make, "CartPole-v1"),
    {"pole_angle": 1 / 0.2095, "bias": 2.0},
    _upright,
    _upright_row,
    UprightCartPole,
    UprightCartPoleTuned,
    steps=400,
    single=1.10,
    lanes=1.03,
    situ=1.10,
    function=(1.08, 1.03),
)
HALF_CHEETAH = World(
    "HalfCheetah-v5",
    _half_cheetah,
    {"torso_z": 1.0},
    _torso,
    _torso_row,
    HighTorso,
    HighTorsoTuned,
    steps=80,
    single=1.03,
    lanes=1.02,
    situ=1.03,
    function=(1.02, 1.01),
)
HOPPER = World(
    "Hopper-v5",
    partial(gym.make, "Hopper-v5"),
    {"torso_z": 1.0},
    _torso,
    _torso_row,
    HighTorso,
    HighTorsoTuned,
    steps=40,
    single=1.03,
    lanes=1.02,
    situ=1.02,
    function=(1.02, 1.01),
)
PONG = World(
    "ALE/Pong-v5 84x84",
    _pong,
    None,
    _bright,
    _bright_row,
    BrightPixel,
    None,
    steps=8,
    single=None,
    lanes=None,
    situ=1.02,
)
WORLDS = (CART_POLE, HALF_CHEETAH, HOPPER, PONG)
