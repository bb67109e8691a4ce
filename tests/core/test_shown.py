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


TILT = {"pole_angle": 1.0, "bias": 1.0}


@pytest.mark.parametrize("lanes", [1, 2, 30])
def test_what_was_played_shows_which_sums_its_episodes_had(lanes: int) -> None:
    reward = rw.EnvReward() + 0.5 * rw.Potential(TILT, gamma=0.99).named("upright")
    made: gym.Env | rw.RewardVecEnv
    if lanes == 1:
        made = rw.wrap(gym.make("CartPole-v1"), reward)
    else:
        made = rw.make("CartPole-v1", reward, n_envs=lanes)
    assert made.term_ranges == {}
    found = list(_sums(made, lanes, steps=60))
    ranges = made.term_ranges
    for name, (low, high) in ranges.items():
        assert low == pytest.approx(min(sums[name] for sums in found))
        assert high == pytest.approx(max(sums[name] for sums in found))
    assert tuple(ranges) == ("env", "upright", "shaped")
    heading, env, upright = repr(made).splitlines()[-3:]
    assert heading.endswith(" of an episode  what")
    assert f"{ranges['env'][0]:.4g}" in env
    assert "Potential" in upright
    made.set_reward(rw.EnvReward() + rw.Potential(TILT, gamma=0.99).named("upright"))
    assert made.term_ranges == {}


def _sums(made, lanes, steps):
    """The sums of the episodes that ended, as the infos told them."""
    if lanes == 1:
        made.reset(seed=0)
        for step in range(steps):
            *_, over, cut, info = made.step(step % 2)
            if over or cut:
                yield info["episode_terms"]
                made.reset()
        return
    made.seed(0)
    made.reset()
    for step in range(steps):
        infos = made.step([step % 2] * lanes)[3]
        yield from (info["episode_terms"] for info in infos if "episode_terms" in info)
