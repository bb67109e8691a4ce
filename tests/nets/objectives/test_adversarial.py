"""The discriminator's mathematics: its optimum, its symmetry, its forms, and what being over is worth."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from rewardwrap.core.errors import ConfigError
from rewardwrap.nets.network import RewardNet
from rewardwrap.nets.objectives.adversarial import (
    Adversarial,
    above_the_end,
    contrast_measures,
    contrast_table,
    slope,
)
from rewardwrap.nets.paid import Encoded
from rewardwrap.nets.tables import Table
from rewardwrap.nets.trainer import fit
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.outputs import fairl, softplus

NORMAL = {"sort": "box", "shape": [2], "dtype": "float64"}


def network(**options: object) -> RewardNet:
    return RewardNet(Inputs.of({"obs": NORMAL}, ("obs",)), seed=3, **options)  # type: ignore[arg-type]


def drawn(rows: int, seed: int) -> Encoded:
    draws = torch.Generator().manual_seed(seed)
    return Encoded(torch.randn(rows, 2, generator=draws))


def table(count: int = 64) -> Table:
    return contrast_table(drawn(50, 0), drawn(50, 1), count, torch.Generator().manual_seed(2))


class Counts(torch.nn.Module):
    """A logit of its own for each of k states, given one-hot."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.logits = torch.nn.Parameter(torch.zeros(k))

    def forward(self, rows: Encoded) -> Tensor:
        return (rows.x @ self.logits)[None]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_tabular_optimum_is_the_log_ratio_of_the_visits(smoothing: float) -> None:
    expert, agent = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.2, 0.2, 0.6])
    index = torch.cartesian_prod(torch.arange(10), torch.arange(10))
    states = [torch.repeat_interleave(torch.arange(3), (p * 10).long()) for p in (expert, agent)]
    every = {"demo": index[:, 0], "agent": index[:, 1] + 10, "weight": torch.ones(100)}
    rows = Encoded(torch.nn.functional.one_hot(torch.cat(states)).float())
    net = Counts(3)
    objective = Adversarial(smoothing, penalty=0.0)
    fit(net, objective, Table(rows, every), epochs=400, batch=100, lr=0.02, bootstrap=False)
    e = smoothing
    optimum = torch.log(((1 - e) * expert + e * agent) / (e * expert + (1 - e) * agent))
    assert torch.allclose(net.logits.detach(), optimum, atol=2e-3)


def test_swapping_the_labels_negates_the_logit() -> None:
    class Negated(torch.nn.Module):
        def forward(self, rows: Encoded) -> Tensor:
            return -net(rows)

    net, pairs = network(), table()
    swapped = pairs.having(demo=pairs["agent"], agent=pairs["demo"], mix=1 - pairs["mix"])
    objective = Adversarial()
    assert torch.allclose(objective.losses(net, swapped), objective.losses(Negated(), pairs))


def test_the_same_rows_on_both_sides_are_not_told_apart() -> None:
    rows, draws = drawn(2000, 0), torch.Generator().manual_seed(1)
    net = network(hidden=(16,))
    fit(net, Adversarial(), contrast_table(rows, rows, 2000, draws), epochs=5, lr=1e-3)
    fresh = contrast_table(drawn(2000, 5), drawn(2000, 6), 4000, draws)
    found = contrast_measures(net, fresh)
    assert abs(found["accuracy"] - 0.5) < 0.03
    assert abs(found["gap"]) < 0.1


def test_nothing_told_apart_costs_log_two_and_is_paid_by_form() -> None:
    net = network(hidden=())
    for value in net.parameters():
        torch.nn.init.zeros_(value)
    loss = Adversarial(penalty=0.0).losses(net, table())
    assert torch.allclose(loss, torch.full_like(loss, math.log(2)))
    zero = np.zeros(1)
    assert [float(f(zero, np)[0]) for f in (softplus, fairl)] == pytest.approx([math.log(2), 0.0])
    # cut at -10 and 4, where it stops to change
    assert fairl(np.array([-50.0, 50.0]), np) == pytest.approx(
        [10 * math.exp(-10), -4 * math.exp(4)]
    )


def test_the_slope_of_a_linear_logit_is_the_norm_of_its_weights_and_one_costs_nothing() -> None:
    net = network(hidden=())
    with torch.no_grad():
        net.weights[0].copy_(torch.tensor([[[0.6], [0.8]]]))
    assert torch.allclose(slope(net, drawn(9, 0).x), torch.ones(1, 9))
    with_it, without = (Adversarial(penalty=p).losses(net, table()) for p in (1.0, 0.0))
    assert torch.allclose(with_it, without)
    with torch.no_grad():
        net.weights[0].mul_(3)
    steep = Adversarial(penalty=0.5).losses(net, table()) - Adversarial(penalty=0.0).losses(
        net, table()
    )
    assert torch.allclose(steep, torch.full_like(steep, 0.5 * 4), atol=1e-5)


@pytest.mark.parametrize("output", [None, "softplus", "fairl"])
def test_the_frozen_network_pays_the_same_form(output: str | None) -> None:
    from rewardwrap.core.transitions import Transitions

    net = network(hidden=(8,), output=output)
    net.shift = torch.tensor([0.3])
    for rows in (3, 400):
        obs = np.random.default_rng(0).normal(size=(rows, 2))
        none = np.zeros(rows, bool)
        batch = Transitions(obs, none, obs, np.zeros(rows), none, none, none)
        paid = net.reward(net.prepare(net.encode(batch)))[0].detach().numpy()
        assert net.freeze()(batch) == pytest.approx(paid, abs=1e-5)


def test_a_weighted_demonstration_is_drawn_as_often_as_it_weighs() -> None:
    weight = torch.tensor([0.0, 1.0, 3.0])
    drawn_rows = contrast_table(drawn(3, 0), drawn(5, 1), 8000, torch.Generator(), weight)["demo"]
    share = torch.bincount(drawn_rows, minlength=3) / 8000
    assert torch.allclose(share, weight / 4, atol=0.02)


def test_what_is_over_is_worth_what_demonstrations_and_agent_make_of_it() -> None:
    # half of the horizon over, and never so in the demonstrations
    assert above_the_end(0.0, 0.5, 0.1) == pytest.approx(math.log(0.95 / 0.55) + math.log(9))
    assert above_the_end(0.3, 0.3, 0.1) == 0
    assert above_the_end(0.8, 0.2, 0.1) == pytest.approx(-above_the_end(0.2, 0.8, 0.1))


def test_pay_relative_to_being_over_ranks_as_an_absorbing_state_does() -> None:
    draws, gamma, end = np.random.default_rng(0), 0.9, -1.3
    for length in (1, 5, 20):
        logits = draws.normal(size=length)
        discount = gamma ** np.arange(length)
        absorbing = discount @ logits + gamma**length * end / (1 - gamma)
        # a constant for every episode, whatever its length
        assert discount @ (logits - end) == pytest.approx(absorbing - end / (1 - gamma))


def test_numbers_outside_their_range_are_a_sentence() -> None:
    with pytest.raises(ConfigError, match=r"smoothing must lie in \[0, .5\) .* got 0.5 and 1.0"):
        Adversarial(0.5)
