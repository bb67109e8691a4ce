"""Hyperparameters: the shipped rows, RL Zoo's format, and what is refused."""

import pickle
import subprocess
import sys

import gymnasium
import pytest
import torch
from stable_baselines3.common.vec_env import DummyVecEnv

from rewardwrap_envs import recipe, recipes
from rewardwrap_policies import (
    ALGORITHMS,
    Linear,
    MissingPackage,
    PresetError,
    UnknownAlgorithm,
    UnknownPreset,
    algorithm,
    hyperparameters,
    override,
    rows,
    written_row,
)

ZOO = """\
default:
  n_timesteps: !!float 1e6
  policy: 'MlpPolicy'

atari:
  env_wrapper:
    - stable_baselines3.common.atari_wrappers.AtariWrapper
  frame_stack: 4
  policy: 'CnnPolicy'
  n_timesteps: !!float 1e7
  clip_range: lin_0.1

CarRacing-v3: &car
  env_wrapper:
    - rl_zoo3.wrappers.FrameSkip:
        skip: 2
  normalize: "{'norm_obs': False, 'norm_reward': True}"
  n_envs: 8
  n_timesteps: !!float 4e6
  policy: 'CnnPolicy'
  learning_rate: lin_1e-4
  policy_kwargs: "dict(log_std_init=-2,
                       activation_fn=nn.GELU,
                       net_arch=dict(pi=[256], vf=[256]),
                       )"

Swimmer-v4:
  <<: *car
  gamma: 0.9999
"""


@pytest.fixture
def zoo(tmp_path):
    path = tmp_path / "ppo.yml"
    path.write_text(ZOO)
    return path


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_every_shipped_row_makes_a_learner(algo):
    for name in rows(algo):
        settings = hyperparameters(algo, name)
        space = gymnasium.spaces.Box(-1.0, 1.0, (2,))
        assert settings.n_timesteps >= 20_000
        assert settings.source.endswith(rows(algo)[name].rsplit("/", 1)[1])
        assert set(settings.arguments(space)) >= set(settings.model)


def test_every_environment_has_settings_that_fit_its_observation():
    for name, known in recipes().items():
        settings = hyperparameters("ppo", name, env_id=known.id)
        pixels = "pixels" in known.tags
        assert settings.policy == ("CnnPolicy" if pixels else "MlpPolicy"), name
        assert settings.env_wrapper == ()


@pytest.mark.parametrize(
    ("algo", "env_name"),
    [("ppo", "FrozenLake-8x8"), ("dqn", "MountainCar-v0"), ("td3", "Pendulum-v1")],
)
def test_the_settings_fit_the_constructor_and_train(algo, env_name):
    settings = hyperparameters(algo, env_name)
    env = DummyVecEnv([recipe(env_name).build] * settings.n_envs)
    model = algorithm(algo)(
        settings.policy, env, device="cpu", seed=0, **settings.arguments(env.action_space)
    )
    model.learn(64)
    assert model.num_timesteps >= 64


def test_the_calibrated_rows_are_those_of_the_measurements():
    lake = hyperparameters("ppo", "FrozenLake-8x8")
    assert (lake.n_timesteps, lake.n_envs, lake.model["ent_coef"]) == (40_000, 8, 0.03)
    car = hyperparameters("dqn", "MountainCar-v0")
    assert car.model["policy_kwargs"] == {"net_arch": [64, 64]}
    assert (car.n_timesteps, car.model["exploration_final_eps"]) == (30_000, 0.05)
    assert hyperparameters("ppo", "ALE/Freeway-ram-v5", env_id="ALE/Freeway-v5").n_envs == 8


def test_a_row_is_found_by_name_then_id_then_atari_then_default(zoo):
    def line(name, env_id=None):
        return int(hyperparameters("ppo", name, [zoo], env_id=env_id).source.rsplit(":", 1)[1])

    assert line("CarRacing-v3") == 13
    assert line("CarRacing-wide", env_id="CarRacing-v3") == 13
    assert line("ALE/Tennis-v5") == line("TennisNoFrameskip-v4") == 5
    assert line("ALE/Tennis-ram-v5", env_id="ALE/Tennis-v5") == line("Nothing-v0") == 1


