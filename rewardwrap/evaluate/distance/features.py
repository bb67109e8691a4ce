"""Observations as numbers: linear features for fitted values, and random potentials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.transitions import FloatArray

WAVES = 64
"""Random features beside the linear and the square ones."""


def flat(obs: Any) -> FloatArray:
    """Every number of an observation in one row: ``(B, width)`` float64."""
    leaves = [np.asarray(leaf, np.float64) for leaf in tree.leaves(obs)]
    return np.concatenate([leaf.reshape(len(leaf), -1) for leaf in leaves], axis=1)


def one_number(obs: Any) -> bool:
    """Whether the observation is a Discrete one."""
    return isinstance(obs, np.ndarray) and obs.ndim == 1 and obs.dtype.kind in "iu"


def random_potential(obs: Any, rng: np.random.Generator) -> Callable[[Any], FloatArray]:
    """A function of the observation with mean 0 and deviation 1 on ``obs``.

    A table for Discrete observations; otherwise a sum of a few slow waves with random directions,
    which no basis of `basis` spans.
    """
    if one_number(obs):
        table = rng.standard_normal(int(obs.max()) + 1)

        def look_up(seen: Any) -> FloatArray:
            values: FloatArray = table[seen % len(table)]
            return values

        return look_up
    x = flat(obs)
    centre, spread = x.mean(axis=0), _spread(x)
    turn = rng.standard_normal((x.shape[1], 8)) / np.sqrt(x.shape[1])
    phase = rng.uniform(0.0, 2.0 * np.pi, 8)

    def wave(seen: Any) -> FloatArray:
        values: FloatArray = np.sin((flat(seen) - centre) / spread @ turn * 1.7 + phase).sum(axis=1)
        return values

    found = wave(obs)
    mean, deviation = float(found.mean()), float(found.std()) or 1.0

    def standardised(seen: Any) -> FloatArray:
        values: FloatArray = (wave(seen) - mean) / deviation
        return values

    return standardised


def basis(obs: Any, rng: np.random.Generator) -> Callable[[Any], FloatArray]:
    """Features for linear fits, ``(B, k)``, the first one constant.

    One column a state for Discrete observations; otherwise standardised numbers, their squares and
    ``WAVES`` random cosines (Rahimi and Recht, "Random features for large-scale kernel machines", 2007).
    """
    if one_number(obs):
        known = np.unique(obs)

        def indicators(seen: Any) -> FloatArray:
            return np.asarray(seen[:, None] == known, np.float64)

        return indicators
    x = flat(obs)
    centre, spread = x.mean(axis=0), _spread(x)
    turn = rng.standard_normal((x.shape[1], WAVES)) / np.sqrt(x.shape[1])
    phase = rng.uniform(0.0, 2.0 * np.pi, WAVES)

    def expanded(seen: Any) -> FloatArray:
        z = (flat(seen) - centre) / spread
        return np.hstack([np.ones((len(z), 1)), z, z * z, np.cos(z @ turn + phase)])

    return expanded


def _spread(x: FloatArray) -> FloatArray:
    spread: FloatArray = x.std(axis=0)
    spread[spread <= 1e-8] = 1.0
    return spread
