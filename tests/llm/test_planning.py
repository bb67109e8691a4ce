"""A reward, played at once."""

from __future__ import annotations

import numpy as np
import pytest

import rewardwrap as rw
import rewardwrap_envs
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.llm.parameters import Term, reward_of
from rewardwrap.llm.planning import play


def speed(target: float) -> float:
    table = {"run": Term("x_velocity", target=target, norm="smooth_abs")}
    played = play(
        rewardwrap_envs.recipe("HalfCheetah-v5"),
        reward_of(table),
        steps=60,
        seed=0,
        horizon=12,
        samples=24,
    )
    return float(np.mean(played.fields["x_velocity"][-20:]))


def test_a_changed_target_changes_what_the_body_does_at_once() -> None:
    forwards, backwards = speed(2.0), speed(-2.0)
    assert forwards > 0.8
    assert backwards < -0.8


def test_a_reward_that_remembers_cannot_be_planned_with() -> None:
    recipe = rewardwrap_envs.recipe("Pendulum-v1")
    with pytest.raises(ConfigError, match="depend on one step alone"):
        play(recipe, rw.Field("pole_cos").delta(), steps=2, seed=0)
    with pytest.raises(UnknownName):
        play(recipe, rw.Track("pole_height"), steps=2, seed=0)
