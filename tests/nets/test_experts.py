"""A mixture of experts: gates that sum to 1, costs that are least when even, and one expert that is none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import rewardwrap as rw
from rewardwrap.api.ablate import ablate
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import take
from rewardwrap.nets.experts import ExpertsNet, build_mixed
from rewardwrap.nets.folder import load_model
from rewardwrap.nets.network import RewardNet
from rewardwrap.nets.objectives.outcome import Process
from rewardwrap.nets.paid import Encoded, NetError
from rewardwrap.nets.tables import Table
from rewardwrap.nets.trainer import fit
from rewardwrap.rewards.inputs import Inputs
from tests.nets.conftest import pendulum

INPUTS = Inputs.of_fields(["a", "b", "c"])


def table(count: int = 64, seed: int = 0) -> Table:
    draws = torch.Generator().manual_seed(seed)
    x = torch.randn(count, 3, generator=draws)
    items = {
        "row": torch.arange(count),
        "weight": torch.ones(count),
        "target": (x[:, 0] > 0).float(),
    }
    return Table(Encoded(x), items)


def gate_says(net: ExpertsNet, logits: list[float]) -> None:
    with torch.no_grad():
        net.gate_weight.zero_()
        net.gate_bias.copy_(torch.tensor(logits).expand_as(net.gate_bias))


def test_a_gate_sums_to_1_and_sends_every_step_to_the_likeliest() -> None:
    rows = table()
    for top in (1, 2, 4):
        net = ExpertsNet(INPUTS, experts=4, top=top, members=2, hidden=(5,))
        chances = net.chances(rows.rows)
        assert chances.shape == (2, 64, 4)
        torch.testing.assert_close(chances.sum(-1), torch.ones(2, 64))
        sent = net.sent(chances)
        assert (sent.sum(-1) == top).all()
        assert (
            torch.where(sent, chances, 2.0).amin(-1) >= torch.where(sent, -1.0, chances).amax(-1)
        ).all()


def test_what_is_paid_is_the_chance_times_what_the_expert_says() -> None:
    net, rows = ExpertsNet(INPUTS, experts=2, hidden=(5,)), table().rows
    gate_says(net, [0.0, float(np.log(3.0))])
    said = net.trunk(rows)
    torch.testing.assert_close(net(rows)[0], 0.75 * said[1])
    both = ExpertsNet(INPUTS, experts=2, top=2, hidden=(5,))
    gate_says(both, [0.0, float(np.log(3.0))])
    said = both.trunk(rows)
    torch.testing.assert_close(both(rows)[0], 0.25 * said[0] + 0.75 * said[1])


def test_costs_are_0_where_even_and_most_where_one_expert_gets_everything() -> None:
    net, rows = ExpertsNet(INPUTS, experts=4, balance=1.0, hidden=(5,)), table()
    gate_says(net, [0.0, 0.0, 0.0, 0.0])
    assert net.costs(rows).mean().item() == pytest.approx(0.0, abs=1e-6)
    gate_says(net, [100.0, 0.0, 0.0, 0.0])
    assert net.costs(rows).mean().item() == pytest.approx(3.0)
    before = net.costs(rows).mean()
    before.backward()
    gate_says(net, [2.0, 0.0, 0.0, 0.0])
    net.zero_grad()
    net.costs(rows).mean().backward()
    assert net.gate_bias.grad[0, 0, 0] > 0  # less of the expert that gets too much
    assert not net.trunk.weights[0].grad


def test_padding_is_no_step_that_is_sent() -> None:
    net, rows = ExpertsNet(INPUTS, experts=3, balance=1.0, hidden=(5,)), table().rows
    steps, inside = (
        torch.tensor([[[0, 1, 1]], [[2, 3, 4]]]),
        torch.tensor([[[1.0, 1, 0]], [[1, 1, 1]]]),
    )
    padded = net.costs(
        Table(rows, {"steps": steps, "weight": torch.ones(2), "coefficient": inside})
    )
    own = net.chances(rows)[0, :5].detach()
    sent = net.sent(own).float()
    used = (sent[:2].mean(0) + sent[2:].mean(0)) / 2
    wanted = [3 * (used * own[part].mean(0)).sum() - 1 for part in (slice(0, 2), slice(2, 5))]
    torch.testing.assert_close(padded[0].detach(), torch.stack(wanted))


def test_one_expert_is_the_plain_network_bit_by_bit() -> None:
    plain = RewardNet(INPUTS, hidden=(8, 8), seed=3)
    one = ExpertsNet(INPUTS, experts=1, hidden=(8, 8), seed=3)
    rows = table()
    losses = [fit(net, Process(), rows, table(32, 1), epochs=5, batch=16, lr=1e-2, weight_decay=0.1,
                  patience=2).history for net in (plain, one)]  # fmt: skip
    assert losses[0] == losses[1]
    assert torch.equal(plain(rows.rows), one(rows.rows))
    for name, array in plain.arrays().items():
        np.testing.assert_array_equal(one.arrays()[name], array)
    assert isinstance(build_mixed(pendulum(2, steps=5), experts=1), RewardNet)


def test_experts_that_get_a_part_each_learn_what_one_small_network_cannot() -> None:
    x = torch.randn(600, 3, generator=torch.Generator().manual_seed(0))
    target = (torch.where(x[:, 0] > 0, x[:, 1], -x[:, 1]) > 0).float()
    whole = Table(
        Encoded(x), {"row": torch.arange(600), "weight": torch.ones(600), "target": target}
    )
    right = {}
    for experts in (1, 2):
        net = ExpertsNet(INPUTS, experts=experts, hidden=(), seed=0)
        fit(net, Process(), whole, epochs=60, batch=64, lr=3e-2)
        right[experts] = ((net(whole.rows)[0] > 0).float() == target).float().mean().item()
    assert right[1] < 0.65
    assert right[2] > 0.9


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("experts")
    store = pendulum(24, steps=30)
    good = store.returns() > np.median(store.returns())
    store.info["is_success"] = np.repeat(good.astype(np.float64), store.lengths)
    store.save(folder / "data")
    words = [
        "fit",
        "outcome",
        str(folder / "data"),
        "--label",
        "info:is_success",
        "--experts",
        "4",
        "--top",
    ]
    few = ["--hidden", "8", "--epochs", "3", "--quiet", "--members", "2"]
    for top in ("1", "2"):
        assert main([*words, top, "--out", str(folder / f"m{top}"), *few]) == 0
    return folder


@pytest.mark.parametrize("top", [1, 2])
def test_a_fitted_mixture_is_paid_in_numpy_as_it_was_fitted(folder: Path, top: int) -> None:
    model, reward = load_model(folder / f"m{top}"), rw.Learned(folder / f"m{top}")
    assert (model.document["net"]["experts"], model.document["net"]["top"]) == (4, top)
    batch = rw.EpisodeStore.load(folder / "data").transitions()
    with torch.no_grad():
        own = model.net.reward(model.net.prepare(model.net.encode(batch))).numpy()
    np.testing.assert_allclose(reward.members(batch), own, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(reward(batch), own.mean(0), rtol=1e-3, atol=1e-4)
    single = [reward(take(batch, slice(i, i + 1)))[0] for i in range(20)]
    np.testing.assert_allclose(single, reward(batch)[:20], rtol=1e-4, atol=1e-5)
    chances = model.net.freeze().chances(batch)
    np.testing.assert_allclose(chances.sum(-1), 1.0, rtol=1e-6)
    env = rw.make("Pendulum-v1", reward, n_envs=2)
    env.reset()
    assert np.isfinite(env.step(np.zeros((2, 1), np.float32))[1]).all()


def test_it_is_validated_and_paired(folder: Path, tmp_path: Path) -> None:
    assert main(["validate", str(folder / "m1"), str(folder / "data"), "--json"]) == 0
    words = [
        "fit",
        "preferences",
        str(folder / "data"),
        "--experts",
        "2",
        "--pairs",
        "30",
        "--length",
        "8",
    ]
    assert (
        main([*words, "--epochs", "1", "--hidden", "4", "--quiet", "--out", str(tmp_path / "p")])
        == 0
    )
    assert json.loads((tmp_path / "p" / "model.json").read_text())["net"]["experts"] == 2


def test_experts_are_a_factor_of_an_ablation(folder: Path) -> None:
    store = rw.EpisodeStore.load(folder / "data")
    grid = {"experts": ["1", "4"], "kind": ["outcome"], "width": ["4"]}
    found = ablate(store, grid, column="is_success", seeds=(0,), epochs=1, length=8)
    assert sorted(one.recipe["experts"] for one in found.recipes) == ["1", "4"]
    with pytest.raises(ConfigError, match="must be whole numbers"):
        ablate(store, {"experts": ["many"]})


def test_what_cannot_be_mixed_is_a_sentence(folder: Path) -> None:
    data = rw.EpisodeStore.load(folder / "data")
    with pytest.raises(
        ConfigError, match="top must lie between 1 and the 2 experts there are, got 3"
    ):
        rw.fit("outcome", data, column="is_success", experts=2, top=3)
    with pytest.raises(ConfigError, match="experts must be of a verifier .*, got regression"):
        rw.fit("regression", data, experts=2)
    with pytest.raises(ConfigError, match="dpo fits a network of its own"):
        rw.fit("preferences", data, objective="dpo", experts=2)
    pixels = {"obs": {"sort": "box", "shape": [40, 40, 3], "dtype": "uint8"}}
    with pytest.raises(NetError, match="must pay one number for vectors, got images"):
        ExpertsNet(Inputs.of(pixels, ("obs",)))
    frozen = load_model(folder / "m1").net
    arrays = frozen.arrays()
    arrays["gate.weight"], arrays["gate.bias"] = (
        arrays["gate.weight"][..., :3],
        arrays["gate.bias"][..., :3],
    )
    from rewardwrap.rewards.experts import Experts

    with pytest.raises(ConfigError, match="a gate must choose among the experts of 2 members"):
        Experts(frozen.inputs, frozen.describe(), arrays)
