"""Which of two clips is better."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.transitions import FloatArray
from rewardwrap.data import checks, saved_labels
from rewardwrap.data.contradictions import Contradictions, contradictions
from rewardwrap.data.cycles import Cycles, cycles
from rewardwrap.data.episodes import EpisodeStore
from rewardwrap.data.errors import DataError
from rewardwrap.data.fragments import Fragments
from rewardwrap.data.ragged import IntArray
from rewardwrap.data.splits import check_fraction, groups_of, held_out

TIE = 0.5


@dataclass(frozen=True, eq=False)
class Preferences:
    """n answers to "which clip is better".

    Args:
        a: n clips.
        b: n clips of the same store.
        preferred: ``(n,)`` ``P(b better)`` in [0, 1]; 0.5 is a tie, NaN a skipped question.
        weight: ``(n,)``, at least 0; 1 where left out.
        annotator: ``(n,)`` who answered; "" where left out.
        group: ``(n,)`` number of the question or ranking a pair belongs to; pairs of one group stay
            on one side of a split. Each pair is its own where left out.

    Raises:
        DataError: Clips of two stores, other lengths, or a probability outside [0, 1].
    """

    a: Fragments
    b: Fragments
    preferred: FloatArray
    weight: FloatArray = None  # type: ignore[assignment]
    annotator: NDArray[np.str_] = None  # type: ignore[assignment]
    group: IntArray = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        n = len(self.a)
        for name, dtype, left_out in (
            ("preferred", np.float64, None),
            ("weight", np.float64, np.ones(n)),
            ("annotator", np.str_, np.full(n, "")),
            ("group", np.int64, np.arange(n)),
        ):
            given = getattr(self, name)
            values = checks.column(name, left_out if given is None else given, dtype)
            object.__setattr__(self, name, values)
            if len(values) != n or len(self.b) != n:
                raise DataError(
                    f"preferences: {name} must have one row for each of {n} pairs, got "
                    f"{len(values)} for {n} clips a and {len(self.b)} clips b."
                )
        if self.a.store is not self.b.store:
            raise DataError(
                "preferences: both clips must lie in one store, got two. "
                "Join them with EpisodeStore.concat first."
            )
        wrong = (self.preferred < 0) | (self.preferred > 1)
        if wrong.any() or not (self.weight >= 0).all():
            raise DataError(
                "preferences: preferred must lie in [0, 1] and weight be at least 0, got "
                f"{self.preferred[wrong][:1]} and {self.weight.min(initial=0)}. "
                "preferred is the probability that b is better; NaN is a skipped question."
            )

    def __len__(self) -> int:
        return len(self.preferred)

    @property
    def store(self) -> EpisodeStore:
        """Where all clips lie."""
        return self.a.store

    def select(self, indices: Any) -> Preferences:
        """These pairs, in this order."""
        return Preferences(
            self.a.select(indices),
            self.b.select(indices),
            self.preferred[indices],
            self.weight[indices],
            self.annotator[indices],
            self.group[indices],
        )

    def swap(self) -> Preferences:
        """The same answers with a and b exchanged: ``P -> 1 - P``."""
        return Preferences(
            self.b, self.a, 1.0 - self.preferred, self.weight, self.annotator, self.group
        )

    def without_skipped(self) -> Preferences:
        """The pairs that were answered."""
        return self.select(~np.isnan(self.preferred))

    @property
    def same(self) -> NDArray[np.bool_]:
        """``(n,)`` questions that show one clip twice: no answer to them says anything."""
        both = [np.stack([c.episode, c.start, c.length]) for c in (self.a, self.b)]
        found: NDArray[np.bool_] = (both[0] == both[1]).all(axis=0)
        return found

    def split(self, fraction: float, *, seed: int) -> PreferenceSplit:
        """``(train, heldout, dropped, by)`` such that no episode is on both sides; see `split`."""
        return split(self, fraction, seed=seed)

    def contradictions(self) -> Contradictions:
        """Pairs that were answered both ways, with counts."""
        return contradictions(self.a, self.b, self.preferred)

    def cycles(self, *, noise: float | None = None, seed: int = 0) -> Cycles:
        """Circles among the answers, against those that wrong answers alone make; see `cycles`."""
        return cycles(self.a, self.b, self.preferred, noise=noise, seed=seed)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one parquet file; the store is named by its fingerprint, not copied."""
        return saved_labels.save(path, **vars(self))

    @classmethod
    def load(cls, path: str | os.PathLike[str], store: EpisodeStore) -> Preferences:
        """Read what `save` wrote, over the store it was made on.

        Raises:
            DataError: No such file, one cut short, another format, or made on another store.
        """
        return cls(**saved_labels.load(path, store))


class PreferenceSplit(NamedTuple):
    """Pairs on each side, and what it cost.

    Args:
        train: Pairs to fit.
        heldout: Pairs to judge by.
        dropped: How many pairs had one clip on each side and were left out.
        by: ``"components"``, where nothing is lost, or ``"episodes"``.
    """

    train: Preferences
    heldout: Preferences
    dropped: int
    by: str


