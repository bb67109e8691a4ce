from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

from rewardwrap.core.errors import GammaMismatch
from rewardwrap.rewards import EnvReward, Potential
from rewardwrap.training import bundle
from rewardwrap.training.agent import Agent, Settings, build
from rewardwrap.training.evaluation import Protocol, evaluate

PROTOCOL = Protocol(episodes=3)
NORMALIZED = [
    {"env": {}},
    {"named": {"name": "lean", "base": {"normalize": {"base": {"field": "pole_angle"}}}}},
]


def _ppo() -> Agent:
    row = {"n_timesteps": 300, "n_steps": 64, "batch_size": 64, "n_envs": 2, "normalize": True}
    reward = {"sum": {"terms": NORMALIZED}}
    agent = build(Settings(env="CartPole-v1", algo="ppo", reward=reward, row=row, seed=1))
    agent.model.learn(300)
    return agent


def _sac() -> Agent:
    row = {"n_timesteps": 300, "learning_starts": 50, "buffer_size": 1000, "batch_size": 16}
    row["policy_kwargs"] = "dict(net_arch=[8])"  # type: ignore[assignment]
    agent = build(Settings(env="Pendulum-v1", algo="sac", reward={"env": {}}, row=row, seed=1))
    agent.model.learn(120)
    return agent


@pytest.mark.parametrize("made", [_ppo, _sac])
def test_a_bundle_gives_back_the_agent_to_the_last_bit(tmp_path: Path, made: Any) -> None:
    agent = made()
    before = evaluate(agent.model, agent.eval_env(3), PROTOCOL)
    folder = bundle.write(agent, tmp_path / "b", protocol=PROTOCOL, with_replay=True)
    again = bundle.read(folder, with_replay=True)
    after = evaluate(again.model, again.eval_env(3), PROTOCOL)
    for name, sums in before.terms.items():
        np.testing.assert_array_equal(sums, after.terms[name])
    assert again.model.num_timesteps == agent.model.num_timesteps
    assert again.model._n_updates == agent.model._n_updates
    old, new = agent.model.get_parameters(), again.model.get_parameters()
    assert old.keys() == new.keys()
    torch.testing.assert_close(new, old, rtol=0, atol=0)
    for name, array in agent.reward.state_dict().items():
        np.testing.assert_array_equal(again.reward.state_dict()[name], array)


def test_an_entropy_coefficient_and_a_replay_buffer_come_back(tmp_path: Path) -> None:
    agent: Any = _sac()
    folder = bundle.write(agent, tmp_path / "b", protocol=PROTOCOL, with_replay=True)
    again: Any = bundle.read(folder, with_replay=True)
    torch.testing.assert_close(again.model.log_ent_coef, agent.model.log_ent_coef)
    held = again.model.ent_coef_optimizer.param_groups[0]["params"][0]
    assert held is again.model.log_ent_coef
    old, new = agent.model.replay_buffer, again.model.replay_buffer
    assert (new.pos, new.full) == (old.pos, old.full) == (120, False)
    np.testing.assert_array_equal(new.observations[:120], old.observations[:120])
    np.testing.assert_array_equal(new.rewards[:120], old.rewards[:120])
    again.model.learn(50, reset_num_timesteps=False)
    assert again.model.num_timesteps == 170


def test_the_policy_is_an_ordinary_sb3_file(tmp_path: Path) -> None:
    folder = bundle.write(_ppo(), tmp_path / "b", protocol=PROTOCOL)
    assert PPO.load(folder / "policy.zip", device="cpu").num_timesteps == 384


def test_reading_runs_no_code(tmp_path: Path) -> None:
    folder = bundle.write(_ppo(), tmp_path / "b", protocol=PROTOCOL)
    file = folder / "policy.zip"
    with zipfile.ZipFile(file) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    # SB3 keeps pickles in "data"; ours must not look at it
    parts["data"] = b"no json, and no pickle"
    with zipfile.ZipFile(file, "w") as new:
        for name, content in parts.items():
            new.writestr(name, content)
    document = json.loads((folder / "bundle.json").read_text())
    document["sha256"]["policy.zip"] = bundle._sha256(file)
    (folder / "bundle.json").write_text(json.dumps(document))
    bundle.read(folder)


