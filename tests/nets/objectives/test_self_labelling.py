"""SURF and self-evolved rewards: what they do, and that they do no harm (handbook 2.5, 3.2)."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rewardwrap.annotate.teachers import Teacher, answers, random_pairs
from rewardwrap.core.errors import ConfigError
from rewardwrap.nets.network import RewardNet, build
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.objectives.ser import (
    APART,
    NEAR,
    SelfEvolved,
    accuracy_of,
    temperature_of,
)
from rewardwrap.nets.objectives.surf import Surf, cropped
from rewardwrap.nets.tables import Table, pairs_table
from rewardwrap.nets.trainer import fit
from tests.nets.conftest import Paying, clips

EASY = SelfEvolved(sure=0.6, precision=0.0)
"""30 labels make nobody sure of much."""


@pytest.fixture
def world(swinging):
    """A bounded network fitted on 30 labels, the labels, unlabelled pairs, and pairs to judge by."""
    train, held = swinging.split(0.25, seed=0)
    asked, _ = answers(Teacher(), random_pairs(train, 20), 30, seed=0)
    more, _ = answers(Teacher(), random_pairs(train, 20), 150, seed=1)
    judged, _ = answers(Teacher(), random_pairs(held, 20), 200, seed=2)
    net = build(train, hidden=(32,), bound=1.0)
    net.normalise(net.encode(train.transitions()))
    tables = [pairs_table(net, each) for each in (asked, more, judged)]
    return net, *tables


def test_a_crop_keeps_one_length_for_both_sides_and_moves_each(world):
    _, labelled, _, _ = world
    draws = torch.Generator().manual_seed(0)
    inside = cropped(labelled, 10, draws)["coefficient"]
    lengths = inside.sum(-1)
    assert (lengths[:, 0] == lengths[:, 1]).all()
    assert 10 <= lengths.min() < lengths.max() <= 20
    begin = inside.argmax(-1)
    assert (begin[:, 0] != begin[:, 1]).any()
    # what is kept is one piece
    assert (inside.diff(dim=-1).abs().sum(-1) <= 2).all()
    assert cropped(labelled, 0, draws) is labelled


def test_with_an_empty_mask_surf_is_the_preference_loss(world):
    net, labelled, unlabelled, _ = world
    rule = Surf(unlabelled, crop=0, tau=1.0)
    torch.testing.assert_close(rule.losses(net, labelled), BradleyTerry().losses(net, labelled))


def test_pseudo_labels_carry_no_gradient_themselves(world):
    net, _, unlabelled, _ = world
    rule = Surf(unlabelled, crop=0, tau=0.5)
    found = rule.pseudo(net, unlabelled)
    paid = net(unlabelled.seen("steps")).sum(-1)
    gap = paid[..., 1] - paid[..., 0]
    want = torch.nn.functional.softplus(-gap.abs())
    torch.testing.assert_close(found, want, atol=1e-5, rtol=1e-4)


def test_surf_by_hand(table, paying):
    """P = sigmoid(3) = .953: sure at .95, and then softplus(-3) = .048587."""
    pair = table([[[1.0, 1.0], [2.0, 3.0]]])
    assert float(Surf(pair, crop=0, tau=0.95).pseudo(paying(), pair).detach()) == pytest.approx(
        0.048587, abs=1e-5
    )
    assert float(Surf(pair, crop=0, tau=0.96).pseudo(paying(), pair).detach()) == 0.0


def test_surf_does_no_harm(world):
    """Miniature: 30 labels with and without 150 unlabelled pairs; a null result is expected."""
    net, labelled, unlabelled, judged = world
    accuracy = []
    for rule in (BradleyTerry(), Surf(unlabelled, crop=5, ratio=3)):
        one = copy.deepcopy(net)
        fit(one, rule, labelled, epochs=30, batch=15, lr=2e-3)
        accuracy.append(accuracy_of(one, judged))
    assert accuracy[0] > 0.6
    assert accuracy[1] >= accuracy[0] - 0.05


def test_an_untrained_network_is_sure_of_nothing(world):
    """However large its numbers: T grows until they say as little as they know."""
    net, _, unlabelled, judged = world
    for factor in (1.0, 50.0):
        with torch.no_grad():
            for parameter in (net.weights[-1], net.biases[-1]):
                parameter.mul_(factor)
        for status in (APART, NEAR):
            kept, _ = SelfEvolved().label(net, unlabelled, temperature_of(net, judged), status)
            assert kept.double().mean() < 0.05


@given(st.floats(0.51, 0.99), st.floats(0.0, 0.3), st.floats(0.1, 10))
def test_a_higher_threshold_keeps_no_more_and_good_against_bad_is_a_part_of_what_is_sure(
    sure, more, heat
):
    pairs = clips(np.random.default_rng(0).normal(size=(40, 2, 3)))
    strict, loose = SelfEvolved(sure=min(sure + more, 1.0)), SelfEvolved(sure=sure)
    for status in (APART, NEAR):
        one, other = (rule.label(Paying(), pairs, heat, status)[0] for rule in (strict, loose))
        assert not (one & ~other).any()
    apart, near = (loose.label(Paying(), pairs, heat, status)[0] for status in (APART, NEAR))
    assert not (apart & ~near).any()


def test_labels_by_hand():
    """Returns 2 and 0 at T = 1: P = sigmoid(-2) = .119, so that a is called better from .88 on."""
    pair = clips([[[2.0], [0.0]]])
    kept, label = SelfEvolved(sure=0.88).label(Paying(), pair, 1.0, NEAR)
    assert bool(kept)
    assert float(label) == 0.0
    assert not bool(SelfEvolved(sure=0.881).label(Paying(), pair, 1.0, NEAR)[0])


def fitted(world):
    net, labelled, unlabelled, judged = world
    fit(net, BradleyTerry(), labelled, epochs=30, batch=15, lr=2e-3)

    def retrain(model: torch.nn.Module, own: Table) -> None:
        fit(model, BradleyTerry(), own, epochs=2, batch=30)
        fit(model, BradleyTerry(), labelled, epochs=5, batch=15)

    return net, unlabelled, judged, retrain


def test_a_round_that_makes_it_worse_is_taken_back(world):
    net, unlabelled, judged, _ = fitted(world)
    before = copy.deepcopy(net.state_dict())

    def ruin(model: RewardNet, own: Table) -> None:
        with torch.no_grad():
            for parameter in (model.weights[-1], model.biases[-1]):
                parameter.neg_()

    done, own = EASY.run(net, unlabelled, judged, ruin)
    assert [each.rolled_back for each in done] == [True]
    assert own is None
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name])


def test_an_audit_that_contradicts_ends_the_loop(world):
    net, unlabelled, judged, retrain = fitted(world)
    heard: list[int] = []

    def ask(places: np.ndarray) -> np.ndarray:
        heard.append(len(places))
        return np.full(len(places), 0.5)

    done, own = EASY.run(net, unlabelled, judged, retrain, ask)
    assert [(each.precision, each.rolled_back) for each in done] == [(0.5, True)]
    assert own is None
    assert heard == [done[0].audited]


def test_what_the_audit_heard_replaces_the_label(world):
    net, unlabelled, judged, retrain = fitted(world)
    truth = unlabelled["preferred"].numpy()
    rule = replace(EASY, precision=0.0, tolerance=1.0, rounds=1, audit=1.0)
    done, own = rule.run(net, unlabelled, judged, retrain, lambda places: truth[places])
    assert own is not None
    assert done[0].audited == len(own)
    assert torch.equal(own["preferred"], unlabelled["preferred"][_kept(own, unlabelled)])
    assert (own["weight"] == 0.5).all()


def _kept(own: Table, unlabelled: Table) -> list[int]:
    steps = unlabelled["steps"].tolist()
    return [steps.index(row) for row in own["steps"].tolist()]


def test_it_goes_on_to_near_pairs_and_stops_where_nothing_is_new(world):
    net, unlabelled, judged, _ = fitted(world)
    done, own = EASY.run(net, unlabelled, judged, lambda model, own: None)
    assert [each.status for each in done][:1] == [APART]
    assert len(done) <= 2
    assert own is not None
    strict = replace(EASY, sure=1.0)
    assert strict.run(net, unlabelled, judged, lambda model, own: None) == ([], None)


def test_without_a_round_that_stands_it_is_the_fit_of_all_human_answers(swinging):
    asked, _ = answers(Teacher(), random_pairs(swinging, 20), 40, seed=0)
    nets = [build(swinging, hidden=(8,)) for _ in range(2)]
    for net in nets:
        net.normalise(net.encode(swinging.transitions()))
    settings = {"epochs": 3, "batch": 64, "lr": 1e-3}
    _, record = SelfEvolved(sure=1.0).train(nets[0], asked, ask=None, seed=0, **settings)
    assert (record["rounds"], record["guarded"]) == ([], 12)
    fit(nets[1], BradleyTerry(), pairs_table(nets[1], asked), seed=0, **settings)
    judged = pairs_table(nets[0], asked)
    assert accuracy_of(nets[0], judged) == accuracy_of(nets[1], judged)
    with pytest.raises(ConfigError, match="answers must be more than 10, got 8"):
        SelfEvolved().train(nets[0], asked.select(np.arange(8)), ask=None, seed=0, epochs=1)


def test_thresholds_that_make_no_sense_are_refused(world):
    _, _, unlabelled, _ = world
    with pytest.raises(ConfigError, match="0 <= low <= high <= 1"):
        SelfEvolved(high=0.4, low=0.6)
    with pytest.raises(ConfigError, match=r"guard must lie in \(0, 1\)"):
        SelfEvolved(guard=1.0)
    with pytest.raises(ConfigError, match=r"tau must lie in \[0.5, 1\]"):
        Surf(unlabelled, tau=0.2)
