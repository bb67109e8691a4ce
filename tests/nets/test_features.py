"""A small model of named features (handbook 8.6)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import rewardwrap as rw
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import EpisodeStore, Preferences, sample_fragments
from rewardwrap.nets.features import feature_net, residual, weights
from rewardwrap.nets.folder import load_model
from rewardwrap.nets.measures import pair_measures
from rewardwrap.nets.network import build
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.paid import Encoded
from rewardwrap.nets.tables import pairs_table
from rewardwrap.nets.trainer import fit


def softplus_inverse(value: float) -> float:
    return float(np.log(np.expm1(value)))


def test_a_pair_by_hand():
    """f_b - f_a = (1, -1), w = (2, 1): P = sigmoid(1)."""
    net = feature_net({"one": 1, "other": 1})
    with torch.no_grad():
        free = [[softplus_inverse(2.0)], [softplus_inverse(1.0)]]
        net.weights[0].copy_(torch.tensor([free], dtype=torch.float64))
    paid = net(Encoded(torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64)))[0]
    assert float(torch.sigmoid(paid[1] - paid[0]).detach()) == pytest.approx(0.731059, abs=1e-5)
    found = weights(net)
    assert found["one"][0] == pytest.approx(2.0, abs=1e-5)
    assert found["other"][0] == pytest.approx(1.0, abs=1e-5)


def test_a_sign_is_kept_however_long_it_is_trained_against():
    store = world(30)
    net = feature_net({"f0": -1, "f1": 1})
    train_on(net, store, 60)
    found = weights(net)
    assert found["f0"][0] <= 0 <= found["f1"][0]


def test_the_order_of_the_features_changes_nothing():
    store = world(30)
    found = []
    for names in ({"f0": 1, "f1": 0}, {"f1": 0, "f0": 1}):
        net = feature_net(names)
        with torch.no_grad():
            net.weights[0].fill_(0.3)
        train_on(net, store, 60)
        found.append(weights(net))
    for name in ("f0", "f1"):
        assert found[0][name][0] == pytest.approx(found[1][name][0], rel=1e-6)


def test_what_is_no_feature_is_refused():
    with pytest.raises(ConfigError, match="sign of -1, 0 or 1"):
        feature_net({"speed": 2})
    with pytest.raises(ConfigError, match="sign of -1, 0 or 1"):
        feature_net({})


def world(episodes: int, seed: int = 0) -> EpisodeStore:
    """Sixty raw numbers; the reward is linear in three features that are not linear in them."""
    draws = np.random.default_rng(seed)
    mix = np.random.default_rng(99).normal(size=(3, 60))
    made = []
    for number in range(episodes):
        obs = draws.normal(size=(11, 60))
        features = np.abs(obs[1:] @ mix.T) / 8
        made.append(
            {
                "obs": obs,
                "action": np.zeros(10, int),
                "reward": features @ [1.0, 2.0, -1.5],
                "terminated": np.arange(10) == 9,
                "truncated": np.zeros(10, bool),
                "id": f"{seed}-{number}",
                "info": {f"f{i}": features[:, i] for i in range(3)},
            }
        )
    return EpisodeStore.from_episodes(made)


def asked(store: EpisodeStore, count: int, seed: int = 0) -> Preferences:
    clips = sample_fragments(store, 2 * count, 5, seed=seed)
    a, b = clips.select(slice(0, count)), clips.select(slice(count, None))
    return Preferences(a, b, (b.returns() > a.returns()).astype(float))


def train_on(net, store, pairs):
    net.normalise(net.encode(store.transitions()))
    return fit(
        net, BradleyTerry(), pairs_table(net, asked(store, pairs)), epochs=80, lr=2e-2, batch=30
    )


def test_sixty_pairs_of_the_right_features_beat_a_thousand_of_raw_numbers():
    """Miniature; both beat guessing."""
    train, held = world(200), world(60, seed=1)
    judged = asked(held, 400, seed=2)
    domain = feature_net({"f0": 1, "f1": 1, "f2": -1})
    train_on(domain, train, 60)
    raw = build(train, ("obs",), hidden=(64,))
    train_on(raw, train, 1000)
    by_features, by_numbers = (
        pair_measures(net, judged, 1.0)["pair_accuracy"] for net in (domain, raw)
    )
    assert by_features > 0.95
    assert by_features > by_numbers
    assert by_numbers > 0.5


def test_the_residual_shows_a_feature_that_is_missing():
    draws = np.random.default_rng(0)
    obs = draws.normal(size=(501, 2))
    episode = {
        "obs": obs,
        "action": np.zeros(500, int),
        "reward": obs[:-1, 0] + obs[:-1, 1],
        "terminated": np.zeros(500, bool),
        "truncated": np.zeros(500, bool),
    }
    store = EpisodeStore.from_episodes([episode])
    # preferences leave unit and origin free
    missing = residual(store, 3 * obs[:-1, 0] + 7)
    assert abs(missing["obs[0]"]) < 0.1
    assert missing["obs[1]"] > 0.9


def test_signs_are_a_road_from_a_shell(tmp_path, capsys):
    store = world(60)
    store.save(tmp_path / "data")
    args = ["--signs", "f0:1", "f1:1", "f2:-1", "--pairs", "60", "--length", "5", "--quiet"]
    out = str(tmp_path / "m")
    assert main(["fit", "preferences", str(tmp_path / "data"), "--out", out, *args]) == 0
    assert "f2: -" in capsys.readouterr().out
    metrics = load_model(out).metrics
    assert metrics["heldout"]["pair_accuracy"] > 0.93
    found = metrics["labels"]["weights"]
    # 1 : 2 : -1.5 in the world
    assert found["f1"] > found["f0"] > 0 > found["f2"]
    episode = store.episode(0)
    paid = rw.relabel(rw.Learned(out), episode.columns())
    assert np.corrcoef(paid, episode.reward)[0, 1] > 0.9


def test_a_missing_feature_is_said(tmp_path, capsys):
    draws = np.random.default_rng(0)
    obs = draws.normal(size=(41, 21, 2))
    EpisodeStore.from_episodes(
        [
            {
                "obs": own,
                "action": np.zeros(20, int),
                "reward": own[:-1].sum(axis=1),
                "terminated": np.zeros(20, bool),
                "truncated": np.arange(20) == 19,
                "info": {"x0": own[:-1, 0]},
                "id": str(number),
            }
            for number, own in enumerate(obs)
        ]
    ).save(tmp_path / "data")
    args = ["--signs", "x0:1", "--pairs", "60", "--length", "5", "--epochs", "5", "--quiet"]
    assert (
        main(["fit", "preferences", str(tmp_path / "data"), "--out", str(tmp_path / "m"), *args])
        == 0
    )
    said = capsys.readouterr().out
    assert "What it misses goes with obs[1] (+0.9" in said or "obs[1] (+1.0" in said
    assert "obs[0] (" not in said
