"""One network of several principles: fitted with gaps, paid in any mix without another fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from stable_baselines3 import PPO

import rewardwrap as rw
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.data import DataError, EpisodeStore
from rewardwrap.nets import load_model
from rewardwrap.nets.objectives import Abstaining
from rewardwrap.nets.paid import Encoded
from rewardwrap.nets.tables import Table
from tests.nets.conftest import pendulum


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Episodes of Pendulum, and answers about them: gentle, right-handed, a third of them missing."""
    place = tmp_path_factory.mktemp("principles")
    store = pendulum(80, steps=30)
    store.save(place / "data")
    rng, lines = np.random.default_rng(0), ["episode,start,length,gentle,right"]
    actions = np.asarray(store.action).reshape(80, 30)
    for number in range(80):
        for start in (0, 10, 20):
            shown = actions[number, start : start + 10]
            said = [int(np.abs(shown).mean() < 1), int(shown.mean() > 0)]
            words = ["" if rng.random() < 1 / 3 else str(value) for value in said]
            lines.append(f"e{number},{start},10,{words[0]},{words[1]}")
    (place / "labels.csv").write_text("\n".join(lines))
    return place


@pytest.fixture(scope="module")
def model(data: Path) -> Path:
    command = ["fit", "principles", str(data / "data"), str(data / "labels.csv")]
    more = [
        "--out",
        str(data / "model"),
        "--members",
        "2",
        "--hidden",
        "16",
        "--epochs",
        "120",
        "--quiet",
    ]
    assert main([*command, *more]) == 0
    return data / "model"


def test_every_principle_is_learned_beside_the_others(model: Path) -> None:
    held = json.loads((model / "metrics.json").read_text())["heldout"]
    assert held["auc/gentle"] > 0.8
    assert held["auc/right"] > 0.9
    assert load_model(model).net.describe()["names"] == ["gentle", "right"]


def test_the_numpy_judge_says_what_the_network_says(model: Path) -> None:
    net, batch = load_model(model).net, pendulum(3, steps=30, seed=3).transitions()
    want = net.all(net.prepare(net.encode(batch))).numpy()
    np.testing.assert_allclose(rw.Learned(str(model)).members(batch), want, atol=1e-6)


def test_and_is_at_most_the_mean_and_or_at_least_for_any_weights(model: Path) -> None:
    batch = pendulum(2, steps=30, seed=5).transitions()
    for weights in (None, {"gentle": 3, "right": 1}, {"gentle": -1, "right": 2}, {"right": 1}):
        every, mean, some = (
            rw.Principles(str(model), weights, combine=how)(batch) for how in ("all", "mean", "any")
        )
        assert (every <= mean + 1e-12).all()
        assert (mean <= some + 1e-12).all()
        assert every.min() >= 0
        assert some.max() <= 1


def test_aimed_anew_it_asks_for_something_else_and_a_negative_weight_for_the_opposite(
    model: Path,
) -> None:
    batch = pendulum(10, steps=30, seed=7).transitions()
    torque = np.asarray(batch.action)[:, 0]
    right = rw.Principles(str(model), {"right": 1})(batch)
    assert np.corrcoef(right, torque)[0, 1] > 0.6
    np.testing.assert_allclose(rw.Principles(str(model), {"right": -2})(batch), 1 - right)
    gentle = rw.Principles(str(model), {"gentle": 1})(batch)
    assert np.corrcoef(gentle, -np.abs(torque))[0, 1] > 0.4


def test_it_is_a_reward_like_any_other(model: Path, tmp_path: Path) -> None:
    reward = 0.5 * rw.Principles(str(model), {"gentle": 2, "right": 1}, combine="all").named("kind")
    again = rw.from_config(reward.to_config())
    batch = pendulum(2, steps=30).transitions()
    np.testing.assert_array_equal(again(batch), reward(batch))
    rw.save(reward, tmp_path / "saved")
    np.testing.assert_array_equal(rw.load(tmp_path / "saved")(batch), reward(batch))
    env = rw.make("Pendulum-v1", reward, n_envs=2)
    PPO("MlpPolicy", env, n_steps=16, batch_size=16, n_epochs=1).learn(32)


class _Two(torch.nn.Module):
    members = 1

    def logits(self, rows: Encoded) -> torch.Tensor:
        return rows.x[None]


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(-5, 5))
def test_who_abstains_changes_no_gradient_and_the_rest_counts_whole(a, b, c):
    """Loss of one said principle is its cross-entropy, whatever the other's logit is."""
    rows = Encoded(torch.tensor([[a, b], [a, c]], dtype=torch.float64))
    items = {"steps": torch.tensor([[[0]], [[1]]]), "weight": torch.ones(2),
             "said": torch.tensor([[1.0, float("nan")]] * 2, dtype=torch.float64)}  # fmt: skip
    found = Abstaining().losses(_Two(), Table(rows, items))
    want = torch.nn.functional.softplus(-torch.tensor(a, dtype=torch.float64))
    torch.testing.assert_close(found, want.expand(1, 2))


def test_a_table_that_cannot_be_read_says_why(data: Path, tmp_path: Path, model: Path) -> None:
    store = EpisodeStore.load(data / "data")
    for text, sentence in (
        ("episode\ne0\n", "must have a column episode and one for each principle"),
        ("episode,kind\ne0,1\ne1,1\n", 'principle "kind" must have answers in'),
        ("episode,kind\ne0,1\ne1,2\n", 'principle "kind" must have answers in'),
        ("episode,kind\ne0,1\ne0,0\n", "labels must be about two episodes or more, got 1"),
    ):
        (tmp_path / "t.csv").write_text(text)
        with pytest.raises(DataError, match=sentence):
            rw.fit("principles", store, labels=tmp_path / "t.csv")
    with pytest.raises(ConfigError, match="labels must name a table of answers for principles"):
        rw.fit("principles", store)
    with pytest.raises(UnknownName, match='No principle "gentel". Did you mean "gentle"'):
        rw.Principles(str(model), {"gentel": 1})
    with pytest.raises(ConfigError, match="weights must be numbers other than 0, got 0"):
        rw.Principles(str(model), {"gentle": 0})
    with pytest.raises(ConfigError, match="combine must be"):
        rw.Principles(str(model), combine="or")


def test_another_model_is_no_judge_of_principles(data: Path, tmp_path: Path) -> None:
    rw.fit("regression", data / "data", out=tmp_path / "m", epochs=1)
    with pytest.raises(
        ConfigError, match="model must judge principles, got one fitted by regression"
    ):
        rw.Principles(str(tmp_path / "m"))
