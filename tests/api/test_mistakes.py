"""Mistakes at the front door are one sentence each."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

import rewardwrap as rw
from rewardwrap import cli
from tests.processes import ended

CARTPOLE = "CartPole-v1"


def learn_with_a_class() -> None:
    model = PPO("MlpPolicy", rw.make(CARTPOLE), n_steps=16, batch_size=16)
    model.learn(16, callback=rw.LogTerms)  # type: ignore[arg-type]


class Pair(rw.Reward):
    def __call__(self, batch: Any) -> Any:
        return batch.reward, {}


class Unwritten(rw.Reward):
    pass


def paid(reward: rw.Reward) -> None:
    venv = rw.make(CARTPOLE, reward)
    venv.reset()
    venv.step(np.zeros(1, int))


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        (lambda: rw.make(CARTPOLE, gamma="x"), r"gamma must lie in \[0, 1\], got 'x'"),
        (
            lambda: rw.wrap(gym.make(CARTPOLE), "env", gamma=1.5),
            r"gamma must lie in \[0, 1\], got 1.5",
        ),
        (lambda: rw.Potential("pole_angle", gamma="x"), r"gamma must lie in \[0, 1\], got 'x'"),
        (lambda: rw.make(CARTPOLE, n_envs="3"), "n_envs must be at least 1, got '3'"),
        (lambda: rw.make(CARTPOLE, seed="x"), "seed must be a whole number or None, got 'x'"),
        (lambda: rw.make(gym.make(CARTPOLE), n_envs=2), "must be one lane, got n_envs=2"),
        (lambda: rw.make(lambda: 3), "returns a gymnasium Env, got int from <lambda>"),
        (lambda: rw.make(3), "env must be the id of an environment"),
        (lambda: rw.make(CARTPOLE, rw.EnvReward), "got the class EnvReward"),
        (
            lambda: rw.from_config({"env": {}, "weight": "half"}),
            "weight must be a number, got 'half'",
        ),
        (learn_with_a_class, "got the class LogTerms. Write callback=rw.LogTerms()"),
        (lambda: rw.make(rw.EnvReward(), CARTPOLE), "got EnvReward as env. Swap them"),
        (lambda: rw.audit(rw.EnvReward(), CARTPOLE), "got EnvReward as env. Swap them"),
        (
            lambda: rw.Potential("pole_angle", gama=0.9),
            r"'gama'. Did you mean gamma\? It takes phi",
        ),
        (lambda: rw.Potential(), "missing a required argument: 'phi'. It takes phi"),
        (lambda: rw.save(3, "x.yml"), "got int. Functions enter by rw.function"),
        (lambda: rw.fit("regression", [1, 2]), "data must be episodes or their folder, got list"),
        (lambda: rw.audit(CARTPOLE, "env", episodes=0), "episodes must be a whole number from 1"),
        (lambda: rw.train(CARTPOLE, hyperparameters=3), "hyperparameters must be a mapping, got 3"),
        (lambda: rw.train(CARTPOLE, callbacks=[rw.LogTerms]), "got the class LogTerms. Write"),
        (
            lambda: rw.train(CARTPOLE, steps=9, eval_freq=0),
            "eval_freq must be a whole number from 1",
        ),
        (lambda: rw.train(CARTPOLE, noise="a"), "noise must be a number from 0, got 'a'"),
        (lambda: rw.train(CARTPOLE, device="gpu"), 'torch knows, got "gpu". Write auto, cpu'),
        (lambda: rw.make("Nowhere-v0"), "one of your own is module:Id"),
        (lambda: paid(Pair()), "got tuple. Return the numbers alone"),
        (lambda: paid(Unwritten()), "got neither __call__ nor step"),
        (
            lambda: rw.save(rw.EnvReward().normalize(), "x.yml"),
            "x.yml must be a folder for a reward",
        ),
    ],
)
def test_a_mistake_is_a_sentence(mistake: Any, sentence: str) -> None:
    with pytest.raises(rw.RewardwrapError, match=sentence):
        mistake()


def test_a_constructor_still_shows_what_it_takes() -> None:
    assert list(inspect.signature(rw.Potential).parameters)[:2] == ["phi", "gamma"]
    assert list(inspect.signature(rw.Constant).parameters) == ["value"]


def test_an_output_that_is_a_file_is_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "taken"
    file.touch()
    for ask in (rw.train, lambda *a, **k: rw.compare(a[0], {"env": "env"}, **k)):
        with pytest.raises(rw.RewardwrapError, match="taken must be a folder that can be written"):
            ask(CARTPOLE, steps=8, out=file)


def test_a_folder_that_is_no_run_is_not_told_to_train_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["eval", str(tmp_path)]) == 2
    assert "must be the folder of a training" in capsys.readouterr().err
    assert cli.main(["--verion"]) == 2
    assert "the command must come first, got --verion" in capsys.readouterr().err


def test_a_field_without_a_recipe_says_how_to_go_on() -> None:
    gym.register("given/Plain-v0", entry_point=lambda: gym.make(CARTPOLE).unwrapped)
    with pytest.raises(
        rw.UnknownName,
        match=r"No recipe says what this observation holds.*rw.function\(lambda obs: obs\[2\]\)",
    ):
        rw.make("given/Plain-v0", rw.Field("angle"))


def test_an_environment_may_be_given_made_as_class_or_as_function() -> None:
    from gymnasium.envs.classic_control import CartPoleEnv

    for env in (gym.make(CARTPOLE), CartPoleEnv, lambda: gym.make(CARTPOLE)):
        venv = rw.make(env, lambda obs: 1.0 - abs(obs[2]), seed=0)
        venv.reset()
        _, paid, _, _ = venv.step(np.array([0]))
        assert 0.9 < paid[0] < 1.0
    assert rw.make(CartPoleEnv, n_envs=3).num_envs == 3


def test_rewards_are_written_for_people_and_read_back(tmp_path: Path) -> None:
    reward = rw.EnvReward() + 0.5 * rw.Potential("pole_angle").named("upright")
    for name in ("r.yml", "r.json", "sub/r.yaml"):
        file = rw.save(reward, tmp_path / name)
        assert file.is_file()
        assert rw.read_reward(file).to_config() == reward.to_config()
    assert (tmp_path / "r.yml").read_text().startswith("reward:\n")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("eval nowhere", "nowhere must hold a bundle, got no such folder"),
        ("train CartPole-v1 -n 10 -f file/in", "must be a folder that can be written to"),
        ("rewards potentail", 'Did you mean "potential"'),
    ],
)
def test_a_wrong_command_is_a_sentence(
    words: str, sentence: str, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    assert cli.main(words.split()) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_device_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(rw.ConfigError, match='got "cuda" on a machine without CUDA'):
        rw.train(CARTPOLE, steps=10, device="cuda", out=tmp_path)


def test_one_reward_is_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rewards", "potential"]) == 0
    shown = capsys.readouterr().out
    assert "gamma^T Phi(s_T) - Phi(s_0)" in shown
    assert "rw.Potential(lambda obs: obs[:, 0], gamma=0.9)" in shown
    assert "evidence:" in shown


def test_a_running_mujoco_leaves_no_file(tmp_path: Path) -> None:
    pytest.importorskip("mujoco")
    code = (
        "import numpy as np, rewardwrap as rw\n"
        "venv = rw.make('Hopper-v5')\n"
        "venv.reset()\n"
        "venv.envs[0].unwrapped.data.qvel[:] = 1e12\n"
        "venv.step(np.ones((1, 3)))\n"
    )
    assert "simulation is unstable" in ended(code, cwd=tmp_path, code=True).stderr
    assert not list(tmp_path.iterdir())
