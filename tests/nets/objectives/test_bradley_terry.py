"""Preferences between clips: plain, noisy, tied, and whole rankings (handbook 2.1, 2.2, 2.6)."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rewardwrap.annotate.teachers import Teacher, answers, random_pairs
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import DataError, Fragments, Preferences, from_rankings, sample_fragments
from rewardwrap.nets.measures import pair_measures
from rewardwrap.nets.network import build
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.objectives.rankings import ListWise, rankings_table
from rewardwrap.nets.paid import NetError
from rewardwrap.nets.preference_recipe import fit_preferences
from rewardwrap.nets.tables import pairs_table
from rewardwrap.nets.trainer import fit

returns = st.floats(-30, 30)


def number(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


def loss(a: float, b: float, preferred: float, **options) -> float:
    return float(BradleyTerry(**options).of_returns(number(a), number(b), number(preferred)))


def test_the_loss_by_hand():
    b = number(3.0).requires_grad_()
    found = BradleyTerry().of_returns(number(2.0), b, number(1.0))
    found.backward()
    assert float(found.detach()) == pytest.approx(0.313262, abs=1e-5)
    assert float(b.grad) == pytest.approx(-0.268941, abs=1e-5)
    assert loss(2.0, 3.0, 0.5) == pytest.approx(0.813262, abs=1e-5)


def test_the_noisy_loss_by_hand():
    assert loss(2.0, 3.0, 1.0, flips=0.05) == pytest.approx(0.345378, abs=1e-5)
    assert math.exp(-loss(2.0, 3.0, 1.0, flips=0.05)) == pytest.approx(0.707953, abs=1e-5)


def test_davidsons_chances_by_hand():
    for label, want in ((0.0, 0.50648), (0.5, 0.30720), (1.0, 0.18632)):
        assert math.exp(-loss(1.0, 0.0, label, ties=1.0)) == pytest.approx(want, abs=1e-5)


@given(returns, returns, st.floats(0, 1), st.sampled_from([{}, {"flips": 0.2}, {"ties": 0.7}]))
def test_swapping_the_clips_and_the_label_changes_nothing(a, b, p, options):
    assert loss(a, b, p, **options) == pytest.approx(loss(b, a, 1 - p, **options), abs=1e-6)


@given(returns, returns, st.floats(0, 1), st.floats(-50, 50), st.booleans())
def test_a_constant_added_to_both_returns_changes_nothing(a, b, p, c, noisy):
    options = {"flips": 0.1} if noisy else {"ties": 0.5}
    want = loss(a, b, p, **options)
    assert loss(a + c, b + c, p, **options) == pytest.approx(want, abs=1e-7)


@given(st.floats(-4, 4), st.floats(-4, 4), st.floats(0, 1))
def test_no_flips_and_hardly_any_ties_are_the_plain_loss(a, b, p):
    assert loss(a, b, p, flips=1e-12) == pytest.approx(loss(a, b, p), abs=1e-6)
    if p in (0.0, 1.0):
        assert loss(a, b, p, ties=1e-12) == pytest.approx(loss(a, b, p), abs=1e-6)


@given(st.floats(-5, 5), st.floats(0.01, 0.45))
def test_with_the_right_rate_the_expected_loss_is_least_at_the_truth(gap, flips):
    said = flips + (1 - 2 * flips) / (1 + math.exp(-gap))

    def expected(guess: float) -> float:
        return loss(0, guess, 1.0, flips=flips) * said + loss(0, guess, 0.0, flips=flips) * (
            1 - said
        )

    assert expected(gap) <= min(expected(gap + 0.3), expected(gap - 0.3)) + 1e-12


def test_equal_clips_cost_log_2_and_a_tie_at_equal_returns_has_no_gradient():
    b = number(4.0).requires_grad_()
    found = BradleyTerry().of_returns(number(4.0), b, number(0.5))
    found.backward()
    assert float(found.detach()) == pytest.approx(math.log(2))
    assert float(b.grad) == 0.0


def test_the_loss_is_finite_however_far_apart():
    for options in ({}, {"flips": 0.1}, {"ties": 1.0}):
        assert math.isfinite(loss(0.0, 1e4, 0.0, **options))
        assert math.isfinite(loss(1e4, 0.0, 0.5, **options))
    assert loss(0.0, 1e4, 0.0, flips=0.1) < 3


def test_clips_of_unequal_length_make_a_constant_matter(table, paying):
    short = table([[[1.0, 0.0], [1.0, 1.0]]], preferred=[1.0])
    masked = short.having(coefficient=torch.tensor([[[1.0, 0.0], [1.0, 1.0]]], dtype=torch.float64))
    net = paying()
    assert float(BradleyTerry().losses(net, masked).detach()) == pytest.approx(
        math.log1p(math.exp(-1))
    )


def test_members_may_be_permuted(swinging):
    asked, _ = answers(Teacher(), random_pairs(swinging, 10), 20, seed=0)
    net = build(swinging, members=3, hidden=(8,))
    found = BradleyTerry().losses(net, pairs_table(net, asked))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(parameter[[2, 0, 1]].clone())
    again = BradleyTerry().losses(net, pairs_table(net, asked))
    torch.testing.assert_close(again, found[[2, 0, 1]])


def test_rates_that_make_no_sense_are_refused():
    with pytest.raises(ConfigError, match=r"flips must lie in \[0, 0.5\), got 0.5"):
        BradleyTerry(flips=0.5)
    with pytest.raises(ConfigError, match="Use one of them"):
        BradleyTerry(flips=0.1, ties=1.0)


def test_a_ranking_by_hand():
    paid, place = torch.tensor([[2.0, 1.0, 0.0]]), torch.tensor([[1.0, 2.0, 3.0]])
    assert float(ListWise().of_returns(paid, place)) == pytest.approx(0.251150, abs=1e-5)


@given(st.lists(returns, min_size=3, max_size=6), st.randoms(use_true_random=False))
def test_the_order_in_which_clips_are_listed_changes_nothing(paid, shuffle):
    place = list(range(1, len(paid) + 1))
    order = list(range(len(paid)))
    shuffle.shuffle(order)

    def of(which):
        one = torch.tensor([[paid[i] for i in which]], dtype=torch.float64)
        return float(ListWise().of_returns(one, torch.tensor([[float(place[i]) for i in which]])))

    assert of(order) == pytest.approx(of(range(len(paid))), abs=1e-6)


@given(returns, returns, st.sampled_from([(1.0, 2.0), (2.0, 1.0), (1.0, 1.0)]))
def test_a_ranking_of_two_is_a_pair(a, b, place):
    label = {(1.0, 2.0): 0.0, (2.0, 1.0): 1.0, (1.0, 1.0): 0.5}[place]
    paid = torch.tensor([[a, b]], dtype=torch.float64)
    found = ListWise().of_returns(paid, torch.tensor([place]))
    assert float(found) == pytest.approx(loss(a, b, label), abs=1e-6)


def test_rankings_are_one_item_each_and_padding_counts_nothing(swinging):
    clips = sample_fragments(swinging, 7, 5, seed=0)
    place = [1, 2, 3, 1, 2, np.nan, 1]
    ranking = [0, 0, 0, 1, 1, 1, 2]
    net = build(swinging, hidden=(8,), dtype="float64")
    whole = rankings_table(net, clips, place, ranking)
    assert len(whole) == 2
    pairs = pairs_table(net, from_rankings(clips, place, ranking))
    each = BradleyTerry().losses(net, pairs).detach()[0]
    found = ListWise().losses(net, whole).detach()[0]
    torch.testing.assert_close(found, torch.stack([each[:3].mean(), each[3]]))
    with pytest.raises(NetError, match="rankings must place at least two clips"):
        rankings_table(net, clips, [1] * 7, range(7))


def test_rankings_of_four_do_the_work_of_six_pairs(record):
    """Miniature: 60 rankings of 4 against 60 pairs, and against guessing."""
    store = record(40)
    train, held = store.split(0.25, seed=0)
    judged, _ = answers(Teacher(), random_pairs(held, 15), 300, seed=1)
    clips = sample_fragments(train, 240, 15, seed=0)
    groups = np.repeat(np.arange(60), 4)
    truth = clips.returns().reshape(60, 4)
    place = (truth.argsort(1)[:, ::-1].argsort(1) + 1).ravel()
    accuracy = []
    for objective in ("rankings", "pairs"):
        net = build(train, hidden=(32,), members=2)
        net.normalise(net.encode(train.transitions()))
        if objective == "rankings":
            data, rule = rankings_table(net, clips, place, groups), ListWise()
        else:
            asked, _ = answers(Teacher(), random_pairs(train, 15), 60, seed=0)
            data, rule = pairs_table(net, asked), BradleyTerry()
        fit(net, rule, data, epochs=60, batch=30, lr=2e-3)
        accuracy.append(pair_measures(net, judged, 1.0)["pair_accuracy"])
    assert accuracy[0] > 0.8
    assert accuracy[0] >= accuracy[1] - 0.02


@pytest.fixture(scope="module")
def long():
    from tests.nets.conftest import pendulum

    return pendulum(60, steps=100)


def test_preferences_teach_the_reward(long):
    """Miniature: 200 pairs of Pendulum clips, three seeds; the null model scores one half."""
    found = [
        fit_preferences(long, pairs=200, seed=seed, members=1, hidden=(32, 32)).metrics
        for seed in range(3)
    ]
    accuracy = sorted(m["heldout"]["pair_accuracy"] for m in found)
    assert accuracy[1] > 0.88
    assert accuracy[0] > 0.84
    assert all(m["heldout"]["brier"] < m["null"]["brier"] / 2 for m in found)
    assert set(found[0]["episodes"]["train"]).isdisjoint(found[0]["episodes"]["heldout"])


@pytest.mark.slow
def test_a_noise_aware_loss_is_better_with_a_fifth_of_the_labels_flipped(long):
    """Miniature: 400 pairs, 20 % flipped, four seeds."""
    plain, aware = (
        [
            fit_preferences(
                long, teacher=Teacher(mistake=0.2), pairs=400, seed=seed, objective=rule
            ).metrics["heldout"]["pair_accuracy"]
            for seed in range(4)
        ]
        for rule in (BradleyTerry(), BradleyTerry(flips=0.2))
    )
    assert np.mean(aware) >= np.mean(plain) + 0.02


def test_given_preferences_are_split_so_that_no_episode_is_on_both_sides(long):
    asked, _ = answers(Teacher(), pairs_inside_groups(long), 200, seed=0)
    fitted = fit_preferences(long, preferences=asked, epochs=3, hidden=(8,))
    sides = fitted.metrics["episodes"]
    assert set(sides["train"]).isdisjoint(sides["heldout"])
    assert fitted.metrics["judged_by"] == "the annotators"


def pairs_inside_groups(store):
    """Pairs of episodes 2i and 2i + 1: many components."""

    def draw(count, rng):
        even = 2 * rng.integers(len(store) // 2, size=count)
        start = rng.integers(50, size=(2, count))
        length = np.full(count, 20)
        return Fragments(store, even, start[0], length), Fragments(
            store, even + 1, start[1], length
        )

    return draw


def test_labels_that_contradict_each_other_are_counted(long):
    clip = sample_fragments(long, 40, 20, seed=0)
    a, b = clip.select(np.arange(0, 40, 2)), clip.select(np.arange(1, 40, 2))
    twice = Preferences(
        a.select(np.tile(np.arange(20), 2)),
        b.select(np.tile(np.arange(20), 2)),
        np.repeat([1.0, 0.0], 20),
    )
    labels = fit_preferences(long, preferences=twice, epochs=1, hidden=(4,)).metrics["labels"]
    assert labels["contradicting"] == labels["repeated"] > 0


def test_a_pair_across_episodes_and_nothing_but_skipped_questions_are_refused(long):
    with pytest.raises(DataError, match="fragment 0 must lie inside one episode"):
        Fragments(long, np.array([0]), np.array([90]), np.array([20]))
    clip = sample_fragments(long, 2, 20, seed=0)
    nothing = Preferences(clip.select([0]), clip.select([1]), np.array([np.nan]))
    net = build(long)
    with pytest.raises(NetError, match="at least one answer, got 1 skipped"):
        pairs_table(net, nothing)
