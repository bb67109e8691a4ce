"""Which episodes go on from one start, and pairs of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium import spaces

from rewardwrap.annotate.trees import shared_steps, tree_pairs, trees_of
from rewardwrap.data import DataError, EpisodeStore, Fragments
from rewardwrap.nets.network import build
from rewardwrap.nets.tables import clips_table, returns_of


def branch(start: float, *ways: int) -> dict:
    """Steps of a walk along a line, from a start."""
    obs = np.concatenate([[start], start + np.cumsum(ways)])[:, None].astype(np.float32)
    over = np.zeros(len(ways), bool)
    return {"obs": obs, "action": np.array(ways), "reward": obs[1:, 0].astype(float),
            "terminated": over, "truncated": over}  # fmt: skip


@pytest.fixture
def store() -> EpisodeStore:
    walks = [
        branch(0, 1, 1, 1),
        branch(0, 1, 1, -1),
        branch(0, 1, -1),
        branch(5, 1, 1, 1),
        branch(5, 1, 1, 1),
        branch(9, 1),
    ]
    return EpisodeStore.from_episodes(
        walks,
        observation_space=spaces.Box(-20, 20, (1,), np.float32),
        action_space=spaces.Discrete(3, start=-1),
    )


def test_a_tree_is_what_starts_at_one_observation(store):
    assert len(set(trees_of(store))) == 3
    assert shared_steps(store, 0, 1) == 2
    assert shared_steps(store, 0, 2) == 1
    assert shared_steps(store, 3, 4) == 3
    assert shared_steps(store, 0, 3) == 0


def test_each_length_of_what_is_shared_has_the_same_chance_and_copies_are_no_pair(store):
    a, b = tree_pairs(store)(2000, np.random.default_rng(0))
    shared = np.array(
        [shared_steps(store, x, y) for x, y in zip(a.episode, b.episode, strict=True)]
    )
    assert set(shared) == {1, 2}
    assert abs(np.mean(shared == 2) - 0.5) < 0.05
    assert not ({3, 4, 5} & {*a.episode, *b.episode})
    assert abs(np.mean(a.episode < b.episode) - 0.5) < 0.05
    with pytest.raises(DataError, match="must go on from one start"):
        tree_pairs(store.select([0, 3, 5]))


def test_what_is_shared_moves_no_weight(store):
    """The gradient of whole leaves is that of their ends."""
    net = build(store, ("obs", "action"), hidden=(4,), seed=0)
    net.normalise(net.encode(store.transitions()))
    a, b = tree_pairs(store)(5, np.random.default_rng(0))
    shared = np.array(
        [shared_steps(store, x, y) for x, y in zip(a.episode, b.episode, strict=True)]
    )
    ends = [Fragments(store, c.episode, c.start + shared, c.length - shared) for c in (a, b)]
    whole, end = (_gradient(net, store, clips) for clips in ((a, b), ends))
    for one, other in zip(whole, end, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def _gradient(net, store, clips):
    paid = returns_of(net, clips_table(net, store, tuple(clips)))[0]
    weights = [w for w in net.parameters() if w.requires_grad]
    return torch.autograd.grad((paid[:, 1] - paid[:, 0]).square().sum(), weights, allow_unused=True)