def test_the_files_of_rl_zoo_are_read_unchanged(zoo):
    car = hyperparameters("PPO", "CarRacing-v3", [zoo])
    assert (car.algo, car.policy, car.n_envs, car.n_timesteps) == ("ppo", "CnnPolicy", 8, 4_000_000)
    assert car.normalize == {"norm_obs": False, "norm_reward": True}
    assert [(layer.path, layer.arguments) for layer in car.env_wrapper] == [
        ("rl_zoo3.wrappers.FrameSkip", {"skip": 2})
    ]
    assert car.model == {
        "learning_rate": Linear(1e-4),
        "policy_kwargs": {
            "log_std_init": -2,
            "activation_fn": torch.nn.GELU,
            "net_arch": {"pi": [256], "vf": [256]},
        },
    }
    assert hyperparameters("ppo", "ALE/Pong-v5", [zoo]).frame_stack == 4
    assert hyperparameters("ppo", "Swimmer-v4", [zoo]).model["gamma"] == 0.9999


def test_a_folder_of_files_and_another_package_may_add_rows(tmp_path, monkeypatch):
    (tmp_path / "ppo.yml").write_text("Mine-v0: {n_timesteps: 7}\n")
    assert hyperparameters("ppo", "Mine-v0", [tmp_path]).n_timesteps == 7
    package = tmp_path / "other_presets"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "sac.yml").write_text("Mine-v0: {n_timesteps: 8}\n")
    metadata = tmp_path / "other-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[rewardwrap.presets]\nother = other_presets\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert hyperparameters("sac", "Mine-v0").n_timesteps == 8


def test_action_noise_takes_the_length_of_the_action():
    settings = hyperparameters("ddpg", "MountainCarContinuous-v0")
    noise = settings.arguments(gymnasium.spaces.Box(-1.0, 1.0, (3,)))["action_noise"]
    assert type(noise).__name__ == "OrnsteinUhlenbeckActionNoise"
    assert noise().shape == (3,)
    with pytest.raises(PresetError, match="must go with continuous actions"):
        settings.arguments(gymnasium.spaces.Discrete(2))


def test_settings_travel_to_worker_processes(zoo):
    car = hyperparameters("ppo", "CarRacing-v3", [zoo])
    assert pickle.loads(pickle.dumps(car)) == car


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("learning_ratee: 0.1", 'got "learning_ratee". Did you mean "learning_rate"?'),
        ("buffer_size: 10", 'must be an argument of ppo or a key of RL Zoo, got "buffer_size"'),
        ("learning_rate: 1e-3", "learning_rate must be a number or lin_<number>, got '1e-3'"),
        ("clip_range: lin_x", "got 'lin_x'"),
        ("n_envs: 0", "n_envs must be a whole number above 0, got 0"),
        ("policy: 3", "policy must be text, got 3"),
        ("policy_kwargs: 'dict(a=open(1))'", "made of numbers, text, lists, dict(...)"),
        ("policy_kwargs: 'dict(a=nn.functional)'", "got 'nn.functional'"),
        ("policy_kwargs: 'dict(a=os.system)'", "got 'os.system'"),
        ("policy_kwargs: 'dict(**x)'", "got 'dict(**x)'"),
        ("policy_kwargs: 'dict(a='", "must be Python"),
        ("normalize: 3", "must be keyword arguments, got 3"),
        ("env_wrapper: 3", "a wrapper must be a dotted path"),
        ("noise_type: pink", "noise_type must be one of normal"),
    ],
)
def test_a_wrong_row_is_refused_with_its_line(tmp_path, row, message):
    path = tmp_path / "mine.yml"
    path.write_text(f"A-v0:\n  n_timesteps: 10\n  {row}\n")
    with pytest.raises(PresetError) as raised:
        hyperparameters("ppo", "A-v0", [path])
    assert message in str(raised.value)
    assert str(raised.value).startswith(f"{path}:3:")


