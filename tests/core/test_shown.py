"""A reward prints as what is paid with which weight."""

from __future__ import annotations

import gymnasium as gym
import pytest

import rewardwrap as rw

REWARD = (
    rw.EnvReward()
    + 0.5 * rw.Potential("pole_angle", gamma=0.99).named("upright")
    + (0.1 * rw.Constant(2.0)).clip(0, 1).named("bonus")
    - 2 * rw.Tanh(rw.EnvReward())
)


def test_a_reward_prints_as_its_table() -> None:
    assert str(REWARD).splitlines() == [
        "name     weight  what",
        "env           1  EnvReward()",
        "upright     0.5  Potential(phi='pole_angle', gamma=0.99)",
        "bonus       0.1  Constant(value=2.0), kept in [0, 1]",
        "tanh         -2  Tanh(base=EnvReward())",
    ]


def test_one_reward_is_a_table_of_one_row() -> None:
    assert str(rw.EnvReward() * 3).splitlines()[1].split() == ["env", "3", "EnvReward()"]
    assert str(rw.Constant(1.0) + 2).splitlines()[1].endswith("Constant(value=1.0) +2")


def test_a_notebook_sees_table_and_tree() -> None:
    page = REWARD._repr_html_()
    assert page.count("<tr>") == 5
    assert "Named(name=&#x27;upright&#x27;)\n    Affine(scale=0.5" in page


def test_a_function_is_shown_by_its_name() -> None:
    shown = rw.function(lambda obs: 0.0)
    assert (
        str(shown)
        .splitlines()[1]
        .endswith("Function(function=test_a_function_is_shown_by_its_name.<locals>.<lambda>)")
    )


def test_a_wrapped_environment_says_what_it_is() -> None:
    venv = rw.make("CartPole-v1", REWARD, n_envs=2)
    assert (
        repr(venv).splitlines()[0]
        == "RewardVecEnv on CartPole-v1, 2 lanes of DummyVecEnv, gamma 0.99"
    )
    assert repr(venv).endswith(str(REWARD))
    single = rw.wrap(gym.make("CartPole-v1"), "env")
    assert repr(single).startswith("RewardWrapper on CartPole-v1, 1 lane of TimeLimit\n")
    assert str(single).endswith("<CartPole-v1>>>>>>")
    assert "EnvReward()" in single._repr_html_()


def test_the_package_shows_its_lazy_names() -> None:
    assert {"train", "compare", "LogTerms", "PreferenceLoop", "save"} <= set(dir(rw))
    assert {"Audit", "certify"} <= set(dir(rw.evaluate))
    with pytest.raises(AttributeError, match="no attribute 'Potentail'. Did you mean Potential?"):
        _ = rw.Potentail  # type: ignore[attr-defined]
