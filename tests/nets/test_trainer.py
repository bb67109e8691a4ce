"""One trainer for all objectives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rewardwrap.core.errors import ConfigError
from rewardwrap.nets.network import build
from rewardwrap.nets.objectives.regression import Regression, Scaling, regression_table
from rewardwrap.nets.paid import NetError
from rewardwrap.nets.trainer import fit, held_out_loss


@pytest.fixture
def problem(line):
    def make(**options):
        store = line()
        net = build(store, hidden=(16,), **options)
        batch = store.transitions()
        net.normalise(net.encode(batch))
        scaling = Scaling.of(store.reward)
        return net, regression_table(net, batch, store.reward, scaling)

    return make


def test_the_same_seed_fits_the_same_network(problem):
    results = []
    for seed in (0, 0, 1):
        net, table = problem(members=2)
        fit(net, Regression(), table, epochs=3, seed=seed)
        results.append(net.weights[0].detach().clone())
    torch.testing.assert_close(results[0], results[1], rtol=0, atol=0)
    assert not torch.equal(results[0], results[2])


def test_items_of_weight_0_change_nothing(problem):
    net, table = problem()
    other, _ = problem()
    table["weight"][::2] = 0.0
    twisted = table.having(target=table["target"].clone())
    twisted["target"][::2] = 1e3
    for model, data in ((net, table), (other, twisted)):
        fit(model, Regression(), data, epochs=2, batch=50)
    torch.testing.assert_close(net.weights[0], other.weights[0], rtol=0, atol=0)


def test_it_stops_and_keeps_the_best_weights(problem):
    net, table = problem()
    train, val = table.take(torch.arange(0, 40)), table.take(torch.arange(300, 600))
    done = fit(net, Regression(), train, val, epochs=300, patience=4, lr=2e-2)
    losses = [epoch["val"] for epoch in done.history]
    assert done.epochs < 300
    assert done.best == int(np.argmin(losses)) == done.epochs - 5
    assert held_out_loss(net, Regression(), val) == pytest.approx(min(losses), rel=1e-5)


def test_bootstrapped_members_of_one_seed_differ_only_by_what_they_drew(problem):
    net, table = problem(members=2)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter[1] = parameter[0]
    fit(net, Regression(), table, epochs=1)
    assert not torch.equal(net.weights[0][0], net.weights[0][1])


def test_progress_hears_of_every_epoch(problem):
    net, table = problem()
    heard = []
    fit(net, Regression(), table, epochs=3, progress=lambda epoch, record: heard.append(epoch))
    assert heard == [0, 1, 2]


def test_nothing_to_fit_and_a_loss_that_explodes_are_refused(problem):
    net, table = problem()
    with pytest.raises(NetError, match="fit must have items to fit, got none"):
        fit(net, Regression(), table.take(torch.arange(0)))
    with pytest.raises(NetError, match="weights must not all be 0"):
        fit(net, Regression(), table.having(weight=torch.zeros(len(table))))
    with pytest.raises(ConfigError, match="epochs must be at least 1, got 0"):
        fit(net, Regression(), table, epochs=0)
    huge = table.having(target=table["target"] * 1e30)
    with pytest.raises(NetError, match="train loss must be finite, got inf in epoch 0"):
        fit(net, Regression(), huge, epochs=1)