def test_a_row_without_length_and_a_missing_file_are_refused(tmp_path):
    path = tmp_path / "ppo.yml"
    path.write_text("A-v0: {gamma: 0.9}\n")
    with pytest.raises(PresetError, match='must have "n_timesteps"'):
        hyperparameters("ppo", "A-v0", [path])
    with pytest.raises(PresetError, match="must be a file, or a folder"):
        hyperparameters("ppo", "A-v0", [tmp_path / "nowhere.yml"])


def test_an_unknown_algorithm_is_refused_with_near_misses():
    with pytest.raises(UnknownAlgorithm, match=r'No algorithm "pppo"\. Did you mean "ppo"'):
        hyperparameters("pppo", "CartPole-v1")


def test_a_missing_package_is_answered_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sb3_contrib", None)
    with pytest.raises(MissingPackage, match=r'pip install "rewardwrap\[contrib\]"'):
        algorithm("tqc")
    assert algorithm("ppo").__name__ == "PPO"


def test_without_any_row_the_files_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr("rewardwrap_policies.presets._SHIPPED", tmp_path)
    (tmp_path / "ppo.yml").write_text("A-v0: {n_timesteps: 10}\n")
    with pytest.raises(UnknownPreset, match='no settings for "B-v0"'):
        hyperparameters("ppo", "B-v0")


def test_overrides_replace_add_and_take_away():
    base = hyperparameters("ppo", "CartPole-v1")
    changed = override(
        base,
        [
            *("learning_rate:0.001", "clip_range:lin_0.1", "n_timesteps:500", "gae_lambda:None"),
            *("policy_kwargs:dict(net_arch=[32], activation_fn=nn.Tanh)", "normalize:true"),
        ],
    )
    assert changed.model["learning_rate"] == 0.001
    assert changed.model["clip_range"] == Linear(0.1)
    assert changed.model["policy_kwargs"] == {"net_arch": [32], "activation_fn": torch.nn.Tanh}
    assert "gae_lambda" not in changed.model
    assert (changed.n_timesteps, changed.normalize, changed.n_envs) == (500, True, base.n_envs)
    assert changed.source == f"{base.source}, -params"
    assert override(changed, []).model == changed.model


@pytest.mark.parametrize(
    ("param", "message"),
    [
        ("gamma", "-params must be key:value, got 'gamma'"),
        ("gama:0.9", '-params gama: .* Did you mean "gamma"'),
        ("n_steps:", "-params must be key:value"),
        ("learning_rate:fast", "-params learning_rate: learning_rate must be a number"),
        ("policy_kwargs:__import__('os').getcwd()", "made of numbers"),
    ],
)
def test_a_wrong_override_is_refused(param, message):
    with pytest.raises(PresetError, match=message):
        override(hyperparameters("ppo", "CartPole-v1"), [param])


def test_a_linear_schedule_falls_to_zero_and_can_be_pickled():
    schedule = Linear(0.2)
    assert [schedule(left) for left in (1.0, 0.5, 0.0)] == [0.2, 0.1, 0.0]
    assert pickle.loads(pickle.dumps(schedule)) == schedule


def test_importing_loads_neither_torch_nor_the_learners():
    code = (
        "import sys, rewardwrap_policies as p; p.rows('ppo'); p.controller('CartPole-v1');"
        "bad = {'torch', 'stable_baselines3', 'sb3_contrib', 'rewardwrap'} & set(sys.modules);"
        "sys.exit(str(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_written_row_is_the_one_that_is_read():
    assert written_row("PPO", "ALE/Pong-v5") == hyperparameters("ppo", "ALE/Pong-v5").row
    with pytest.raises(UnknownAlgorithm):
        written_row("pppo", "CartPole-v1")
