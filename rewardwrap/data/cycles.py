"""Cycles among answers, which no scalar reward can have, against those that wrong answers make."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from rewardwrap.core.transitions import BoolArray, FloatArray
from rewardwrap.data.contradictions import Contradictions, contradictions
from rewardwrap.data.fragments import Fragments
from rewardwrap.data.ragged import IntArray

SIMULATED = 200
SHOWN = 10


@dataclass(frozen=True)
class Cycles:
    """What `Preferences.cycles` found.

    Args:
        triangles: Triples of clips of which every pair was answered.
        cycles: Those of them that go round: a over b, b over c, c over a.
        noise: Share of answers that are taken to be wrong.
        expected: Cycles that so much noise alone makes, on average.
        chance: Of at least so many cycles by noise alone; small says that no scalar reward fits.
        examples: Some cycles, each as the rows of ``Preferences`` of three answers.
    """

    triangles: int
    cycles: int
    noise: float
    expected: float
    chance: float
    examples: list[list[int]]

    @property
    def scalar(self) -> bool:
        """Whether noise explains the cycles."""
        return self.chance > 0.05

    def __str__(self) -> str:
        if not self.triangles:
            return "no three clips were all compared with each other: cycles cannot be judged"
        said = (
            f"{self.cycles} of {self.triangles} triples of answers go round in a circle, "
            f"{self.expected:.1f} by {self.noise:.1%} wrong answers alone"
        )
        return said if self.scalar else f"{said}: these labels contradict a scalar reward"


def cycles(
    a: Fragments, b: Fragments, preferred: FloatArray, *, noise: float | None = None, seed: int = 0
) -> Cycles:
    """Count 3-cycles among answered clips and set them against those of wrong answers alone.

    Without ``noise`` the share e of wrong answers is that of pairs which were answered more than once,
    ``2 e (1 - e)`` of which are answered both ways; where none was, the share of answers against the
    best order of the clips, which takes some of a true cycle for noise. The number by noise alone comes
    from simulated answers to the same questions, in that order.

    Args:
        a: n clips.
        b: n clips.
        preferred: ``(n,)`` P(b better); ties and skipped questions make no cycle.
        noise: Share of wrong answers, in [0, 1/2].
        seed: Of the simulation.

    Source: Kendall and Babington Smith, On the method of paired comparisons, 1940, for the count;
        intransitive preferences: Zhang et al., General preference modeling, 2024, arXiv:2410.02197.
    """
    both = [np.stack([clip.episode, clip.start, clip.length], axis=1) for clip in (a, b)]
    clips, number = np.unique(np.concatenate(both), axis=0, return_inverse=True)
    one, other = number.reshape(2, -1)
    says = np.flatnonzero(~np.isnan(preferred) & (preferred != 0.5) & (one != other))
    winner = np.where(preferred[says] > 0.5, other[says], one[says])
    loser = np.where(preferred[says] > 0.5, one[says], other[says])
    low, high = np.minimum(winner, loser), np.maximum(winner, loser)
    pair, first, place = np.unique(low * len(clips) + high, return_index=True, return_inverse=True)
    votes = np.bincount(place, np.where(winner == low, 1.0, -1.0), len(pair))
    clear = votes != 0
    low, high, first = low[first][clear], high[first][clear], says[first][clear]
    wins = votes[clear] > 0
    triangles, found = _counts(low, high, wins, len(clips))
    rank = _order(low, high, wins, len(clips))
    agree = (rank[low] > rank[high]) == wins
    if noise is None:
        noise = _noise(
            contradictions(a, b, preferred), float((~agree).mean()) if len(wins) else 0.0
        )
    rng = np.random.default_rng(seed)
    upright = rank[low] > rank[high]
    simulated = [
        _counts(low, high, upright ^ (rng.random(len(wins)) < noise), len(clips))[1]
        for _ in range(SIMULATED if triangles and noise else 0)
    ]
    at_least = sum(count >= found for count in simulated)
    chance = (1 + at_least) / (1 + len(simulated)) if simulated else float(found == 0)
    return Cycles(
        triangles,
        found,
        noise,
        float(np.mean(simulated)) if simulated else 0.0,
        chance,
        _examples(low, high, wins, first) if found else [],
    )


def _noise(repeated: Contradictions, misfit: float) -> float:
    """e from the share c of pairs answered both ways: c = 2 e (1 - e)."""
    if not repeated.repeated:
        return misfit
    both_ways = min(repeated.contradicting / repeated.repeated, 0.5)
    return 0.5 * (1.0 - float(np.sqrt(1.0 - 2.0 * both_ways)))


def _counts(low: IntArray, high: IntArray, wins: BoolArray, size: int) -> tuple[int, int]:
    """Triples that are compared all round, and those of them that are cycles: tr(U^3) / 6, tr(D^3) / 3."""
    from scipy.sparse import csr_array

    better, worse = np.where(wins, low, high), np.where(wins, high, low)
    beats: Any = csr_array((np.ones(len(low), np.int64), (better, worse)), shape=(size, size))
    met = beats + beats.T
    whole = int((met @ met).multiply(met).sum()) // 6
    return whole, int((beats @ beats).multiply(beats.T).sum()) // 3


def _order(low: IntArray, high: IntArray, wins: BoolArray, size: int) -> FloatArray:
    """A score for each clip: Bradley and Terry's strength after some rounds of minorisation."""
    better, worse = np.where(wins, low, high), np.where(wins, high, low)
    won = np.bincount(better, minlength=size) + 0.5
    strength = np.ones(size)
    for _ in range(50):
        each = 1.0 / (strength[better] + strength[worse])
        met = np.bincount(better, each, size) + np.bincount(worse, each, size)
        # half a win and half a loss against a clip of strength 1
        strength = won / (met + 1.0 / (strength + 1.0))
    return np.asarray(strength)


def _examples(low: IntArray, high: IntArray, wins: BoolArray, row: FloatArray) -> list[list[int]]:
    """Rows of some cycles."""
    beats: dict[int, dict[int, int]] = {}
    for i, j, won, at in zip(low.tolist(), high.tolist(), wins.tolist(), row.tolist(), strict=True):
        beats.setdefault(i if won else j, {})[j if won else i] = at
    found = (
        [beats[x][y], beats[y][z], beats[z][x]]
        for x in beats
        for y in beats[x]
        for z in beats.get(y, {})
        if x in beats.get(z, {}) and x < y and x < z
    )
    return list(islice(found, SHOWN))