def split(preferences: Preferences, fraction: float, *, seed: int) -> PreferenceSplit:
    """Split pairs so that the episodes of one side are unknown to the other.

    Pairs that share an episode, or a group, form a component, and components are dealt whole. Where
    one component is too large for that (random pairs soon connect all episodes), episodes are dealt
    first and the pairs that cross are dropped and counted: with a fifth of the episodes held out,
    about 4 % of random pairs are held out and 32 % lost. Draw the pairs inside a split of the
    store to lose none.

    Args:
        preferences: What is split.
        fraction: Share held out, in (0, 1).
        seed: Of the shuffle.

    Raises:
        DataError: Too few pairs or episodes for two sides.
    """
    check_fraction(fraction)
    component = _components(preferences)
    sizes = np.bincount(component)
    if len(sizes) > 1 and sizes.max() <= (1 - fraction) * len(preferences):
        out = np.isin(component, _dealt(sizes, fraction, seed))
        return PreferenceSplit(preferences.select(~out), preferences.select(out), 0, "components")
    of = _first_alike(preferences.store)
    used, episodes = np.unique(
        of[np.stack([preferences.a.episode, preferences.b.episode])], return_inverse=True
    )
    pairs = episodes.reshape(2, -1)
    held = held_out(len(used), fraction, seed=seed, what="episodes with an answered pair")
    train, heldout = _apart(preferences, pairs, held)
    if not heldout.any():
        # few pairs among many episodes: those of some pairs, so that something can be judged by
        held = _of_some_pairs(pairs, len(held), seed)
        train, heldout = _apart(preferences, pairs, held)
    if not train.any() or not heldout.any():
        raise DataError(
            f"split: preferences must leave pairs on both sides, got {int(train.sum())} to train "
            f"on and {int(heldout.sum())} held out of {len(preferences)}, all connected through "
            "shared episodes. Split the store first and draw the pairs inside each side."
        )
    dropped = len(preferences) - int(train.sum()) - int(heldout.sum())
    return PreferenceSplit(
        preferences.select(train), preferences.select(heldout), dropped, "episodes"
    )


def _apart(preferences: Preferences, pairs: IntArray, held: IntArray) -> tuple[Any, Any]:
    """``(n,)`` pairs of episodes that are not held out, and of those that are; ``pairs`` is ``(2, n)``."""
    a, b = np.isin(pairs, held)
    together = _same_side_in_group(preferences.group, a, b)
    return ~a & ~b & together, a & b & together


def _of_some_pairs(pairs: IntArray, count: int, seed: int) -> IntArray:
    """About ``count`` episodes, both of each of some pairs in random order."""
    order = np.random.default_rng(seed).permutation(pairs.shape[1])
    found: set[int] = set()
    for pair in pairs.T[order].tolist():
        if found and len(found | set(pair)) > max(2, count):
            break
        found |= set(pair)
    return np.array(sorted(found))


def _first_alike(store: EpisodeStore) -> IntArray:
    """``(E,)`` number of the first episode that must stay on the side of this one: itself, or a copy."""
    group = groups_of(store)
    _, first = np.unique(group, return_index=True)
    return np.asarray(first[group], np.int64)


def _components(preferences: Preferences) -> IntArray:
    """``(n,)`` number of each pair's component over episodes, their copies, and groups."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    of = _first_alike(preferences.store)
    episodes = len(preferences.store)
    a, b = of[preferences.a.episode], of[preferences.b.episode]
    _, group = np.unique(preferences.group, return_inverse=True)
    nodes = episodes + int(group.max(initial=-1)) + 1
    one = np.concatenate([a, a])
    other = np.concatenate([b, episodes + group])
    graph = coo_matrix((np.ones(len(one), bool), (one, other)), shape=(nodes, nodes))
    _, label = connected_components(graph, directed=False)
    _, dense = np.unique(label[a], return_inverse=True)
    numbers: IntArray = dense.astype(np.int64)
    return numbers


def _dealt(sizes: IntArray, fraction: float, seed: int) -> IntArray:
    """Components in random order until the held-out share is reached, one left at least."""
    order = np.random.default_rng(seed).permutation(len(sizes))
    fits = np.cumsum(sizes[order])
    count = int(np.searchsorted(fits, fraction * sizes.sum())) + 1
    return order[: min(count, len(sizes) - 1)]


def _same_side_in_group(group: IntArray, a: Any, b: Any) -> NDArray[np.bool_]:
    """Pairs whose whole group is on one side."""
    _, number = np.unique(group, return_inverse=True)
    count = np.bincount(number)
    held = np.bincount(number, a.astype(float) + b.astype(float))
    whole: NDArray[np.bool_] = (held == 0) | (held == 2 * count)
    return whole[number]


def from_rankings(
    clips: Fragments,
    rank: Any,
    ranking: Any,
    *,
    annotator: str = "",
) -> Preferences:
    """All ``C(K, 2)`` pairs of each K-wise ranking, as one group each.

    Args:
        clips: m clips.
        rank: ``(m,)`` place in its ranking, 1 is best; equal places are a tie; NaN is left out.
        ranking: ``(m,)`` number of the ranking a clip stands in.
        annotator: Who ranked.

    Raises:
        DataError: No ranking holds two clips.
    """
    place = checks.column("rank", rank, np.float64)
    of = checks.column("ranking", ranking, np.int64)
    one, other = [], []
    for number in np.unique(of):
        members = np.flatnonzero((of == number) & ~np.isnan(place))
        i, j = np.triu_indices(len(members), 1)
        one.append(members[i])
        other.append(members[j])
    left, right = (np.concatenate(part) if part else np.zeros(0, int) for part in (one, other))
    if not len(left):
        raise DataError("rankings must place two clips or more, got none. Rank at least two.")
    preferred = np.where(place[left] == place[right], TIE, place[right] < place[left])
    return Preferences(
        clips.select(left),
        clips.select(right),
        preferred,
        annotator=np.full(len(left), annotator),
        group=of[left],
    )
