"""Rewards on disk: whole or refused, and never executed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.rewards.disk import read_reward

EPISODE = {
    "obs": np.arange(4.0)[:, None],
    "action": np.zeros(3),
    "reward": np.array([1.0, 5.0, -2.0]),
    "terminated": [False, False, True],
    "truncated": [False, False, False],
}


def test_a_reward_comes_back_with_what_it_learned(tmp_path: Path) -> None:
    reward = rw.EnvReward().normalize() + rw.Constant(0.5).named("bonus")
    rw.relabel(reward, EPISODE, training=True)
    again = rw.load(rw.save(reward, tmp_path / "reward"))
    assert again.to_config() == reward.to_config()
    np.testing.assert_array_equal(rw.relabel(again, EPISODE), rw.relabel(reward, EPISODE))
    assert {p.name for p in (tmp_path / "reward").iterdir()} == {
        "reward.json",
        "knowledge.safetensors",
    }


def test_a_reward_that_learned_nothing_is_one_file(tmp_path: Path) -> None:
    rw.save(rw.EnvReward().normalize(), tmp_path)
    rw.save(2 * rw.EnvReward(), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["reward.json"]


def test_a_lambda_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(rw.ConfigError, match="module:function"):
        rw.save(rw.function(lambda batch: batch.reward), tmp_path / "reward")
    assert not (tmp_path / "reward").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"format": 1, "rew', "must be JSON"),
        ('{"format": 9, "reward": "env"}', "must have format 1, got 9"),
        ("[]", "must have format 1"),
    ],
)
def test_a_damaged_folder_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "reward.json").write_text(text)
    with pytest.raises(rw.ConfigError, match=sentence):
        rw.load(tmp_path)


def test_knowledge_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    rw.save(rw.EnvReward().normalize(), tmp_path)
    whole = (tmp_path / "knowledge.safetensors").read_bytes()
    (tmp_path / "knowledge.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(rw.ConfigError, match="whole safetensors file"):
        rw.load(tmp_path)


def test_knowledge_of_another_reward_is_refused(tmp_path: Path) -> None:
    rw.save(rw.EnvReward().normalize(), tmp_path)
    config = json.loads((tmp_path / "reward.json").read_text())
    config["reward"] = {"env": {}}
    (tmp_path / "reward.json").write_text(json.dumps(config))
    with pytest.raises(rw.ConfigError, match="state must hold nothing"):
        rw.load(tmp_path)


def test_yaml_as_people_write_it(tmp_path: Path) -> None:
    path = tmp_path / "reward.yml"
    path.write_text(
        "reward:\n"
        "  - env\n"
        "  - potential: {phi: torso_z, gamma: 0.99}\n"
        "    weight: 0.5\n"
        "    name: height\n"
    )
    built = rw.EnvReward() + 0.5 * rw.Potential("torso_z", gamma=0.99).named("height")
    assert read_reward(path).to_config() == built.to_config()


@pytest.mark.parametrize(
    ("text", "place", "sentence"),
    [
        ("- env\n- potentail: {phi: torso_z}\n", 2, 'Did you mean "potential"'),
        ("- env\n- potential:\n    phi: torso_z\n    gama: 0.9\n", 4, 'Did you mean "gamma"'),
        ("- env\n- constant: 1\n  scale: 2\n", 3, "exactly one tag"),
        ("- env\n- env\n- clip\n", 3, 'No reward "clip"'),
        ("potential: {phi: torso_z, gamma: 1.5}\n", 1, r"gamma must lie in \[0, 1\]"),
        ("env: {}\nenv: {}\n", 2, "written once"),
    ],
)
def test_errors_point_into_the_file(tmp_path: Path, text: str, place: int, sentence: str) -> None:
    path = tmp_path / "reward.yml"
    path.write_text(text)
    with pytest.raises(rw.ConfigError, match=rf"reward\.yml:{place}: .*{sentence}"):
        read_reward(path)
