"""A reward file imports nothing unasked, and does not say how strong the wall around its code is."""

from __future__ import annotations

import json
import sys

import gymnasium as gym
import pytest

import rewardwrap as rw
import rewardwrap_envs
from rewardwrap.cli import main
from rewardwrap.rewards.disk import read_reward
from rewardwrap.rewards.trust import VARIABLE, vetted
from rewardwrap_envs.trust import VARIABLE as TRUST

CODE = "def reward(obs, action, next_obs, info):\n    return obs[:, 0]\n"


@pytest.fixture
def stranger(tmp_path, monkeypatch):
    """A module that says when it runs."""
    (tmp_path / "stranger.py").write_text("raise SystemExit('it ran')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert "stranger" not in sys.modules


@pytest.mark.parametrize(
    "text",
    [
        "function: {function: 'stranger:pay'}",
        "- env\n- potential: {phi: 'stranger:phi', gamma: 0.9}\n  weight: 0.5",
        "reward:\n  clip:\n    - {advice: {phi: 'stranger:phi'}}",
    ],
)
def test_a_file_imports_nothing_unasked(stranger, text):
    (stranger / "reward.yml").write_text(text)
    with pytest.raises(rw.ConfigError, match=r"reward\.yml: .*got stranger\. Read it first"):
        read_reward(stranger / "reward.yml")


def test_with_a_word_it_is_imported(tmp_path, monkeypatch):
    (tmp_path / "vouched.py").write_text("def pay(obs):\n    return 2.0 * obs[:, 0]\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "reward.yml").write_text("function: {function: 'vouched:pay'}")
    assert read_reward(tmp_path / "reward.yml", trust=["vouched"]) is not None
    monkeypatch.setenv(TRUST, "vouched")
    reward = read_reward(tmp_path / "reward.yml")
    rw.wrap(gym.make("CartPole-v1"), reward).reset(seed=0)
    monkeypatch.delenv(TRUST)
    rw.save(reward, tmp_path / "saved")
    with pytest.raises(rw.ConfigError, match=r"reward\.json: .*got vouched"):
        rw.load(tmp_path / "saved")
    assert rw.load(tmp_path / "saved", trust=("vouched",)).to_config() == reward.to_config()


def test_a_word_for_a_module_is_none_for_what_it_imports(tmp_path, monkeypatch):
    (tmp_path / "reaching.py").write_text("import os\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "reward.yml").write_text("function: {function: 'reaching:os.getcwd'}")
    with pytest.raises(rw.ConfigError, match="getcwd lies in another module, os"):
        read_reward(tmp_path / "reward.yml", trust=["reaching"])


@pytest.mark.parametrize(
    "command",
    [
        ["train", "--env", "CartPole-v1", "--algo", "ppo", "--reward", "reward.yml"],
        ["audit", "reward.yml", "--env", "CartPole-v1"],
        ["compare", "plan.yml"],
        ["compare", "envs.yml"],
    ],
)
def test_every_command_refuses_in_one_sentence(stranger, command, capsys):
    (stranger / "reward.yml").write_text("function: {function: 'stranger:pay'}")
    plan = {"env": "CartPole-v1", "algo": "ppo", "steps": 8, "seeds": 1}
    strategies = {"own": "env", "theirs": {"function": {"function": "stranger:pay"}}}
    (stranger / "plan.yml").write_text(json.dumps({**plan, "strategies": strategies}))
    (stranger / "envs.yml").write_text(
        json.dumps({**plan, "env": "stranger:Walk-v0", "strategies": {"own": "env"}})
    )
    assert main(command) == 2
    said = capsys.readouterr().err
    assert "a module that a file names must be trusted" in said
    assert "--trust stranger" in said


def test_what_is_typed_is_the_users_own_word(stranger):
    with pytest.raises(SystemExit, match="it ran"):
        main(
            ["train", "--env", "CartPole-v1", "--reward", "{function: {function: 'stranger:pay'}}"]
        )


@pytest.mark.parametrize(
    "setting", ["gate: off", "allow_weaker: true", "memory_mb: 1", "deadline: 9"]
)
def test_a_file_says_nothing_about_its_wall(tmp_path, setting, monkeypatch):
    name = setting.partition(": ")[0]
    file = tmp_path / "reward.yml"
    file.write_text(f"- env\n- code:\n    source: {json.dumps(CODE)}\n    {setting}\n")
    with pytest.raises(rw.ConfigError, match=f"must leave the wall .* to its reader, got {name}"):
        read_reward(file)
    if name == "deadline":
        assert read_reward(file, isolation={name: 2.0}).terms[1].deadline == 2.0
        monkeypatch.setenv(VARIABLE, "deadline: 3, memory_mb: 64")
        code = read_reward(file).terms[1]
        assert (code.deadline, code.memory_mb) == (3, 64)
    monkeypatch.setenv(VARIABLE, "speed: 3")
    with pytest.raises(rw.ConfigError, match="REWARDWRAP_ISOLATION must give gate, deadline"):
        read_reward(file)


def test_a_short_form_of_code_takes_the_callers_wall_too():
    assert vetted({"code": CODE}, "x", isolation={"deadline": 2.0}) == {
        "code": {"source": CODE, "deadline": 2.0}
    }
    assert vetted(["env", {"code": CODE}], "x", isolation={}) == ["env", {"code": CODE}]


def test_make_takes_a_word_for_what_its_recipes_name(tmp_path, monkeypatch):
    (tmp_path / "lending.py").write_text(
        "import gymnasium as gym\n\ndef phi(obs):\n    return obs[:, 2]\n\n"
        "class Layer(gym.Wrapper):\n    pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    own = tmp_path / "recipes"
    own.mkdir()
    shipped = rewardwrap_envs.recipe("CartPole-v1").path.read_text()
    named = shipped.replace("id: CartPole-v1", "name: Mine\nid: CartPole-v1")
    (own / "mine.yml").write_text(named + "wrappers: {train: [lending.Layer]}\n")
    (tmp_path / "reward.yml").write_text("potential: {phi: 'lending:phi', gamma: 0.99}\n")
    with pytest.raises(rewardwrap_envs.RecipeError, match=r"or trust=\('lending',\) in Python"):
        rw.make("Mine", catalog=[str(own)])
    venv = rw.make("Mine", str(tmp_path / "reward.yml"), catalog=[str(own)], trust=["lending"])
    venv.reset()
    venv.close()
