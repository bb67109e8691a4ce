"""Grades against an episode of the same start: better than the exemplar has no ceiling."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, field
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError, warn
from rewardwrap.core.transitions import FloatArray
from rewardwrap.scores.contract import Score, register_score, scored
from rewardwrap.scores.reading import finished
from rewardwrap.scores.returns import Return

BANDS = (-0.5, -0.1, 0.1, 0.5)


@register_score("exemplar")
class Exemplar:
    """``(grade - 3) / 2`` in [-1, 1], ``grade = 1 + #{b in bands: (G - G_exemplar) / scale > b}``.

    Each episode is compared with the stored one that began with the same observation; of several, with the
    best. Swapping the two swaps the sign, except exactly on a band. A judge that says how good an episode is
    saturates at its own level; one that says which of two is better still grades what exceeds its exemplar.

    Args:
        store: Exemplars: an `rw.EpisodeStore`, `Episode` objects, or mappings as `rw.relabel` reads them.
        bands: Four rising differences, in units of ``scale``.
        scale: Difference of two good episodes of the task, above 0; fixed, so that the grade means the same
            throughout a training.
        value: What an episode is worth, ``G``: a score; by default its return.
        valid: Gate: a score that is 0 where an episode breaks the rules, which pays -1 (grade 1).

    Attributes:
        missing: Episodes that no exemplar began like; they pay 0.

    Raises:
        ConfigError: No exemplars, bands that do not rise, or ``scale`` not above 0.

    Warns:
        RewardwrapWarning: The first time that an exemplar is missing.

    Source: Wang et al., ExTrans, 2025, arXiv 2505.12996. There a language model grades a translation from 1
        to 5 against one by a stronger model; here the grade is read off two values. The weights of its
        other parts are not told, and are left to you.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0, 1], "action": [0], "terminated": [1], "truncated": [0]}
        >>> graded = rw.Exemplar([{**log, "reward": [10]}], scale=10)
        >>> rw.relabel(graded, {**log, "reward": [12]})
        array([0.5])
    """

    store: Iterable[Any]
    _: KW_ONLY
    bands: tuple[float, float, float, float] = BANDS
    scale: float = 1.0
    value: Score = Return()
    valid: Score | None = None
    _best: dict[Hashable, float] = field(init=False, repr=False, default_factory=dict)
    _missing: list[int] = field(init=False, repr=False, default_factory=lambda: [0])

    def __post_init__(self) -> None:
        bands = np.asarray(self.bands, np.float64)
        if bands.shape != (4,) or not (np.diff(bands) > 0).all():
            raise ConfigError(
                f"Exemplar: bands must be four rising numbers, got {self.bands!r}. Use {BANDS}."
            )
        if not 0.0 < self.scale < np.inf:
            raise ConfigError(
                f"Exemplar: scale must be above 0, got {self.scale!r}. "
                "Use the difference of a good and a fair return of the task."
            )
        if isinstance(self.store, Mapping | str):
            raise ConfigError(
                f"Exemplar: store must hold episodes, got a {type(self.store).__name__}. Put it into a list."
            )
        known = [finished(each) for each in self.store]
        if not known:
            raise ConfigError(
                "Exemplar: store must hold an episode, got none. Record some: rw.Recorder(venv)."
            )
        for episode, value in zip(known, scored(self.value, known).tolist(), strict=True):
            key = start_of(episode)
            self._best[key] = max(value, self._best.get(key, value))

    @property
    def missing(self) -> int:
        """Episodes that no exemplar began like."""
        return self._missing[0]

    def __call__(self, episodes: Sequence[Episode]) -> FloatArray:
        return (self.grades(episodes) - 3.0) / 2.0

    def grades(self, episodes: Sequence[Episode]) -> FloatArray:
        """From 1, far worse than the exemplar, to 5, far better; 3 where there is none."""
        values = scored(self.value, episodes)
        others = [self._best.get(start_of(episode)) for episode in episodes]
        found = np.full(len(episodes), 3.0)
        for i, other in enumerate(others):
            if other is None:
                self._say_missing()
            else:
                # exactly on a band, 0.3 - 0.2 must not count as more than 0.1
                ahead = round((float(values[i]) - other) / self.scale, 12)
                found[i] = 1 + sum(ahead > band for band in self.bands)
        if self.valid is not None:
            found[scored(self.valid, episodes) == 0.0] = 1.0
        return found

    def _say_missing(self) -> None:
        if not self._missing[0]:
            warn(
                "Exemplar: store should hold an episode of every start, got none for an episode, which "
                "pays 0. Record exemplars with the seeds of the training, or see `missing` for how many."
            )
        self._missing[0] += 1


def start_of(episode: Episode) -> Hashable:
    """What an episode began with, as a key: its first observation to six decimals."""
    return tuple(
        (leaf.shape, np.round(leaf.astype(np.float64), 6).tobytes())
        for leaf in map(_plus_zero, tree.leaves(tree.take(_arrays(episode.obs), 0)))
    )


def _plus_zero(leaf: Any) -> Any:
    # -0.0 and 0.0 are one start
    return np.asarray(leaf) + 0


def _arrays(obs: Any) -> Any:
    return obs if isinstance(obs, dict | tuple) else np.asarray(obs)
