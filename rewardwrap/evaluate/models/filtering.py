"""Which logged episodes a reward model would leave out, and how sure its members are of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import BoolArray, FloatArray
from rewardwrap.data import EpisodeStore
from rewardwrap.data.ragged import IntArray
from rewardwrap.nets.folder import Model


@dataclass(frozen=True)
class Filtering:
    """What a filter found.

    Args:
        ids: Of E episodes.
        pay: Mean of a step by the model, ``(E,)``.
        spread: Standard deviation of that over the members, ``(E,)``; 0 of one member.
        below: Pay less the mean of its start, by which episodes are left out, ``(E,)``.
        group: Number of the start that an episode shares, ``(E,)``.
        dropped: ``(E,)`` bool.
    """

    ids: list[str]
    pay: FloatArray
    spread: FloatArray
    below: FloatArray
    group: IntArray
    dropped: BoolArray

    def report(self) -> dict[str, Any]:
        """What report.json says: every episode by name, dropped or not."""
        rows = zip(self.ids, self.pay, self.spread, self.group, self.dropped, strict=True)
        return {
            "dropped": [i for i, out in zip(self.ids, self.dropped, strict=True) if out],
            "kept": int((~self.dropped).sum()),
            "starts": len(np.unique(self.group)),
            "episodes": [
                {"id": i, "pay": float(p), "disagreement": float(s), "start": int(g), "dropped": bool(d)}
                for i, p, s, g, d in rows
            ],
        }  # fmt: skip


def filtered(model: Model, store: EpisodeStore, *, drop: float = 0.1) -> Filtering:
    """Mark the episodes that a model pays least, a share of each group that began alike.

    Episodes with the same first observation are compared with each other, so that a hard start is not
    taken for a bad episode; where a group is too small to lose one, the rest of the share comes from
    what all groups pay below their own mean.

    Args:
        model: Pays by inputs that the store has.
        store: Episodes.
        drop: Share of them, in (0, 1).

    Raises:
        ConfigError: A share outside its range, or inputs that the store does not have.

    Source: InternLM-XComposer2.5-Reward, 2025, arXiv:2501.12368, where a reward model cleans training data.
        Deviation: within groups of one start, with the disagreement of the members beside it.
    """
    if not 0 < drop < 1:
        raise ConfigError(f"filter: drop must lie in (0, 1), got {drop}. 0.1 leaves out a tenth.")
    each = model.net.freeze().all(store.transitions())
    means = np.add.reduceat(each, store.first_step, axis=1) / store.lengths
    pay, group = means.mean(axis=0), _starts(store)
    centre = np.bincount(group, pay) / np.bincount(group)
    # an episode that is alone in its start has nobody to be worse than but everybody
    alone = np.bincount(group)[group] == 1
    below = pay - np.where(alone, pay[alone].mean() if alone.any() else 0.0, centre[group])
    dropped = np.zeros(len(pay), bool)
    dropped[np.argsort(below, kind="stable")[: max(1, round(drop * len(pay)))]] = True
    return Filtering([str(i) for i in store.ids], pay, means.std(axis=0), below, group, dropped)


def _starts(store: EpisodeStore) -> IntArray:
    """``(E,)`` number of each episode's first observation among the distinct ones."""
    from rewardwrap.core import tree

    first = store.first_step + np.arange(len(store))
    leaves = [np.asarray(leaf)[first].reshape(len(store), -1) for leaf in tree.leaves(store.obs)]
    rows = np.concatenate([leaf.astype(np.float64) for leaf in leaves], axis=1)
    _, group = np.unique(rows, axis=0, return_inverse=True)
    return group.reshape(-1).astype(np.int64)
