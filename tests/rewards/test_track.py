"""Keep a named number at a target."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.rewards.track import NORMS


def paid(reward: rw.Reward, velocity: float, action: float = 0.0) -> float:
    log = {
        "obs": np.array([[1.0, 0.0, 0.0], [np.cos(0.2), 0.2, velocity]]),
        "action": np.array([[action]]),
        "reward": [0.0],
        "terminated": [False],
        "truncated": [False],
    }
    return float(rw.relabel(reward, log, env="Pendulum-v1")[0])


def test_a_specification_adds_up_to_the_cost_on_paper() -> None:
    lean = rw.Track("pole_sin").named("lean")
    speed = 0.1 * rw.Track("pole_angular_velocity").named("speed")
    effort = 0.001 * rw.Track("action").named("effort")
    assert paid(lean + speed + effort, 1.0, 2.0) == pytest.approx(-0.144)


@given(norm=st.sampled_from(sorted(NORMS)), target=st.floats(-5, 5), scale=st.floats(0.1, 10))
def test_the_target_pays_nothing_and_further_away_pays_less(
    norm: str, target: float, scale: float
) -> None:
    reward = rw.Track("pole_angular_velocity", target=target, scale=scale, norm=norm)
    at, near, far = (paid(reward, target + step * scale) for step in (0.0, 0.5, 1.0))
    assert at == pytest.approx(0.0, abs=1e-12)
    assert at > near > far
    assert near == pytest.approx(paid(reward, target - 0.5 * scale))


def test_a_bound_norm_never_pays_less_than_minus_one() -> None:
    assert paid(rw.Track("pole_angular_velocity", norm="bound"), 1e6) == pytest.approx(-1.0)


def test_an_unknown_field_is_refused_when_wrapped() -> None:
    with pytest.raises(UnknownName, match="pole_height"):
        rw.wrap(gym.make("Pendulum-v1"), rw.Track("pole_height"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scale": 0.0}, "scale must be above 0"),
        ({"target": float("nan")}, "target must be a finite number"),
        ({"norm": "cube"}, 'No norm "cube"'),
    ],
)
def test_bad_values_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        rw.Track("pole_sin", **options)  # type: ignore[arg-type]
