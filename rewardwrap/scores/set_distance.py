"""Rewards of a set of episodes, and what each of them owes to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, field
from typing import Any, Literal

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError, RewardValueError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.scores.contract import register_score
from rewardwrap.scores.reading import finished

Features = Callable[[Any], Any]
MOST = 2_000
"""Rows of a reference whose distances are asked for two by two."""


@register_score("set_distance")
class SetDistance:
    """``a_i = r(D) - r(D without i)``: what episode i adds to the worth of the set D that it belongs to.

    With ``m, S`` the mean and covariance of the set's features and ``m', S'`` those of the reference, r is

    * ``"fd"``: ``-(|m - m'|^2 + tr(S + S' - 2 (S S')^(1/2)))``, the Frechet distance of two Gaussians;
    * ``"mmd"``: minus the squared maximum mean discrepancy, Gaussian kernel as wide as the reference's
      median distance;
    * ``"vendi"``: the Vendi score, from 1 (all alike) to n (all apart), with the same kernel.

    A reward of single episodes ends at the one that is best; the distance of sets also asks for the spread.
    Give it to `rw.make_grouped` with groups of eight or more.

    Args:
        reference: What the set should look like: episodes, or their features ``(m, k)`` or ``(m,)``; for
            ``"fd"`` also a pair (mean, covariance). Kernels compare at most 2 000 of them, evenly chosen.
        kind: Which r.
        features: Episode -> its k numbers; by default its last observation.

    Raises:
        ConfigError: Another ``kind``, or a reference without two rows.
        RewardValueError: Features of another width, or not finite.

    Source: Bai et al., DRAGON, 2025, arXiv 2504.15217. Sets are split into better and worse halves
        for a contrastive loss (`halves`); credits by leaving one out are ours, and do not sum to r(D). Vendi:
        Friedman and Dieng, 2023, arXiv 2210.02410. Covariances are the population's; a set of one has
        credit 0.

    Example:
        >>> import rewardwrap as rw
        >>> normal = rw.SetDistance((0.0, 1.0), features=lambda episode: episode.obs[-1])
        >>> round(normal.distance([-1.0, 1.0, 5.0]), 3), normal.credits([-1.0, 1.0, 5.0]).round(2)
        (5.011, array([ 4.99,  2.99, -5.01]))
    """

    reference: Any
    _: KW_ONLY
    kind: Literal["fd", "mmd", "vendi"] = "fd"
    features: Features | None = None
    _rows: FloatArray = field(init=False, repr=False)
    _moments: tuple[FloatArray, FloatArray] = field(init=False, repr=False)
    _scale: float = field(init=False, repr=False)
    _alike: float | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        if self.kind not in ("fd", "mmd", "vendi"):
            raise ConfigError(
                f'SetDistance: kind must be "fd", "mmd" or "vendi", got {self.kind!r}. Choose one.'
            )
        if _is_pair(self.reference):
            given, rows = self._given_moments(), np.zeros((0, 0))
        else:
            rows = self._read(self.reference)
            if len(rows) < 2:
                raise ConfigError(
                    f"SetDistance: reference must have at least 2 rows, got {len(rows)}. "
                    "Give more episodes, or (mean, covariance)."
                )
            given = moments(rows)
        # frozen: what is derived from the fields is set once
        thinned = rows[:: -(-len(rows) // MOST)] if len(rows) else rows
        object.__setattr__(self, "_rows", thinned)
        object.__setattr__(self, "_moments", given)
        object.__setattr__(self, "_scale", 1.0 if self.kind == "fd" else median_distance(thinned))
        if self.kind == "mmd":
            alike = float(_kernel(thinned, thinned, self._scale).mean())
            object.__setattr__(self, "_alike", alike)

    def _given_moments(self) -> tuple[FloatArray, FloatArray]:
        if self.kind != "fd":
            raise ConfigError(
                f'SetDistance: reference must be episodes or features for kind="{self.kind}", got two '
                'moments. Use kind="fd", or rows drawn from them.'
            )
        mean = np.atleast_1d(np.asarray(self.reference[0], np.float64))
        spread = np.atleast_2d(np.asarray(self.reference[1], np.float64))
        fits = mean.ndim == 1 and spread.shape == (len(mean), len(mean))
        if not fits or not np.allclose(spread, spread.T) or np.linalg.eigvalsh(spread)[0] < -1e-9:
            raise ConfigError(
                f"SetDistance: reference must be a mean (k,) and a covariance (k, k), got shapes "
                f"{mean.shape} and {spread.shape}, or no covariance. Give features (m, k) as a list."
            )
        return mean, spread

    def _worth(self, rows: FloatArray) -> float:
        """``r`` of a set."""
        if self.kind == "fd":
            return -frechet(*moments(rows), *self._moments)
        if self.kind == "mmd":
            return -discrepancy(rows, self._rows, self._scale, alike=self._alike)
        return vendi(rows, self._scale)

    def __call__(self, episodes: Sequence[Any]) -> FloatArray:
        return self.credits(episodes)

    def credits(self, episodes: Sequence[Any]) -> FloatArray:
        """``a_i``, ``(n,)``: positive where the set is better with the episode than without it."""
        rows = self._own(episodes)
        if len(rows) < 2:
            return np.zeros(len(rows))
        whole = self._worth(rows)
        return np.array([whole - self._worth(np.delete(rows, i, axis=0)) for i in range(len(rows))])

    def distance(self, episodes: Sequence[Any]) -> float:
        """How far the set is from the reference, at least 0; for ``"vendi"``, its diversity."""
        worth = self._worth(self._own(episodes))
        return worth if self.kind == "vendi" else max(0.0, -worth)

    def halves(self, pairs: Sequence[tuple[Any, Any]]) -> tuple[list[Any], list[Any]]:
        """Split pairs of episodes of one start into a better and a worse set, ``(D+, D-)``.

        Begin with the first of each pair in D+, visit pairs in order, and swap one where r(D+) rises, until
        none does: every swap raises r(D+), so it ends. Feed both to a contrastive loss, or as preferences.

        Args:
            pairs: Two episodes (or features) each.

        Raises:
            RewardValueError: Features of another width, or not finite.
        """
        rows = self._own([item for pair in pairs for item in pair]).reshape(len(pairs), 2, -1)
        side = np.zeros(len(pairs), np.int64)
        every = np.arange(len(pairs))
        worth, moved = self._worth(rows[every, side]), True
        while moved:
            moved = False
            for i in every:
                side[i] = 1 - side[i]
                found = self._worth(rows[every, side])
                if found > worth + 1e-12:
                    worth, moved = found, True
                else:
                    side[i] = 1 - side[i]
        better = [pair[s] for pair, s in zip(pairs, side, strict=True)]
        return better, [pair[1 - s] for pair, s in zip(pairs, side, strict=True)]

    def _own(self, episodes: Sequence[Any]) -> FloatArray:
        rows, width = self._read(episodes), len(self._moments[0])
        if rows.shape[1] != width or not len(rows):
            raise RewardValueError(
                f"SetDistance: features must be {width} numbers as the reference's, got "
                f"{rows.shape[1] if len(rows) else 'none'}. Use one function for both."
            )
        return rows

    def _read(self, given: Any) -> FloatArray:
        return features_of(given, self.features, "SetDistance")


def features_of(given: Iterable[Any], features: Features | None, subject: str) -> FloatArray:
    """Features of episodes, ``(n, k)``; numbers are features already.

    Args:
        given: Episodes or rows of numbers.
        features: Of an episode; None: its last observation.
        subject: What errors call the one who asks.

    Raises:
        RewardValueError: NaN or infinity among them.
    """
    items = list(given)
    if items and not isinstance(items[0], int | float | np.generic | np.ndarray | list | tuple):
        read = features or last_observation
        items = [np.ravel(np.asarray(read(finished(item)), np.float64)) for item in items]
    rows = np.asarray(items, np.float64).reshape(len(items), -1 if items else 0)
    if not np.isfinite(rows).all():
        raise RewardValueError(
            f"{subject}: features must be finite, got NaN or infinity. Look at the last observations."
        )
    return rows


def _is_pair(reference: Any) -> bool:
    """Whether it is a mean and a covariance rather than episodes."""
    if not isinstance(reference, tuple) or len(reference) != 2:
        return False
    return not isinstance(reference[0], Mapping) and not hasattr(reference[0], "obs")


def last_observation(episode: Any) -> FloatArray:
    """The last observation of an episode as a row of numbers."""
    obs = episode.obs if isinstance(episode.obs, dict | tuple) else np.asarray(episode.obs)
    leaves = tree.leaves(tree.take(obs, -1))
    return np.concatenate([np.ravel(np.asarray(leaf, np.float64)) for leaf in leaves])


def moments(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean ``(k,)`` and population covariance ``(k, k)``."""
    mean = rows.mean(axis=0)
    away = rows - mean
    return mean, away.T @ away / len(rows)


def frechet(mean: FloatArray, spread: FloatArray, other: FloatArray, width: FloatArray) -> float:
    """``|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))``."""
    root = _root(width)
    # S1 S2 and the symmetric S2^(1/2) S1 S2^(1/2) have the same eigenvalues
    shared = np.sqrt(np.clip(np.linalg.eigvalsh(root @ spread @ root), 0.0, None)).sum()
    apart = mean - other
    return float(apart @ apart + np.trace(spread) + np.trace(width) - 2.0 * shared)


def _root(matrix: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh(matrix)
    root: FloatArray = (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
    return root


def _kernel(one: FloatArray, other: FloatArray, scale: float) -> FloatArray:
    kernel: FloatArray = np.exp(-_apart(one, other) / (2.0 * scale**2))
    return kernel


def _apart(one: FloatArray, other: FloatArray) -> FloatArray:
    """Squared distances ``(n, m)``, a column at a time: ``(n, m, k)`` may not fit into memory."""
    columns = zip(one.T, other.T, strict=True)
    return sum(((a[:, None] - b) ** 2 for a, b in columns), np.zeros((len(one), len(other))))


def median_distance(rows: FloatArray) -> float:
    """Median distance of two different rows; 1 where they are all alike."""
    found = np.sqrt(_apart(rows, rows))[np.triu_indices(len(rows), 1)]
    return float(np.median(found[found > 0.0])) if (found > 0.0).any() else 1.0


def discrepancy(
    rows: FloatArray, others: FloatArray, scale: float, *, alike: float | None = None
) -> float:
    """Squared maximum mean discrepancy, biased, so at least 0 and 0 for one sample with itself.

    ``alike`` is the mean kernel of the others with themselves, where it is known.
    """
    known = _kernel(others, others, scale).mean() if alike is None else alike
    within = _kernel(rows, rows, scale).mean() + known
    return float(within - 2.0 * _kernel(rows, others, scale).mean())


def vendi(rows: FloatArray, scale: float) -> float:
    """``exp`` of the entropy of the eigenvalues of ``K / n``: how many different rows there are."""
    shares = np.linalg.eigvalsh(_kernel(rows, rows, scale) / len(rows))
    shares = shares[shares > 1e-12]
    return float(np.exp(-(shares * np.log(shares)).sum()))
