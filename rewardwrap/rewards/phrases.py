"""Sentences as numbers: which words they hold, and a linear opinion on them."""

from __future__ import annotations

import re
from hashlib import blake2b
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from rewardwrap.core.transitions import FloatArray

WIDTH = 256
"""Numbers of a sentence; words share one with probability 1/256."""
RIDGE, ROUNDS = 1e-2, 30


def phrase(text: str, width: int = WIDTH) -> FloatArray:
    """Words and pairs of neighbours of a sentence, hashed with a sign, ``(width,)`` of length 1.

    Source: Weinberger et al., "Feature hashing for large scale multitask learning", 2009, arXiv 0902.2206.
    """
    words = re.findall(r"\w+", text.lower())
    found = np.zeros(width)
    for token in (*words, *map(" ".join, pairwise(words)), ""):
        place = int.from_bytes(blake2b(token.encode(), digest_size=4).digest(), "little")
        found[place % width] += 1.0 if place & (1 << 31) else -1.0
    return found / max(float(np.linalg.norm(found)), 1.0)


def opinion(rows: ArrayLike, said: ArrayLike) -> FloatArray:
    """The weights ``w`` of ``P(yes) = sigmoid(rows w)`` that fit answers in [0, 1], by Newton's method.

    Of differences of sentences this is Bradley's and Terry's model. A small ridge keeps the weights
    finite where the answers can be told apart.

    Args:
        rows: ``(n, WIDTH)``.
        said: ``(n,)`` in [0, 1].
    """
    x, y = np.asarray(rows, np.float64), np.asarray(said, np.float64)
    weights = np.zeros(x.shape[1])
    for _ in range(ROUNDS):
        chance = 1.0 / (1.0 + np.exp(-x @ weights))
        slope = x.T @ (chance - y) + RIDGE * weights
        bend = (x * (chance * (1.0 - chance))[:, None]).T @ x + RIDGE * np.eye(x.shape[1])
        step = np.linalg.solve(bend, slope)
        weights -= step
        if float(np.abs(step).max()) < 1e-10:
            break
    return weights