def test_a_changed_file_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    folder = bundle.write(_ppo(), tmp_path / "b", protocol=PROTOCOL)
    reward = (folder / "reward.json").read_text()
    (folder / "reward.json").write_text(reward.replace("pole_angle", "pole_anglf"))
    with pytest.raises(bundle.BundleError, match=r"reward\.json must be as it was written"):
        bundle.read(folder)
    (folder / "reward.json").unlink()
    with pytest.raises(bundle.BundleError, match=r"reward\.json must be as it was written"):
        bundle.read(folder)
    with pytest.raises(bundle.BundleError, match=r"must hold bundle\.json"):
        bundle.read(tmp_path)


def test_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text('{"format": 99, "sha256": {}}')
    with pytest.raises(bundle.BundleError, match="format must be 1, got 99"):
        bundle.document(tmp_path)
    (tmp_path / "bundle.json").write_text("{")
    with pytest.raises(bundle.BundleError, match="must be that of a bundle"):
        bundle.document(tmp_path)


def test_a_bundle_says_what_it_came_out_of(tmp_path: Path) -> None:
    document = bundle.document(bundle.write(_ppo(), tmp_path / "b", protocol=PROTOCOL))
    assert document["gamma"] == 0.99
    assert document["step"] == 384
    assert set(document["sha256"]) == {
        "policy.zip", "reward.json", "knowledge.safetensors", "normalizer.safetensors",
    }  # fmt: skip
    assert "torch" in document["versions"]


ROW = {"n_timesteps": 64, "n_steps": 32, "batch_size": 32}


@pytest.mark.parametrize(
    "change",
    [
        {"env": "stranger:Walk-v0"},
        {"reward": {"function": {"function": "stranger:pay"}}},
        {"row": {**ROW, "env_wrapper": [{"stranger.Layer": {"n": 2}}]}},
    ],
)
def test_a_bundle_imports_nothing_unasked(tmp_path: Path, monkeypatch: Any, change: Any) -> None:
    from rewardwrap.cli import main
    from rewardwrap.core.errors import ConfigError

    (tmp_path / "stranger.py").write_text("raise SystemExit('it ran')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    settings = {"env": "CartPole-v1", "algo": "ppo", "reward": {"env": {}}, "row": ROW, "seed": 0}
    written = {"format": bundle.FORMAT, "sha256": {}, "settings": {**settings, **change}}
    (tmp_path / "bundle.json").write_text(json.dumps({**written, "evaluation": {"episodes": 1}}))
    with pytest.raises(
        ConfigError, match=r"bundle\.json: a module that a file names .*got stranger"
    ):
        bundle.read(tmp_path)
    assert main(["eval", str(tmp_path)]) == 2
    with pytest.raises(SystemExit, match="it ran"):
        main(["eval", str(tmp_path), "--trust", "stranger"])


def test_a_bundle_written_after_another_weight_holds_the_new_one(tmp_path: Path) -> None:
    reward = {
        "sum": {"terms": [{"env": {}}, {"named": {"name": "time", "base": {"constant": -1.0}}}]}
    }
    row = {"n_timesteps": 64, "n_steps": 32, "batch_size": 32}
    agent = build(Settings(env="CartPole-v1", algo="ppo", reward=reward, row=row, seed=1))
    agent.adapter.set_weight("time", 3.0)
    folder = bundle.write(agent, tmp_path / "b", protocol=PROTOCOL)
    again = bundle.read(folder)
    assert again.reward.to_config() == agent.reward.to_config()
    assert again.settings.reward == agent.reward.to_config()
    with pytest.raises(GammaMismatch):
        again.adapter.set_reward(EnvReward() + Potential("pole_angle", gamma=0.5).named("time"))
