"""Outcome and process rewards (handbook 8.2)."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rewardwrap.core.errors import UnknownName
from rewardwrap.nets.network import RewardNet
from rewardwrap.nets.objectives.outcome import (
    Outcome,
    Process,
    aggregate,
    binary,
    renorm,
)
from rewardwrap.nets.paid import Encoded
from rewardwrap.nets.tables import Table
from rewardwrap.nets.trainer import fit
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.statistics.ranking import auc

chances = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def test_renorm_by_hand():
    np.testing.assert_allclose(renorm([0, 0.25, 1], 0), [-1, -0.75, 0], atol=1e-5)
    np.testing.assert_allclose(renorm([0, 0.25, 1], 1), [0, 0.25, 1], atol=1e-5)


@given(chances, st.integers(0, 1))
def test_no_step_pays_against_the_outcome(process, outcome):
    paid = renorm(process, outcome)
    assert (paid <= 0).all() if outcome == 0 else (paid >= 0).all()


@given(st.floats(0, 1), st.integers(1, 5))
def test_a_process_that_says_nothing_leaves_the_outcome(constant, length):
    gap = renorm([constant] * length, 1) - renorm([constant] * length, 0)
    np.testing.assert_allclose(gap, 1.0)


@given(chances)
def test_aggregates_are_ordered(steps):
    low, product, mean = (aggregate(steps, how) for how in ("min", "product", "mean"))
    assert product <= low + 1e-12
    assert low <= mean + 1e-12
    assert low <= product ** (1 / len(steps)) + 1e-9


def test_the_loss_by_hand_and_at_any_size():
    assert float(binary(torch.tensor(0.0), torch.tensor(1.0))) == pytest.approx(
        math.log(2), abs=1e-5
    )
    assert float(binary(torch.tensor(2.0), torch.tensor(1.0))) == pytest.approx(0.126928, abs=1e-5)
    assert float(binary(torch.tensor(1e4), torch.tensor(0.0))) == pytest.approx(1e4)


def test_an_outcome_is_judged_by_the_mean_over_the_steps_that_are_there(table, paying):
    whole = table([[[1.0, 3.0]]], success=[1.0])
    padded = table([[[1.0, 3.0, 99.0]]], success=[1.0]).having(
        coefficient=torch.tensor([[[1.0, 1.0, 0.0]]], dtype=torch.float64)
    )
    want = math.log1p(math.exp(-2))
    for items in (whole, padded):
        assert float(Outcome().losses(paying(), items).detach()) == pytest.approx(want, abs=1e-5)


def test_an_aggregate_without_a_name_is_refused():
    with pytest.raises(UnknownName, match='No aggregate "median"'):
        aggregate([0.5], "median")  # type: ignore[arg-type]


def test_knowing_which_step_failed_beats_knowing_that_one_did():
    """Miniature: success needs all ten steps; process labels against outcome labels, 100 episodes."""
    draws = np.random.default_rng(0)
    steps, count, width = 10, 400, 6
    x = draws.normal(size=(count, steps, width))
    good = x[..., 0] + 0.5 * x[..., 1] > -2.0
    success = good.all(axis=1)
    train = 100
    rows = Encoded(torch.as_tensor(x.reshape(-1, width)).float())
    place = torch.arange(count * steps).reshape(count, 1, steps)
    net = {}
    for name in ("process", "outcome"):
        net[name] = RewardNet(Inputs.of_fields([str(i) for i in range(width)]), hidden=(16,))
        if name == "process":
            target = torch.as_tensor(good[:train].ravel()).float()
            items = {"row": torch.arange(train * steps), "target": target}
            rule = Process()
        else:
            items = {"steps": place[:train], "success": torch.as_tensor(success[:train]).float()}
            rule = Outcome()
        items["weight"] = torch.ones(len(next(iter(items.values()))))
        fit(net[name], rule, Table(rows, items), epochs=60, lr=5e-3, batch=50)
    with torch.no_grad():
        chance = {
            k: torch.sigmoid(n(rows)[0]).reshape(count, steps).numpy()[train:]
            for k, n in net.items()
        }
    truth = success[train:].astype(float)
    by_steps = [aggregate(c, "min") for c in chance["process"]]
    by_outcome = [aggregate(c, "mean") for c in chance["outcome"]]
    assert auc(by_steps, truth) > 0.95
    assert auc(by_steps, truth) > auc(by_outcome, truth) + 0.05
