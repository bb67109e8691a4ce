"""Step hints beside preferences (handbook 2.8)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from rewardwrap.core.errors import ConfigError
from rewardwrap.data import EpisodeStore, Fragments, Preferences
from rewardwrap.nets.network import RewardNet
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.objectives.treg import TReg, contrast, hints
from rewardwrap.nets.paid import Encoded, NetError
from rewardwrap.nets.tables import Table
from rewardwrap.nets.trainer import fit
from rewardwrap.rewards.inputs import Inputs


def test_the_regulariser_by_hand():
    """Margin 1: w = .268941; h = (.5, -.5), r = (1, 3): sum h r = -1, so Reg = 1."""
    paid = torch.tensor([[1.0, 3.0], [2.0, 3.0]])
    hint = torch.tensor([[0.5, -0.5], [0.0, 0.0]])
    found = TReg(mean=False).of_steps(paid, hint, paid.sum(-1), torch.tensor(1.0))
    assert float(0.25 * found) == pytest.approx(0.067235, abs=1e-5)
    assert float(TReg().of_steps(paid, hint, paid.sum(-1), torch.tensor(1.0))) == pytest.approx(
        0.268941 / 2, abs=1e-5
    )


def test_without_alpha_or_without_hints_it_is_the_preference_loss(table, paying):
    items = table([[[1.0, 3.0], [2.0, 3.0]]], preferred=[1.0], hint=[[[0.5, -0.5], [0.1, 0.2]]])
    none = items.having(hint=torch.zeros(1, 2, 2, dtype=torch.float64))
    want = BradleyTerry().losses(paying(), items).detach()
    torch.testing.assert_close(TReg(alpha=0.0).losses(paying(), items).detach(), want)
    torch.testing.assert_close(TReg(alpha=0.5).losses(paying(), none).detach(), want)


def test_hints_fade_as_the_pair_is_told_apart():
    def size(gap: float) -> float:
        paid = torch.tensor([[0.0, 0.0], [gap, 0.0]])
        hint = torch.tensor([[0.5, -0.5], [0.5, -0.5]])
        return abs(
            float(TReg().of_steps(paid, hint, paid.sum(-1), torch.tensor(1.0)) / max(gap, 1))
        )

    assert size(12.0) < 1e-3 < size(1.0)


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=9))
def test_hints_are_antisymmetric_and_bounded(ratio):
    one = torch.tensor(ratio)
    torch.testing.assert_close(hints(one), -hints(-one), atol=1e-6, rtol=0)
    assert (hints(one).abs() <= 0.5).all()


def test_an_unbounded_network_is_refused(table, paying):
    items = table([[[1.0], [2.0]]], preferred=[1.0], hint=[[[0.5], [0.0]]])
    with pytest.raises(ConfigError, match="network must be bounded, got bound None"):
        TReg().losses(paying(bound=None), items)


def share_on_key_step(alpha: float, seed: int) -> float:
    """A chain of 12 steps, of which the fifth decides; hints are right 70 % of the time."""
    draws = np.random.default_rng(seed)
    steps, key, count = 12, 4, 40
    did = draws.integers(2, size=(count, 2, steps))
    good = did[..., key]
    preferred = np.where(good[:, 1] == good[:, 0], 0.5, good[:, 1])
    sign = np.where(did == 1, 1, -1) * (np.arange(steps) == key)
    right = draws.random((count, 2, steps)) < 0.7
    hint = 0.5 * np.where(right, sign, -sign)
    # a row says which step it is and what was done there
    place = np.arange(steps) * 2 + did
    rows = Encoded(torch.eye(2 * steps))
    table = Table(
        rows,
        {
            "steps": torch.as_tensor(place),
            "preferred": torch.as_tensor(preferred).float(),
            "hint": torch.as_tensor(hint).float(),
            "weight": torch.ones(count),
        },
    )
    net = RewardNet(
        Inputs.of_fields([str(i) for i in range(2 * steps)]), hidden=(), bound=1.0, seed=seed
    )
    fit(net, TReg(alpha=alpha, mean=False), table, epochs=150, lr=1e-2, batch=40)
    with torch.no_grad():
        paid = net(rows)[0].reshape(steps, 2)
    credit = (paid[:, 1] - paid[:, 0]).abs()
    return float(credit[key] / credit.sum())


def test_hints_move_credit_to_the_step_that_earned_it():
    """Miniature: ten seeds, against the same loss without hints."""
    with_hints = [share_on_key_step(0.5, seed) for seed in range(10)]
    without = [share_on_key_step(0.0, seed) for seed in range(10)]
    assert sum(a > b for a, b in zip(with_hints, without, strict=True)) >= 8


def decided(pairs: int, seed: int, *, shuffled: bool = False) -> Preferences:
    """Chains of 8 steps with two actions; the fourth decides, and the observation tells which step it is."""
    rng, steps = np.random.default_rng(seed), 8
    did = rng.integers(2, size=(2 * pairs, steps))
    store = EpisodeStore.from_episodes(
        [
            {
                "obs": np.eye(steps + 1)[: steps + 1],
                "action": row,
                "reward": (row * (np.arange(steps) == 3)).astype(float),
                "terminated": np.arange(steps) == steps - 1,
                "truncated": np.zeros(steps, bool),
                "id": str(number),
            }
            for number, row in enumerate(did)
        ],
        action_space=spaces.Discrete(2),
    )
    zero = np.zeros(pairs, int)
    a, b = (Fragments(store, np.arange(pairs) + k * pairs, zero, zero + steps) for k in (0, 1))
    said = np.sign(did[pairs:, 3] - did[:pairs, 3]) / 2 + 0.5
    return Preferences(a, b, rng.permutation(said) if shuffled else said)


def test_it_makes_its_own_hints_and_they_point_at_the_step_that_decides():
    asked = decided(60, 0)
    found = contrast(asked)
    did = np.stack([clips.store.action[clips.rows] for clips in (asked.a, asked.b)], axis=1)
    right = np.where(did == 1, found, -found).mean(axis=(0, 1))
    assert right.argmax() == 3
    assert right[3] > 0.1 > np.abs(np.delete(right, 3)).max()
    assert np.abs(found).max() <= 0.5


def test_shuffled_labels_give_hints_of_mean_0():
    means = [contrast(decided(40, seed, shuffled=True), epochs=8).mean() for seed in range(4)]
    assert abs(np.mean(means)) < 0.02


def test_its_network_is_bounded_and_swapping_the_pairs_swaps_the_hints():
    asked = decided(20, 1)
    net = TReg().network(asked.store, ("obs", "action"), hidden=(4,))
    assert net.bound == 1.0
    net.normalise(net.encode(asked.store.transitions()))
    hint = TReg().table(net, asked)["hint"]
    other = TReg().table(net, asked.swap())["hint"]
    torch.testing.assert_close(hint, other.flip(1))
    with pytest.raises(NetError, match="must hold hints"):
        TReg(column="hint").table(net, asked)
    with pytest.raises(ConfigError, match="folds must be at least 2, got 1"):
        TReg(folds=1)
