"""Regression on logged rewards (handbook 1.1, 1.3) and on returns (1.2)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rewardwrap.core.errors import ConfigError
from rewardwrap.data import EpisodeStore
from rewardwrap.nets.network import RewardNet, build
from rewardwrap.nets.objectives.regression import (
    Regression,
    Scaling,
    gaussian_nll,
    mixture,
    pinball,
    regression_table,
)
from rewardwrap.nets.paid import Encoded, NetError
from rewardwrap.nets.returns import discounted, returns_to_go
from rewardwrap.nets.reward_recipe import fit_regression
from rewardwrap.nets.tables import Table
from rewardwrap.nets.trainer import fit
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.statistics.ranking import r2


def test_scaling_by_hand():
    scaling = Scaling.of([1.0, np.nan, 3.0, 5.0])
    assert scaling.mean == pytest.approx(3.0, abs=1e-5)
    assert scaling.sd == pytest.approx(1.63299, abs=1e-5)
    want = [-1.22474, np.nan, 0.0, 1.22474]
    np.testing.assert_allclose(scaling.apply([1.0, np.nan, 3.0, 5.0]), want, atol=1e-5)


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20), st.floats(0.1, 10), st.floats(-5, 5)
)
def test_the_best_constant_has_a_scaled_loss_of_1_whatever_the_unit(values, factor, shift):
    if np.ptp(values) < 1e-3:
        return
    for target in (np.array(values), factor * np.array(values) + shift):
        assert np.square(Scaling.of(target).apply(target)).mean() == pytest.approx(1.0)


def test_targets_that_are_all_alike_have_a_deviation_of_1():
    assert Scaling.of([4.0, 4.0]).sd == 1.0


@pytest.mark.parametrize(("sd", "want"), [(0.5, 1.30685), (1.0, 0.5), (2.0, 0.81815)])
def test_gaussian_likelihood_by_hand(sd, want):
    got = gaussian_nll(torch.tensor(0.0), torch.tensor(2 * math.log(sd)), torch.tensor(1.0))
    assert float(got) == pytest.approx(want, abs=1e-5)


@given(st.floats(0.05, 20))
def test_the_likelihood_is_best_at_the_size_of_the_error(error):
    def loss(sd: float) -> float:
        zero, logvar = torch.tensor(0.0, dtype=torch.float64), torch.tensor(2 * math.log(sd))
        return float(gaussian_nll(zero, logvar.double(), torch.tensor(error).double()))

    assert loss(error) <= min(loss(0.9 * error), loss(1.1 * error))


def test_pinball_at_the_median_is_half_the_absolute_error():
    assert float(pinball(torch.tensor([[1.0]]), torch.tensor([4.0]))) == pytest.approx(1.5)


def test_the_variance_of_a_mixture_is_the_law_of_total_variance():
    mean, logvar = torch.tensor([0.0, 2.0]), torch.log(torch.tensor([1.0, 3.0]))
    got_mean, got_variance = mixture(mean, logvar)
    assert float(got_mean) == pytest.approx(1.0)
    assert float(got_variance) == pytest.approx(3.0)


def test_missing_rows_change_neither_loss_nor_gradient(line):
    store = line()
    net = build(store, hidden=(8,))
    reward = store.reward.copy()
    reward[5:40] = np.nan
    whole = regression_table(net, store.transitions(), reward, Scaling(0.0, 1.0))
    kept = ~np.isnan(reward)
    assert len(whole) == kept.sum()
    loss = Regression().losses(net, whole)
    alone = regression_table(net, store.transitions(), store.reward, Scaling(0.0, 1.0))
    picked = Regression().losses(net, alone)[:, torch.as_tensor(np.flatnonzero(kept))]
    torch.testing.assert_close(loss, picked)


def test_predictions_follow_the_unit_of_the_reward(line):
    store = line()
    paid = []
    for scale, shift in ((1.0, 0.0), (4.0, -3.0)):
        other = replace(store, reward=scale * store.reward + shift)
        net = fit_regression(other, epochs=3, hidden=(16,)).net
        paid.append(net.freeze()(other.transitions()))
    np.testing.assert_allclose(paid[1], 4.0 * paid[0] - 3.0, atol=1e-3)


def test_all_rewards_missing_is_refused(line):
    store = line()
    store.reward[:] = np.nan
    with pytest.raises(NetError, match=r"targets must hold at least one number, got \d+ missing"):
        fit_regression(store)


def test_one_episode_is_refused(line):
    with pytest.raises(ValueError, match="at least two episodes, got 1"):
        fit_regression(line(episodes=1))


def test_no_episode_is_on_both_sides(swinging):
    metrics = fit_regression(swinging, epochs=1).metrics
    sides = [set(ids) for ids in metrics["episodes"].values()]
    assert not sides[0] & sides[1]
    assert sides[0] | sides[1] == set(swinging.ids.tolist())


def test_missing_rewards_cost_nothing_and_zeros_in_their_place_do(record):
    """Miniature: 20 % of the rewards of Pendulum missing; against zero-filling and a constant."""
    store = record(60, missing=0.2, steps=100)
    truth = record(60, steps=100)
    fitted = fit_regression(store, seed=0)
    held = fitted.metrics["episodes"]["heldout"]
    chosen = truth.select(np.isin(truth.ids, held))
    good = r2(fitted.net.freeze()(chosen.transitions()), chosen.reward)
    filled = replace(store, reward=np.nan_to_num(store.reward))
    zero = fit_regression(filled, seed=0, epochs=30).net.freeze()(chosen.transitions())
    assert good >= 0.99
    assert good >= r2(zero, chosen.reward) + 0.03
    assert fitted.metrics["null"]["r2"] < 0.05


@pytest.mark.parametrize("head", ["gaussian", "quantile"])
def test_other_heads_fit_too_and_know_where_it_is_noisy(head):
    draws = np.random.default_rng(0)
    x = draws.uniform(-2, 2, 2001)
    sd = 0.1 + np.abs(x[:-1])
    episode = {
        "obs": x[:, None],
        "action": np.zeros(2000, int),
        "reward": x[:-1] + sd * draws.normal(size=2000),
        "terminated": np.zeros(2000, bool),
        "truncated": np.zeros(2000, bool),
    }
    store = EpisodeStore.from_episodes([episode])
    net = build(store, ("obs",), hidden=(32,), head=head)
    batch = store.transitions()
    net.normalise(net.encode(batch))
    table = regression_table(net, batch, store.reward, Scaling(0.0, 1.0))
    fit(net, Regression(), table, epochs=40, lr=5e-3, batch=100)
    with torch.no_grad():
        found = net.columns(table.rows)[0].numpy()
    spread = np.exp(found[:, 1] / 2) if head == "gaussian" else np.ptp(found, axis=1)
    assert np.corrcoef(spread, sd)[0, 1] > 0.9
    said = found[:, 0] if head == "gaussian" else found.mean(axis=1)
    assert np.corrcoef(said, x[:-1])[0, 1] > 0.95


@torch.no_grad()
def test_huber_is_the_square_near_zero_and_linear_far_away():
    net = build_scalar()
    near = Regression(loss="huber").losses(net, scalar_table(net, 0.5))
    far = Regression(loss="huber").losses(net, scalar_table(net, 11.0))
    assert float(near) == pytest.approx(0.125, abs=1e-5)
    assert float(far) == pytest.approx(10.5, abs=1e-5)


def build_scalar():
    net = RewardNet(Inputs.of_fields(["x"]), hidden=(), dtype="float64")
    with torch.no_grad():
        net.weights[0].zero_()
        net.biases[0].zero_()
    return net


def scalar_table(net, target):
    one = torch.ones(1, dtype=torch.float64)
    return Table(
        Encoded(torch.zeros(1, 1, dtype=torch.float64)),
        {"row": torch.tensor([0]), "target": one * target, "weight": one},
    )


def walk(terminated: bool, reward=(1.0, 0.0, 2.0)) -> EpisodeStore:
    steps = len(reward)
    return EpisodeStore.from_episodes(
        [
            {
                "obs": np.zeros((steps + 1, 1)),
                "action": np.zeros(steps, int),
                "reward": list(reward),
                "terminated": [0] * (steps - 1) + [int(terminated)],
                "truncated": [0] * (steps - 1) + [int(not terminated)],
            }
        ]
    )


def test_returns_to_go_by_hand():
    np.testing.assert_allclose(returns_to_go(walk(True), 0.5), [1.5, 1.0, 2.0], atol=1e-5)
    with_tail = returns_to_go(walk(False), 0.5, tail=[4.0])
    np.testing.assert_allclose(with_tail, [2.0, 2.0, 4.0], atol=1e-5)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=12), st.floats(0, 1))
def test_a_return_is_the_reward_and_the_discounted_return_behind_it(reward, gamma):
    found = discounted(np.array(reward), gamma, 0.0)
    np.testing.assert_allclose(found[:-1], np.array(reward[:-1]) + gamma * found[1:], atol=1e-9)
    assert found[-1] == pytest.approx(reward[-1])


def test_with_gamma_0_a_return_is_the_reward():
    np.testing.assert_allclose(returns_to_go(walk(False), 0.0), [1.0, 0.0, 2.0])


def test_rows_before_an_unknown_tail_are_masked_not_zeroed():
    found = returns_to_go(walk(False, (1.0,) * 40), 0.9, tolerance=0.05)
    known = np.flatnonzero(~np.isnan(found))
    # 0.9^28 > 0.05 >= 0.9^29
    assert known.tolist() == list(range(40 - 28))
    with pytest.raises(ConfigError, match="gamma must lie in"):
        returns_to_go(walk(True), 1.2)


def test_a_tail_is_worth_its_bootstrap():
    """Miniature: a six-state walk, cut at 20 steps; against cutting the tail off."""
    gamma, draws = 0.9, np.random.default_rng(0)
    chain = np.zeros((6, 6))
    for s in range(6):
        chain[s, max(s - 1, 0)] += 0.5
        chain[s, min(s + 1, 5)] += 0.5
    pay = np.arange(6.0)
    value = np.linalg.solve(np.eye(6) - gamma * chain, pay)
    sums, cut, count = np.zeros(6), np.zeros(6), np.zeros(6)
    for _ in range(1500):
        path = [int(draws.integers(6))]
        for _ in range(20):
            path.append(int(np.clip(path[-1] + draws.choice((-1, 1)), 0, 5)))
        reward = pay[path[:-1]]
        np.add.at(sums, path[:-1], discounted(reward, gamma, value[path[-1]]))
        np.add.at(cut, path[:-1], discounted(reward, gamma, 0.0))
        np.add.at(count, path[:-1], 1)
    assert np.abs(sums / count - value).max() < 0.5
    assert np.abs(cut / count - value).max() > 1.0
