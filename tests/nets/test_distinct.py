"""Rows that are shown twice are evaluated once, and what a member did not draw not at all."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rewardwrap.data import Preferences, sample_fragments
from rewardwrap.nets.distinct import SPARSE, paid_steps
from rewardwrap.nets.network import RewardNet, build
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.paid import Encoded, NetError
from rewardwrap.nets.tables import DRAWN, pairs_table
from rewardwrap.nets.trainer import fit
from rewardwrap.rewards.inputs import Inputs


class EveryStep(BradleyTerry):
    """Bradley and Terry's loss, every member on every step of every clip."""

    def losses(self, net, table):
        paid = net(table.seen("steps")).sum(-1)
        return self.of_returns(paid[..., 0], paid[..., 1], table["preferred"])


@pytest.fixture
def problem(line):
    def make(members=1, **options):
        store = line(episodes=5)
        clips = [sample_fragments(store, 60, 8, seed=i) for i in (0, 1)]
        asked = Preferences(*clips, np.random.default_rng(0).integers(2, size=60).astype(float))
        options = {"hidden": (16, 16), "dtype": "float64", **options}
        net = build(store, members=members, **options)
        net.normalise(net.encode(store.transitions()))
        return net, pairs_table(net, asked)

    return make


def gradients(net, value):
    return torch.autograd.grad(value, list(net.parameters()))


@pytest.mark.parametrize("members", [1, 3])
def test_merged_rows_pay_and_teach_the_same(problem, members):
    net, table = problem(members)
    assert len(table.rows) < table["steps"].numel() / 5
    weight = torch.rand(table["steps"].shape, dtype=torch.float64)
    whole, once = net(table.seen("steps")), paid_steps(net, table.rows, table["steps"])
    torch.testing.assert_close(once, whole)
    pairs = zip(
        gradients(net, (once * weight).sum()), gradients(net, (whole * weight).sum()), strict=True
    )
    for ours, theirs in pairs:
        torch.testing.assert_close(ours, theirs)


def test_a_network_sees_each_row_once(problem):
    net, table = problem()
    seen = []
    net.register_forward_pre_hook(lambda _, given: seen.append(given[0].x))
    paid_steps(net, table.rows, table["steps"])
    (rows,) = seen
    assert len(rows) == len(table.rows) == len(torch.unique(rows, dim=0))


def test_few_steps_of_many_rows_are_not_searched_for_twins(problem):
    net, table = problem()
    steps = table["steps"][:1]
    many = Encoded(table.rows.x.repeat(SPARSE + 20, 1))
    assert len(many) > SPARSE * steps.numel()
    torch.testing.assert_close(paid_steps(net, many, steps), net(many.take(steps)))


def test_a_member_is_not_asked_about_items_it_did_not_draw(problem):
    net, table = problem(3)
    drawn = torch.rand(len(table), 3) < 0.6
    drawn[:, 1] = False
    paid, whole = (paid_steps(net, table.rows, table["steps"], d) for d in (drawn, None))
    for m in range(3):
        torch.testing.assert_close(paid[m][drawn[:, m]], whole[m][drawn[:, m]])
        assert not paid[m][~drawn[:, m]].any()


@pytest.mark.parametrize(
    "options",
    [{}, {"bound": 2.0}, {"head": "gaussian"}, {"head": "quantile"}, {"activation": "silu"}],
)
def test_an_ensemble_learns_what_it_learns_on_every_step(problem, options):
    fitted = []
    for objective in (BradleyTerry(), EveryStep()):
        net, table = problem(3, **options)
        done = fit(net, objective, table, epochs=4, batch=16, lr=1e-2, seed=1)
        fitted.append((net, done))
    (ours, short), (theirs, long) = fitted
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        # Adam makes steps of rounding errors where a gradient is 0, as that of the last bias is
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)
    losses = [[e["train"] for e in done.history] for done in (short, long)]
    assert losses[0] == pytest.approx(losses[1])


def test_images_are_seen_by_all_members_at_once():
    space = {"sort": "box", "shape": [36, 36, 3], "dtype": "uint8"}
    net = RewardNet(Inputs.of({"obs": space}, ("obs",)), hidden=(4,), members=2, features=4)
    pixels = torch.randint(256, (6, 3, 36, 36), dtype=torch.uint8)
    rows, steps = Encoded(torch.zeros(6, 0), (pixels,)), torch.tensor([[0, 1], [1, 5], [0, 0]])
    drawn = torch.ones(3, 2, dtype=torch.bool)
    torch.testing.assert_close(paid_steps(net, rows, steps, drawn), net(rows.take(steps)))
    with pytest.raises(NetError, match="one member must see vectors"):
        net.one(0, rows)


def test_the_trainer_says_who_drew_what_only_where_members_resample(problem):
    asked = []

    class Watching(BradleyTerry):
        def losses(self, net, table):
            asked.append(DRAWN in table.items)
            return super().losses(net, table)

    for members, bootstrap in ((1, True), (2, False), (2, True)):
        net, table = problem(members)
        fit(net, Watching(), table, epochs=1, bootstrap=bootstrap)
    assert asked == [False, False, True]
