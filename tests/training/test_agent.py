from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack, VecNormalize

import rewardwrap as rw
from rewardwrap.adapters.layers import layers
from rewardwrap.adapters.sb3 import RewardVecEnv
from rewardwrap.training.agent import Settings, build
from rewardwrap.training.choice import chosen_reward
from rewardwrap.training.refusal import refuse_unfit

ROW = {"n_timesteps": 100, "n_steps": 32, "batch_size": 32, "n_envs": 2}


def _settings(**changes: Any) -> Settings:
    given = {"env": "CartPole-v1", "algo": "ppo", "reward": {"env": {}}, "row": ROW, "seed": 0}
    return Settings(**{**given, **changes})


def test_the_stack_is_monitor_then_reward_then_normaliser() -> None:
    agent = build(_settings(row={**ROW, "normalize": True, "frame_stack": 2}))
    env = agent.model.get_env()
    assert env is not None
    assert [type(layer) for layer in layers(env)] == [
        VecNormalize, VecFrameStack, RewardVecEnv, DummyVecEnv,
    ]  # fmt: skip
    assert isinstance(env.unwrapped.envs[0], Monitor)
    assert agent.normalizer is env


def test_wrappers_of_the_settings_stand_outside_the_monitor_and_below_the_reward() -> None:
    wrapper = {"gymnasium.wrappers.TimeLimit": {"max_episode_steps": 7}}
    agent = build(_settings(row={**ROW, "env_wrapper": wrapper}, reward={"field": "pole_angle"}))
    lane = agent.adapter.unwrapped.envs[0]
    assert type(lane).__name__ == "TimeLimit"
    assert isinstance(lane.env, Monitor)
    refuse_unfit(agent.settings)


def test_fields_are_not_read_from_observations_that_a_wrapper_changed() -> None:
    flat = {"gymnasium.wrappers.FlattenObservation": {}}
    settings = _settings(row={**ROW, "env_wrapper": flat}, reward={"field": "pole_angle"})
    with pytest.raises(
        rw.UnknownName, match='No field of CartPole-v1 inside env_wrapper "pole_angle"'
    ):
        refuse_unfit(settings)
    refuse_unfit(_settings(row={**ROW, "env_wrapper": flat}))
    with pytest.raises(rw.ConfigError, match="CartPole-v1 must be made with"):
        refuse_unfit(_settings(row={**ROW, "env_wrapper": {"gymnasium.wrappers.TimeLimit": {}}}))


@pytest.mark.parametrize(("row", "gamma"), [({**ROW, "gamma": 0.9}, 0.9), (ROW, 0.99)])
def test_one_discount_reaches_learner_reward_and_normaliser(row: Any, gamma: float) -> None:
    agent = build(_settings(row={**row, "normalize": True}))
    assert agent.model.gamma == agent.adapter.task.gamma == gamma  # type: ignore[attr-defined]
    assert agent.normalizer is not None
    assert agent.normalizer.gamma == gamma


def test_two_discounts_are_refused_before_training() -> None:
    reward = rw.Potential("pole_angle", gamma=0.5).to_config()
    with pytest.raises(rw.GammaMismatch, match=r"got 0\.5, 0\.99"):
        refuse_unfit(_settings(reward=reward))


def test_an_algorithm_that_does_not_fit_is_refused_with_a_way_out() -> None:
    row = {"n_timesteps": 10}
    with pytest.raises(
        rw.ConfigError, match="sac must fit CartPole-v1 .* Choose another algorithm"
    ):
        refuse_unfit(_settings(algo="sac", row=row))
    with pytest.raises(rw.ConfigError, match="ppo must fit CartPole-v1"):
        refuse_unfit(_settings(row={**ROW, "batch_size": 0}))


def test_arguments_an_environment_does_not_have_are_refused() -> None:
    with pytest.raises(rw.ConfigError, match=r"CartPole-v1 must be made with .*'wind': 3"):
        refuse_unfit(_settings(env_kwargs={"wind": 3}))


def nan_after_a_while(obs: Any) -> Any:
    return obs[:, 0] / (obs[:, 0] - obs[:, 0]) * 0.0


@pytest.mark.filterwarnings("ignore:.*divide")
@pytest.mark.filterwarnings("ignore:.*invalid value")
def test_a_term_that_is_not_finite_is_refused_before_training() -> None:
    bad = rw.EnvReward() + rw.function(nan_after_a_while).named("bad")
    config: Any = {"sum": {"terms": [{"env": {}}, {"constant": float("inf")}]}}
    with pytest.raises(rw.ConfigError, match="must be a finite number"):
        refuse_unfit(_settings(reward=config))
    with pytest.raises(rw.RewardValueError, match='term "bad" must be finite'):
        rw.check(rw.make("CartPole-v1", bad), "ppo")


def test_rewards_can_be_chosen_by_word_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "time.yml"
    file.write_text("constant: -1.0\n")
    env = "FrozenLake-8x8"
    assert chosen_reward("env", env).tag == "env"
    assert chosen_reward("time.yml", env, folder=tmp_path).tag == "constant"
    assert chosen_reward(str(file), env).tag == "constant"
    assert chosen_reward("{constant: -1}", env).tag == "constant"
    assert chosen_reward("[env, {constant: -1}]", env).tag == "sum"
    shaped = chosen_reward("potential", env).to_config()["sum"]["terms"]
    assert list(shaped[1]["named"]["base"]["potential"]["phi"]) == ["row", "column"]
    for choice, sentence in (
        ("evn", 'No reward "evn". Did you mean "env"'),
        ("{constant: [", "a reward in one line:1: the text must be valid YAML"),
        ("none.yml", "reward file must exist"),
    ):
        with pytest.raises(rw.ConfigError, match=sentence):
            chosen_reward(choice, env)
    with pytest.raises(rw.ConfigError, match="must stand for the potential of the recipe"):
        chosen_reward("potential", "CartPole-v1")
