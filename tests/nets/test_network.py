"""Reward networks: every space, ensembles as stacked members, frozen equal to torch."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st

from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import Transitions
from rewardwrap.nets.network import RewardNet, build
from rewardwrap.nets.objectives.regression import Regression, Scaling, regression_table
from rewardwrap.nets.paid import Encoded, NetError
from rewardwrap.nets.trainer import fit
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.parts import plain_space

ROWS = 33
PIXELS = spaces.Box(0, 255, (40, 40, 3), np.uint8)
LAYOUTS = {
    "vector, Box": (spaces.Box(-1, 1, (5,)), spaces.Box(-1, 1, (2,))),
    "matrix, Discrete from 1": (spaces.Box(-1, 1, (2, 3)), spaces.Discrete(3, start=1)),
    "Discrete, MultiBinary": (spaces.Discrete(6), spaces.MultiBinary(3)),
    "Dict, MultiDiscrete": (
        spaces.Dict({"a": spaces.Box(-1, 1, (2,)), "b": spaces.Discrete(4)}),
        spaces.MultiDiscrete([2, 3]),
    ),
    "Tuple": (
        spaces.Tuple((spaces.Box(-1, 1, (2,)), spaces.Discrete(4))),
        spaces.Discrete(2),
    ),
    "image": (PIXELS, spaces.Discrete(2)),
    "Dict with an image first channels": (
        spaces.Dict(
            {"eye": spaces.Box(0, 255, (3, 40, 40), np.uint8), "v": spaces.Box(-1, 1, (3,))}
        ),
        spaces.Box(-1, 1, (2,)),
    ),
}


def sampled(space: gym.Space, rows: int, seed: int = 0):
    space.seed(seed)
    return tree.stack([space.sample() for _ in range(rows)])


def batch_of(layout: str, rows: int = ROWS) -> Transitions:
    obs, action = LAYOUTS[layout]
    nobody = np.zeros(rows, bool)
    return Transitions(
        obs=sampled(obs, rows),
        action=sampled(action, rows, 1),
        next_obs=sampled(obs, rows, 2),
        reward=np.zeros(rows),
        terminated=np.arange(rows) % 3 == 0,
        truncated=nobody,
        first=nobody,
    )


def net_of(layout: str, reads=("obs", "action"), **options) -> RewardNet:
    obs, action = LAYOUTS[layout]
    space = {"obs": plain_space(obs), "action": plain_space(action)}
    return RewardNet(Inputs.of(space, reads), **options)


def settled(net: RewardNet, batch: Transitions) -> Encoded:
    """Rows of a network whose normalisation and output scale are not trivial."""
    encoded = net.encode(batch)
    net.normalise(encoded)
    rows = net.prepare(encoded)
    net.scale, net.shift = net.scale * 1.7, net.shift - 0.4
    return rows


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"members": 3, "activation": "silu", "head": "gaussian"},
        {"members": 2, "head": "quantile", "bound": 2.0},
        {"hidden": (), "activation": "tanh"},
        {"members": 2, "hidden": (16,), "dtype": "float64"},
    ],
    ids=["plain", "gaussian", "quantile", "linear", "double"],
)
def test_the_frozen_network_pays_what_torch_pays(layout, options):
    net = net_of(layout, ("obs", "action", "next_obs", "terminated"), **options)
    batch = batch_of(layout)
    want = net.all(settled(net, batch)).numpy()
    got = net.freeze().all(batch)
    np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("rows", [1, 8, 32, 33, 1024, 1025, 2500])
def test_few_rows_and_many_pay_the_same(rows):
    net = net_of("vector, Box")
    batch = batch_of("vector, Box", rows)
    want = net.all(settled(net, batch)).numpy()[0]
    np.testing.assert_allclose(net.freeze()(batch), want, rtol=2e-5, atol=2e-5)


def test_a_frozen_network_is_not_changed_by_later_training():
    net = net_of("vector, Box")
    batch = batch_of("vector, Box")
    frozen = net.freeze()
    before = frozen(batch)
    with torch.no_grad():
        net.weights[0].add_(1.0)
    np.testing.assert_array_equal(frozen(batch), before)


def test_the_input_normalisation_by_hand():
    store_of = {"obs": {"sort": "box", "shape": [2], "dtype": "float64"}}
    net = RewardNet(Inputs.of({**store_of, "action": {}}, ("obs",)), hidden=(), dtype="float64")
    net.normalise(Encoded(torch.tensor([[1.0, 5.0], [3.0, 5.0]], dtype=torch.float64)))
    # a column that never changes is only shifted
    assert net.mean.tolist() == [2.0, 5.0]
    assert net.sd.tolist() == [1.0, 1.0]


def test_one_hot_columns_are_not_normalised():
    net = net_of("Discrete, MultiBinary")
    net.normalise(net.encode(batch_of("Discrete, MultiBinary")))
    assert net.mean[:6].tolist() == [0.0] * 6
    assert net.sd[:6].tolist() == [1.0] * 6


@given(members=st.integers(1, 4), seed=st.integers(0, 100))
@settings(max_examples=10)
def test_an_ensemble_is_nothing_but_its_members(members, seed):
    batch = batch_of("vector, Box")
    whole = net_of("vector, Box", members=members, seed=seed)
    rows = whole.prepare(whole.encode(batch))
    for m in range(members):
        alone = net_of("vector, Box", seed=seed + m)
        torch.testing.assert_close(whole(rows)[m], alone(rows)[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layout", ["vector, Box", "image"])
def test_members_trained_side_by_side_learn_what_they_learn_alone(layout):
    batch = batch_of(layout)
    target = np.random.default_rng(0).normal(size=ROWS)

    def trained(members: int, seed: int) -> RewardNet:
        net = net_of(layout, members=members, seed=seed, hidden=(8,), features=8)
        net.normalise(net.encode(batch))
        table = regression_table(net, batch, target, Scaling(0.0, 1.0))
        fit(net, Regression(), table, epochs=3, batch=16, seed=7, bootstrap=False)
        return net

    whole = trained(2, 0)
    rows = whole.prepare(whole.encode(batch))
    for m in range(2):
        torch.testing.assert_close(whole(rows)[m], trained(1, m)(rows)[0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("rule", "k", "want"),
    [("mean", 1.0, 1.0), ("min", 1.0, 0.8), ("sd", 1.0, 0.8367007), ("uwo", 0.5, 0.9866667)],
)
def test_conservative_outputs_by_hand(rule, k, want):
    frozen = net_of("vector, Box", members=3).freeze(rule=rule, k=k)
    got = frozen.combine(np.array([[1.0], [1.2], [0.8]]))
    assert got[0] == pytest.approx(want, abs=1e-5)


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=6), st.floats(0, 3), st.floats(0.1, 10))
def test_a_guard_never_pays_more_than_the_mean(values, k, factor):
    each = np.array(values)[:, None]
    guard = {
        rule: net_of("vector, Box", members=len(values), hidden=()).freeze(rule=rule, k=k)
        for rule in ("mean", "sd", "min", "uwo")
    }
    mean = guard["mean"].combine(each)[0]
    for rule in ("sd", "min", "uwo"):
        assert guard[rule].combine(each)[0] <= mean + 1e-9
    # the deviation has the unit of the reward, the variance does not
    scaled = guard["sd"].combine(factor * each)[0]
    assert scaled == pytest.approx(factor * guard["sd"].combine(each)[0], abs=1e-6)
    alike = np.repeat(each[:1], len(values), axis=0)
    assert guard["sd"].combine(alike)[0] == pytest.approx(alike[0, 0])


def test_centred_members_have_mean_0_and_deviation_1():
    net = net_of("vector, Box", members=3)
    batch = batch_of("vector, Box")
    rows = net.prepare(net.encode(batch))
    net.center(rows)
    paid = net.all(rows)
    assert paid.mean(1).abs().max() < 1e-5
    torch.testing.assert_close(paid.std(1, correction=0), torch.ones(3))


def test_a_monotone_network_never_pays_less_for_more():
    inputs = Inputs.of_fields(["good", "bad"])
    net = RewardNet(inputs, hidden=(), signs=(1, -1), dtype="float64", seed=3)
    x = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    paid = net(Encoded(x))[0]
    assert paid[1] >= paid[0] >= paid[2]


def test_what_cannot_be_built_is_refused():
    with pytest.raises(ConfigError, match="monotone network must be linear"):
        net_of("vector, Box", signs=(1,) * 7)
    with pytest.raises(ConfigError, match='No activation "reluu"'):
        net_of("vector, Box", activation="reluu")
    with pytest.raises(ConfigError, match='No head "liner"'):
        net_of("vector, Box", head="liner")
    with pytest.raises(ConfigError, match="space must be Box"):
        plain_space(spaces.Text(3))
    with pytest.raises(ConfigError, match="reads must name some of"):
        net_of("vector, Box", reads=("info",))


def test_another_space_is_refused_with_a_sentence():
    net = net_of("vector, Box")
    with pytest.raises(
        ConfigError, match=r"obs must be what the model was trained for, shape \(5,\)"
    ):
        net.encode(batch_of("matrix, Discrete from 1"))
    batch = batch_of("matrix, Discrete from 1")
    batch.action = batch.action + 5
    with pytest.raises(ConfigError, match="whole numbers below 3, got"):
        net_of("matrix, Discrete from 1").encode(batch)


def test_inputs_that_are_not_finite_are_refused():
    batch = batch_of("vector, Box")
    batch.obs[3, 0] = np.nan
    with pytest.raises(NetError, match="inputs must be finite, got nan in row 3"):
        net_of("vector, Box").encode(batch)


def test_spaces_are_read_off_a_store_that_does_not_know_them(line):
    net = build(line())
    assert net.inputs.width == 4 + 3
    assert net.inputs.reads == ("obs", "action")


@pytest.mark.parametrize("hidden", [(), (7,), (7, 5), (7, 5, 3)])
@pytest.mark.parametrize("activation", ["relu", "tanh", "silu"])
def test_biases_that_matter_by_hand(hidden, activation):
    net = net_of("vector, Box", hidden=hidden, activation=activation, members=2)
    draw, batch = torch.Generator().manual_seed(0), batch_of("vector, Box", 300)
    with torch.no_grad():
        for weight in net.parameters():
            weight.copy_(torch.randn(weight.shape, generator=draw))
    frozen = net.freeze()
    rows = np.concatenate([batch.obs, batch.action], axis=1).astype(np.float64)
    unit = {
        "relu": lambda x: np.maximum(x, 0),
        "tanh": np.tanh,
        "silu": lambda x: x / (1 + np.exp(-x)),
    }
    for member in range(2):
        x = rows
        for i, (weight, bias) in enumerate(frozen.folded.layers):
            x = (x if i == 0 else unit[activation](x)) @ weight[member] + bias[member]
        np.testing.assert_allclose(frozen.all(batch)[member], x[:, 0], rtol=1e-4, atol=1e-4)
