"""Pairs of episodes that went on from one start: which, and for how long they are the same."""

from __future__ import annotations

import numpy as np

from rewardwrap.annotate.teachers import Draw
from rewardwrap.core import tree
from rewardwrap.data import DataError, EpisodeStore, Fragments
from rewardwrap.data.ragged import IntArray


def trees_of(store: EpisodeStore) -> IntArray:
    """``(E,)`` number of the tree that an episode is a leaf of: those with one first observation."""
    first = [
        np.ascontiguousarray(np.asarray(leaf)[store.first_obs]) for leaf in tree.leaves(store.obs)
    ]
    whole = [b"".join(column[i].tobytes() for column in first).hex() for i in range(len(store))]
    _, number = np.unique(whole, return_inverse=True)
    return np.asarray(number, np.int64)


def shared_steps(store: EpisodeStore, one: int, other: int) -> int:
    """Steps, from the start, in which two episodes saw and did the same to the last bit.

    Where they part is the state after those steps: their next observations differ, or what they did.
    """
    most = int(min(store.lengths[one], store.lengths[other]))
    same = np.ones(most, bool)
    for leaves, begin in ((store.action, store.first_step), (store.obs, store.first_obs)):
        ahead = 1 if begin is store.first_obs else 0
        for leaf in map(np.asarray, tree.leaves(leaves)):
            a, b = (leaf[begin[e] + ahead : begin[e] + ahead + most] for e in (one, other))
            same &= (a == b).reshape(most, -1).all(axis=1)
    return most if same.all() else int(np.argmin(same))


def tree_pairs(store: EpisodeStore) -> Draw:
    """Pairs of whole episodes of one tree, each length of what they share with the same chance.

    What a pair shares cancels in the difference of its returns, for every reward of a step: an answer
    is about the steps after it. Near the root that is nearly all, near the leaves nearly nothing.

    Args:
        store: Of `grow_tree`, or any whose episodes start at the same observations.

    Raises:
        DataError: No two episodes start at one observation.

    Source: Qiu et al., Reward generalization in RLHF: a topological perspective, 2024,
        arXiv:2402.10184.
    """
    number = trees_of(store)
    pairs, depth = [], []
    for members in (np.flatnonzero(number == n) for n in range(int(number.max(initial=-1)) + 1)):
        for at, one in enumerate(members):
            for other in members[at + 1 :]:
                shared = shared_steps(store, int(one), int(other))
                if shared < max(store.lengths[[one, other]]):
                    pairs.append((one, other))
                    depth.append(shared)
    if not pairs:
        raise DataError(
            f"pairs of a tree must go on from one start, got {len(store)} episodes that each start "
            "elsewhere. Grow some: rewardwrap record ENV --tree 4x2."
        )
    _, level = np.unique(depth, return_inverse=True)
    of_level = [np.flatnonzero(level == n) for n in range(int(level.max()) + 1)]
    known = np.array(pairs, np.int64)

    def draw(count: int, rng: np.random.Generator) -> tuple[Fragments, Fragments]:
        levels = rng.integers(len(of_level), size=count)
        chosen = known[[of_level[n][rng.integers(len(of_level[n]))] for n in levels]]
        chosen = rng.permuted(chosen, axis=1)
        zero = np.zeros(count, np.int64)
        a, b = (Fragments(store, side, zero, store.lengths[side]) for side in chosen.T)
        return a, b

    return draw
