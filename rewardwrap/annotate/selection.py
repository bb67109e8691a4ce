"""Which pairs are worth asking about: pure functions of arrays.

| strategy | takes pairs |
|---|---|
| uniform | by chance |
| disagreement | whose preference the members dispute: largest sd over members of ``P(b better)`` |
| entropy | no member is sure of: largest mean over members of ``H(P_m)`` |
| k-center | that are far, by features, from every pair asked and taken so far |
| disagreement+k-center | the half with most disagreement, then k-center among them |
| tree | that share a prefix, by disagreement |

Source: B-Pref, 2021, arXiv:2111.03026 (disagreement, entropy, k-center, hybrid); tree: Qiu et al.,
Reward generalization in RLHF: a topological perspective, 2024, arXiv:2402.10184. Deviations: ties in a
score are broken by chance instead of by position; a score that says nothing (identical members) falls
back to uniform.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.annotate.annotator import Query
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.core.transitions import FloatArray

IntArray = NDArray[np.int64]
OVERSAMPLED = 10
"""Candidates to draw for each pair that will be asked, as B-Pref does."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """n pairs that could be asked about.

    Args:
        keys: ``(n, k)`` what makes a pair the same pair; see `keys_of`.
        differences: ``(n, M)`` return of b minus return of a by each member of an ensemble.
        features: ``(n, d)`` where a pair lies, for k-center.
        prefix: ``(n, 2)`` number of the start that each clip was continued from, -1 for none.
        restorable: Whether clips really start from states that were restored (or replayed and
            compared), so that equal prefixes are equal.
    """

    keys: IntArray
    differences: FloatArray | None = None
    features: FloatArray | None = None
    prefix: IntArray | None = None
    restorable: bool = False

    def __len__(self) -> int:
        return len(self.keys)

    def need(self, name: str, strategy: str) -> Any:
        """A column that a strategy goes by.

        Raises:
            ConfigError: It was not given, or is not finite.
        """
        found = getattr(self, name)
        if found is None or len(found) != len(self) or np.ndim(found) != 2:
            shape = "none" if found is None else f"shape {np.shape(found)}"
            raise ConfigError(
                f"{strategy} must be given {name} with {len(self)} rows, got {shape}. "
                "Use uniform where they are not known."
            )
        if not np.isfinite(found).all():
            raise ConfigError(
                f"{strategy}: {name} must be finite, got NaN or infinity. Drop those pairs first."
            )
        return np.asarray(found)


def keys_of(query: Query) -> IntArray:
    """``(n, 6)`` both clips, the smaller one first: the same pair has the same key in either order."""
    a, b = (np.stack([c.episode, c.start, c.length], axis=1) for c in (query.a, query.b))
    swapped = [tuple(x) > tuple(y) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    flip = np.array(swapped, bool)[:, None] if len(a) else np.zeros((0, 1), bool)
    return np.concatenate([np.where(flip, b, a), np.where(flip, a, b)], axis=1)


def probabilities(differences: FloatArray) -> FloatArray:
    """``sigmoid(differences)``: P(b better) by each member."""
    # 60 is sure in float64 already, and exp cannot overflow
    found: FloatArray = 1.0 / (1.0 + np.exp(-np.clip(differences, -60, 60)))
    return found


def disagreement(differences: FloatArray) -> FloatArray:
    """``(n,)`` sd over members of P(b better).

    >>> disagreement(np.array([[2.0, 0.0, -1.0]])).round(5)
    array([0.25227])
    """
    found: FloatArray = probabilities(differences).std(axis=1)
    return found


def entropy(differences: FloatArray) -> FloatArray:
    """``(n,)`` mean over members of ``-p ln p - (1 - p) ln(1 - p)``.

    >>> entropy(np.array([[2.0, 0.0, -1.0]])).round(5)
    array([0.54689])
    """
    p = np.clip(probabilities(differences), 1e-300, 1.0)
    q = np.clip(probabilities(-np.asarray(differences)), 1e-300, 1.0)
    found: FloatArray = -(p * np.log(p) + q * np.log(q)).mean(axis=1)
    return found


def k_center(features: FloatArray, centres: FloatArray | None, budget: int) -> IntArray:
    """Greedy k-center: again and again the row farthest from all centres and rows taken so far.

    Args:
        features: ``(n, d)``.
        centres: ``(m, d)`` of pairs asked already; without any, the row farthest from the mean is
            first.
        budget: How many rows; cost is ``O(n (m + budget) d)``.
    """
    rows = np.asarray(features, np.float64)
    if centres is None or not len(centres):
        far = np.square(rows - rows.mean(axis=0)).sum(axis=1)
    else:
        far = np.full(len(rows), np.inf)
        for centre in np.asarray(centres, np.float64):
            far = np.minimum(far, np.square(rows - centre).sum(axis=1))
    taken: list[int] = []
    for _ in range(min(budget, len(rows))):
        best = int(np.argmax(far))
        near = np.square(rows - rows[best]).sum(axis=1)
        # without centres the first row replaces the mean that it was measured from
        far = near if not taken and (centres is None or not len(centres)) else np.minimum(far, near)
        taken.append(best)
        far[taken] = -1.0
    return np.array(taken, np.int64)


def select(
    candidates: Candidates,
    strategy: str,
    budget: int,
    *,
    seed: int,
    asked: IntArray | None = None,
    asked_features: FloatArray | None = None,
) -> IntArray:
    """Rows of the candidates to ask about, best first.

    Never a pair that was asked, never one pair twice; fewer than ``budget`` where there are no more.
    The first batch of a run should be uniform: members that have seen nothing dispute everything.

    Args:
        candidates: Draw about `OVERSAMPLED` times the budget.
        strategy: A name of the table above.
        budget: How many.
        seed: Of chance and of ties.
        asked: ``(m, k)`` keys of pairs that were asked before.
        asked_features: ``(m, d)`` where those lie.

    Raises:
        ConfigError: A column is missing, or a tree of states that cannot be restored.
        UnknownName: No such strategy.
    """
    if strategy not in STRATEGIES:
        raise UnknownName("query selection", strategy, STRATEGIES)
    if budget < 1:
        raise ConfigError(f"budget must be at least 1, got {budget}. Ask about some pairs.")
    # shuffled once, so that every later stable order breaks its ties by chance
    rows = np.random.default_rng(seed).permutation(_fresh(candidates, asked))
    if strategy == "uniform" or not len(rows):
        return rows[:budget]
    chosen: IntArray = STRATEGIES[strategy](candidates, rows, budget, asked_features)
    return chosen


def _fresh(candidates: Candidates, asked: IntArray | None) -> IntArray:
    known = set() if asked is None else {tuple(key) for key in np.asarray(asked).tolist()}
    rows = []
    for row, key in enumerate(map(tuple, np.asarray(candidates.keys).tolist())):
        if key not in known:
            known.add(key)
            rows.append(row)
    return np.array(rows, np.int64)


def _ranked(score: FloatArray, rows: IntArray) -> IntArray:
    """Rows by falling score; as they are where the score tells none apart."""
    if np.ptp(score) <= 1e-12:
        return rows
    return rows[np.argsort(-score, kind="stable")]


def _by_disagreement(c: Candidates, rows: IntArray, budget: int, _: FloatArray | None) -> IntArray:
    score = disagreement(c.need("differences", "disagreement")[rows])
    return _ranked(score, rows)[:budget]


def _by_entropy(c: Candidates, rows: IntArray, budget: int, _: FloatArray | None) -> IntArray:
    return _ranked(entropy(c.need("differences", "entropy")[rows]), rows)[:budget]


def _by_k_center(c: Candidates, rows: IntArray, budget: int, at: FloatArray | None) -> IntArray:
    return rows[k_center(c.need("features", "k-center")[rows], at, budget)]


def _by_both(c: Candidates, rows: IntArray, budget: int, at: FloatArray | None) -> IntArray:
    half = max(budget, len(rows) // 2)
    return _by_k_center(c, _by_disagreement(c, rows, half, None), budget, at)


def _by_tree(c: Candidates, rows: IntArray, budget: int, _: FloatArray | None) -> IntArray:
    if not c.restorable:
        raise ConfigError(
            "tree must branch from restored states, got clips of an environment that cannot be put "
            "back into one. Use disagreement, or clips continued from saved states."
        )
    prefix = c.need("prefix", "tree")[rows]
    inside: IntArray = rows[(prefix[:, 0] == prefix[:, 1]) & (prefix[:, 0] >= 0)]
    if c.differences is None or not len(inside):
        return inside[:budget]
    return _by_disagreement(c, inside, budget, None)


STRATEGIES: dict[str, Any] = {
    "uniform": None,
    "disagreement": _by_disagreement,
    "entropy": _by_entropy,
    "k-center": _by_k_center,
    "disagreement+k-center": _by_both,
    "tree": _by_tree,
}
