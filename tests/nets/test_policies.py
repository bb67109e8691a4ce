"""PRDP and DPO: rewards read off a policy (handbook 2.9, 2.10)."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from rewardwrap.annotate.teachers import Teacher, answers, random_pairs
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import EpisodeStore, Fragments, Preferences
from rewardwrap.nets.implicit import ImplicitReward
from rewardwrap.nets.measures import pair_measures
from rewardwrap.nets.network import build
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.objectives.prdp import Differences
from rewardwrap.nets.objectives.ser import accuracy_of
from rewardwrap.nets.paid import NetError
from rewardwrap.nets.tables import clips_table, pairs_table
from rewardwrap.nets.trainer import fit
from rewardwrap.rewards.inputs import Inputs

REFERENCE, REWARD = np.array([0.5, 0.3, 0.2]), np.array([1.0, 0.0, -1.0])
OPTIMAL = (0.784399, 0.173139, 0.042463)
numbers = st.floats(-5, 5)


def bandit() -> EpisodeStore:
    """Three episodes of one step, one for each arm."""
    return EpisodeStore.from_episodes(
        [
            {
                "obs": np.zeros((2, 1)),
                "action": np.array([arm]),
                "reward": REWARD[[arm]],
                "terminated": [True],
                "truncated": [False],
                "id": str(arm),
            }
            for arm in range(3)
        ],
        action_space=spaces.Discrete(3),
    )


def policy(beta: float) -> ImplicitReward:
    """A softmax over three arms that starts at the reference."""
    net = ImplicitReward.of(bandit(), beta=beta, hidden=(), dtype="float64")
    net.normalise(net.encode(bandit().transitions()))
    with torch.no_grad():
        net.actor.weights[0].zero_()
        net.actor.biases[0].copy_(torch.log(torch.as_tensor(REFERENCE)))
    net.keep_reference()
    return net


def chances(net: ImplicitReward) -> np.ndarray:
    with torch.no_grad():
        rows = net.prepare(net.encode(bandit().transitions()))
        return np.exp(net.log_prob(rows)[0].numpy())


def all_pairs() -> tuple[Fragments, Fragments]:
    a, b = np.array([0, 0, 1]), np.array([1, 2, 2])
    zero = np.zeros(3, int)
    return Fragments(bandit_store, a, zero, zero + 1), Fragments(bandit_store, b, zero, zero + 1)


bandit_store = bandit()


def test_prdp_reaches_its_optimum_by_hand():
    """pi* ~ pi_ref exp(R / beta)."""
    net = policy(1.0)
    a, b = all_pairs()
    table = clips_table(net, bandit_store, (a, b))
    gap = torch.as_tensor(b.returns() - a.returns())
    fit(net, Differences(), table.having(gap=gap), epochs=600, lr=0.05)
    np.testing.assert_allclose(chances(net), OPTIMAL, atol=1e-5)


def test_dpo_with_soft_labels_reaches_the_same_optimum():
    net = policy(1.0)
    a, b = all_pairs()
    soft = 1 / (1 + np.exp(-(b.returns() - a.returns())))
    table = pairs_table(net, Preferences(a, b, soft))
    fit(net, BradleyTerry(), table, epochs=1200, lr=0.05)
    np.testing.assert_allclose(chances(net), OPTIMAL, atol=1e-4)


def test_dpo_by_hand():
    a, b = torch.tensor(-0.1), torch.tensor(0.1)
    found = BradleyTerry().of_returns(a, b, torch.tensor(1.0))
    assert float(found) == pytest.approx(0.598139, abs=1e-5)
    assert math.exp(-float(found)) == pytest.approx(0.549834, abs=1e-5)


def test_at_the_reference_every_pair_costs_log_2(swinging):
    asked, _ = answers(Teacher(), random_pairs(swinging, 10), 20, seed=0)
    net = ImplicitReward.of(swinging, hidden=(8,), members=2)
    net.normalise(net.encode(swinging.transitions()))
    found = BradleyTerry().losses(net, pairs_table(net, asked)).detach()
    torch.testing.assert_close(found, torch.full((2, 20), math.log(2)))


@given(numbers, numbers, numbers, numbers, st.floats(-20, 20), st.floats(0.2, 3))
def test_a_constant_on_the_rewards_and_a_swap_change_nothing(ra, rb, paid_a, paid_b, c, beta):
    def residual(a, b, gap):
        return (b - a - gap / beta) ** 2

    want = residual(paid_a, paid_b, rb - ra)
    assert residual(paid_a, paid_b, (rb + c) - (ra + c)) == pytest.approx(want, abs=1e-6)
    assert residual(paid_b, paid_a, ra - rb) == pytest.approx(want, abs=1e-6)


def test_the_clip_is_off_at_the_snapshot_and_never_lowers_the_loss(swinging):
    asked, _ = answers(Teacher(), random_pairs(swinging, 5), 30, seed=0)
    net = build(swinging, hidden=(8,), members=2)
    net.normalise(net.encode(swinging.transitions()))
    gap = torch.as_tensor(asked.b.returns() - asked.a.returns()).float()
    near, free = Differences(clip=0.05), Differences()
    table = near.snapshot(net, pairs_table(net, asked).having(gap=gap))
    torch.testing.assert_close(near.losses(net, table), free.losses(net, table))
    with torch.no_grad():
        net.weights[0].mul_(1.5)
    assert (near.losses(net, table) >= free.losses(net, table)).all()
    # an item keeps its snapshot when it is taken
    some = torch.tensor([3, 1])
    torch.testing.assert_close(near.losses(net, table.take(some)), near.losses(net, table)[:, some])


def test_differences_of_returns_teach_a_reward_network(swinging):
    """Miniature: 200 differences of clip returns; against a network that was not trained."""
    train, held = swinging.split(0.25, seed=0)
    asked, _ = answers(Teacher(), random_pairs(train, 10), 200, seed=0)
    judged, _ = answers(Teacher(), random_pairs(held, 10), 200, seed=1)
    net = build(train, hidden=(32,))
    net.normalise(net.encode(train.transitions()))
    gap = torch.as_tensor(asked.b.returns() - asked.a.returns()).float()
    scale = float(gap.std())
    before = pair_measures(net, judged, 1.0)["pair_accuracy"]
    fit(net, Differences(beta=scale), pairs_table(net, asked).having(gap=gap), epochs=60, lr=3e-3)
    after = pair_measures(net, judged, 1.0)["pair_accuracy"]
    assert after > 0.85 > before + 0.1


def match(episodes: int = 40, steps: int = 30) -> EpisodeStore:
    """The right one of three actions is where the observation is largest; it pays 1."""
    draws = np.random.default_rng(0)
    made = []
    for number in range(episodes):
        obs, action = draws.normal(size=(steps + 1, 3)), draws.integers(3, size=steps)
        made.append(
            {
                "obs": obs,
                "action": action,
                "reward": (obs[:-1].argmax(1) == action).astype(float),
                "terminated": np.arange(steps) == steps - 1,
                "truncated": np.zeros(steps, bool),
                "id": str(number),
            }
        )
    return EpisodeStore.from_episodes(made, action_space=spaces.Discrete(3))


def test_an_implicit_reward_learns_what_a_policy_can_say():
    """Miniature: implicit and explicit rewards on the same 400 pairs; no order of them is claimed."""
    train, held = match().split(0.25, seed=0)
    asked, _ = answers(Teacher(), random_pairs(train, 4), 400, seed=0)
    judged, _ = answers(Teacher(), random_pairs(held, 4), 300, seed=1)
    accuracy = []
    for net in (ImplicitReward.of(train, beta=1.0, hidden=(32,)), build(train, hidden=(32,))):
        net.normalise(net.encode(train.transitions()))
        fit(net, BradleyTerry(), pairs_table(net, asked), epochs=60, lr=5e-3, batch=64)
        accuracy.append(accuracy_of(net, pairs_table(net, judged)))
    assert min(accuracy) > 0.7


def test_an_implicit_reward_cannot_pay_for_states(swinging):
    """On Pendulum, whose reward hardly depends on the action, it stays near guessing: a policy sums to 1."""
    train, held = swinging.split(0.25, seed=0)
    asked, _ = answers(Teacher(), random_pairs(train, 10), 150, seed=0)
    judged, _ = answers(Teacher(), random_pairs(held, 10), 200, seed=1)
    net = ImplicitReward.of(train, beta=1.0, hidden=(32,))
    net.normalise(net.encode(train.transitions()))
    fit(net, BradleyTerry(), pairs_table(net, asked), epochs=40, lr=3e-3, batch=64)
    assert accuracy_of(net, pairs_table(net, judged)) < 0.75


def test_what_has_no_policy_is_refused():
    two = {"sort": "digits", "shape": [2], "sizes": [2, 2], "start": [0, 0]}
    inputs = Inputs.of({"obs": {"sort": "box", "shape": [1], "dtype": "float32"}, "action": two},
                       ("obs", "action"))  # fmt: skip
    with pytest.raises(NetError, match="must have vector observations and one Discrete or Box"):
        ImplicitReward(inputs)
    with pytest.raises(ConfigError, match="beta and clip must be above 0"):
        Differences(beta=0.0)
