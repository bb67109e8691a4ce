"""What the model is told."""

from __future__ import annotations

import pytest

from rewardwrap.core.errors import ConfigError
from rewardwrap.llm.client import Request
from rewardwrap.llm.prompt import (
    VERSION,
    Scene,
    abstraction,
    first_request,
    next_request,
    scene_of,
)

ASK = Request(({"role": "user", "content": "-"},), seed=7, label="round-1-sample-8")


def test_the_environment_is_a_class_with_names_units_and_ranges(acrobot: Scene) -> None:
    text = abstraction(acrobot)
    assert "class AcrobotV1:" in text
    assert "link_1_angular_velocity: float  # [rad/s, -12.5664 to 12.5664]" in text
    assert "one of 3 choices" in text


def test_the_environments_own_reward_is_never_shown(hopper: Scene) -> None:
    assert {"reward_forward", "reward_ctrl", "reward_survive"} == set(hopper.forbidden)
    asked = first_request(hopper, "hop", ask=ASK)
    assert "reward_forward" not in str(asked.messages)
    assert "torso_z: float  # [m]" in str(asked.messages)


def test_the_first_request_holds_task_rules_and_limit(acrobot: Scene) -> None:
    asked = first_request(acrobot, "swing up", ask=ASK)
    system, user = (message["content"] for message in asked.messages)
    assert "def reward(obs, action, next_obs, info):" in system
    assert "swing up" in user
    assert "cut after 500 steps" in user
    assert (asked.seed, asked.label, asked.version) == (7, "round-1-sample-8", VERSION)


def test_a_later_request_shows_the_best_code_and_what_failed(acrobot: Scene) -> None:
    first = first_request(acrobot, "swing up", ask=ASK)
    asked = next_request(
        first,
        ask=ASK,
        code="def reward(): ...\n",
        report="true score: [1, 2]",
        failures=["r1s2 (gate): no lambda"],
        words="it spins",
    )
    assert asked.messages[:2] == first.messages
    said = asked.messages[2]["content"]
    for part in ("def reward(): ...", "true score: [1, 2]", "r1s2 (gate): no lambda", "it spins"):
        assert part in said


def test_an_environment_without_names_is_refused() -> None:
    with pytest.raises(ConfigError, match="must have named fields, got Nobody-v0"):
        scene_of("Nobody-v0", None)
