"""SURF and self-evolved rewards: what they do, and that they do no harm (handbook 2.5, 3.2)."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rewardwrap.annotate.teachers import Teacher, answers, random_pairs
from rewardwrap.core.errors import ConfigError
from rewardwrap.nets.network import RewardNet, build
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.objectives.ser import SelfEvolved, accuracy_of
from rewardwrap.nets.objectives.surf import Surf, cropped
from rewardwrap.nets.tables import Table, pairs_table
from rewardwrap.nets.trainer import fit


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


@pytest.mark.parametrize(
    ("pair", "kept"), [((0.6, 0.4), True), ((0.5, 0.35), False), ((0.7, 0.39), True)]
)
def test_the_filter_by_hand(pair, kept):
    a, b = (torch.tensor([value]) for value in pair)
    assert bool(SelfEvolved().sure(a, b)) is kept
    assert bool(SelfEvolved().sure(b, a)) is kept


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.4), st.floats(0, 0.4))
def test_stricter_thresholds_keep_less(a, b, more, gap):
    one, other = torch.tensor([a]), torch.tensor([b])
    loose = SelfEvolved(high=0.55, low=0.45, gap=0.1)
    strict = SelfEvolved(high=0.55 + more, low=0.45 - more, gap=0.1 + gap)
    assert not (bool(strict.sure(one, other)) and not bool(loose.sure(one, other)))


def test_self_labels_point_to_the_higher_score_and_say_where_they_come_from(world):
    net, labelled, unlabelled, _ = world
    fit(net, BradleyTerry(), labelled, epochs=20, batch=15, lr=2e-3)
    before = labelled["preferred"].clone()
    own = SelfEvolved().label(net, unlabelled, iteration=2)
    with torch.no_grad():
        paid = net(own.seen("steps")).sum(-1)[0]
    assert ((paid[:, 1] > paid[:, 0]) == (own["preferred"] == 1)).all()
    assert (own["iteration"] == 2).all()
    assert torch.equal(labelled["preferred"], before)


def test_a_round_that_makes_it_worse_is_taken_back(world):
    net, labelled, unlabelled, judged = world
    fit(net, BradleyTerry(), labelled, epochs=30, batch=15, lr=2e-3)
    before = copy.deepcopy(net.state_dict())

    def ruin(model: RewardNet, own: Table) -> None:
        with torch.no_grad():
            for parameter in (model.weights[-1], model.biases[-1]):
                parameter.neg_()

    done = SelfEvolved().run(net, unlabelled, judged, ruin)
    assert [each.rolled_back for each in done] == [True]
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name])


def test_evolving_does_no_harm(world):
    """Miniature: the guard holds accuracy; no gain is claimed."""
    net, labelled, unlabelled, judged = world
    fit(net, BradleyTerry(), labelled, epochs=30, batch=15, lr=2e-3)
    start = accuracy_of(net, judged)

    def retrain(model: torch.nn.Module, own: Table) -> None:
        # self-labelled pairs first, human ones last, so that these have the last word
        fit(model, BradleyTerry(), own, epochs=2, batch=30)
        fit(model, BradleyTerry(), labelled, epochs=5, batch=15)

    done = SelfEvolved(rounds=2).run(net, unlabelled, judged, retrain)
    assert accuracy_of(net, judged) >= start
    assert all(0 < each.kept <= 1 for each in done)


def test_it_stops_where_too_little_is_kept(world):
    net, _, unlabelled, judged = world
    strict = SelfEvolved(high=1.0, low=0.0, gap=1.0)
    assert strict.run(net, unlabelled, judged, lambda model, own: None) == []


def test_thresholds_that_make_no_sense_are_refused(world):
    _, _, unlabelled, _ = world
    with pytest.raises(ConfigError, match="0 <= low <= high <= 1"):
        SelfEvolved(high=0.4, low=0.6)
    with pytest.raises(ConfigError, match=r"tau must lie in \[0.5, 1\]"):
        Surf(unlabelled, tau=0.2)
