"""GDRO: DPO in groups of two, soft rankings in larger ones, and groups from a log."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

import rewardwrap as rw
from rewardwrap.data import EpisodeStore, Fragments, Preferences
from rewardwrap.nets.implicit import ImplicitReward
from rewardwrap.nets.objectives import GDRO, OBJECTIVES
from rewardwrap.nets.paid import NetError
from rewardwrap.nets.trainer import fit


def loss(s: Any, reward: Any, **options: Any) -> float:
    rule = GDRO(**{"top": 0.0, "tau": 1e-6, **options})
    return float(rule.of_scores(torch.tensor([s]), torch.tensor([reward])))


def test_groups_of_two_are_dpo() -> None:
    assert loss([0.3, -0.2], [1.0, 0.0]) == pytest.approx(0.4741, abs=1e-4)
    assert loss([-0.2, 0.3], [0.0, 1.0]) == pytest.approx(math.log1p(math.exp(-0.5)))
    assert loss([0.3, -0.2], [0.0, 1.0]) == pytest.approx(math.log1p(math.exp(0.5)))


def test_at_the_reference_every_order_costs_the_same() -> None:
    assert loss([0.0] * 3, [1.0, 2.0, 3.0]) == pytest.approx(math.log(3) + math.log(2))


def test_shifts_of_scores_or_rewards_change_nothing_and_order_does_not_matter() -> None:
    s, reward = [0.5, -0.3, 1.2, 0.0], [0.1, 0.9, 0.4, 0.2]
    told = loss(s, reward, tau=0.3)
    assert loss([x + 2.0 for x in s], reward, tau=0.3) == pytest.approx(told, abs=1e-5)
    assert loss(s, [x - 5.0 for x in reward], tau=0.3) == pytest.approx(told, abs=1e-5)
    assert loss(s[::-1], reward[::-1], tau=0.3) == pytest.approx(told, abs=1e-5)


def test_a_high_temperature_asks_for_equal_chances() -> None:
    s = torch.tensor([[0.5, -0.3, 1.2]], requires_grad=True)
    GDRO(tau=1e9, top=0.0).of_scores(s, torch.tensor([[3.0, 2.0, 1.0]])).sum().backward()
    flat = torch.zeros(1, 3, requires_grad=True)
    GDRO(tau=1e9, top=0.0).of_scores(flat, torch.tensor([[3.0, 2.0, 1.0]])).sum().backward()
    assert s.grad is not None
    assert flat.grad is not None
    assert flat.grad.abs().max() < 1e-6 < s.grad.abs().max()


def test_a_smaller_group_is_padded_without_a_trace() -> None:
    padded = GDRO(tau=0.5).of_scores(
        torch.tensor([[0.3, -0.2, 9.0, 9.0]]), torch.tensor([[0.2, 1.0, math.nan, math.nan]])
    )
    whole = GDRO(tau=0.5).of_scores(torch.tensor([[0.3, -0.2]]), torch.tensor([[0.2, 1.0]]))
    torch.testing.assert_close(padded, whole)


def test_the_likelihood_of_the_best_alone_is_kept() -> None:
    s, reward = torch.tensor([[0.3, -0.2]]), torch.tensor([[0.0, 1.0]])
    bare, kept = (GDRO(top=top).of_scores(s, reward, beta=0.5) for top in (0.0, 2.0))
    assert float(kept - bare) == pytest.approx(-2.0 * -0.2 / 0.5)


ARMS = np.array([0.0, 0.2, 1.0, 0.6])


def bandit(rewards: Any = ARMS) -> EpisodeStore:
    return EpisodeStore.from_episodes(
        [
            {
                "obs": np.full((2, 1), float(where)), "action": np.array([arm]), "reward": [worth],
                "terminated": [True], "truncated": [False], "id": f"{where}-{arm}",
            }
            for where in (0, 1)
            for arm, worth in enumerate(rewards)
        ],
        action_space=spaces.Discrete(len(rewards)),
    )  # fmt: skip


def asked(store: EpisodeStore, a: Any, b: Any) -> Preferences:
    one, other = (
        Fragments(store, np.array(i), 0 * np.array(i), 0 * np.array(i) + 1) for i in (a, b)
    )
    return Preferences(one, other, (other.returns() > one.returns()).astype(float))


def test_clips_that_began_alike_are_groups_and_other_pairs_stay_pairs() -> None:
    store = bandit()
    net = ImplicitReward.of(store, beta=1.0, hidden=())
    net.normalise(net.encode(store.transitions()))
    table = GDRO().table(net, asked(store, [0, 2, 4], [1, 3, 3]))
    rewards = table["reward"].double().numpy()
    assert sorted(map(tuple, np.nan_to_num(rewards, nan=-1).round(6))) == [
        (0.0, 0.2, 1.0, 0.6), (0.0, 0.6, -1.0, -1.0)
    ]  # fmt: skip
    halves = GDRO(size=2).table(net, asked(store, [0, 2], [1, 3]))
    assert halves["reward"].shape == (2, 2)
    unknown = bandit(np.array([np.nan, 1.0, 0.0, 0.0]))
    with pytest.raises(NetError, match="clips must have logged rewards, got 1 without"):
        GDRO().table(net, asked(unknown, [0], [1]))


def test_a_policy_learns_the_best_arm_from_the_log_alone() -> None:
    store = bandit()
    net = ImplicitReward.of(store, beta=1.0, hidden=(), dtype="float64")
    net.normalise(net.encode(store.transitions()))
    net.keep_reference()
    table = GDRO(tau=0.1).table(net, asked(store, [0, 2, 4, 6], [1, 3, 5, 7]))
    with torch.no_grad():
        before = net.log_prob(net.prepare(net.encode(store.transitions())))[0].exp()
    fit(net, GDRO(tau=0.1), table, epochs=60, lr=0.1)
    with torch.no_grad():
        after = net.log_prob(net.prepare(net.encode(store.transitions())))[0].exp()
    assert after.reshape(2, 4).argmax(dim=1).tolist() == [2, 2]
    assert (after.reshape(2, 4)[:, 2] > before.reshape(2, 4)[:, 2] + 0.2).all()


def test_a_bad_number_is_a_sentence_and_the_tag_is_known() -> None:
    assert OBJECTIVES.known()["gdro"] is GDRO
    for options in ({"tau": 0.0}, {"top": -1.0}, {"size": 1}, {"size": 2.5}):
        with pytest.raises(rw.ConfigError, match="tau must be above 0, top at least 0 and size"):
            GDRO(**options)
