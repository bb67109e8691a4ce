"""Scenes of real environments."""

from __future__ import annotations

import pytest

import rewardwrap_envs
from rewardwrap.llm.prompt import Scene, scene_of


def scene(env: str) -> Scene:
    return scene_of(env, rewardwrap_envs.find(env, []))


@pytest.fixture(scope="session")
def acrobot() -> Scene:
    return scene("Acrobot-v1")


@pytest.fixture(scope="session")
def hopper() -> Scene:
    return scene("Hopper-v5")


@pytest.fixture(scope="session")
def pendulum() -> Scene:
    return scene("Pendulum-v1")
