"""How the members of an ensemble become one number."""

from __future__ import annotations

import numpy as np

from rewardwrap.core.errors import UnknownName
from rewardwrap.core.transitions import FloatArray

RULES = ("mean", "sd", "min", "uwo")


def require_rule(rule: str) -> str:
    """A rule of `RULES`.

    Raises:
        UnknownName: It is none.
    """
    if rule not in RULES:
        raise UnknownName("rule for ensembles", rule, RULES)
    return rule


def combined(each: FloatArray, rule: str, k: float) -> FloatArray:
    """Members to one number, ``(M, B) -> (B,)``; deviations and variances with ddof 0.

    >>> combined(np.array([[1.0], [3.0]]), "sd", 1.0).tolist()
    [1.0]
    """
    if len(each) == 1:
        one: FloatArray = each[0]
        return one
    if rule == "min":
        return np.asarray(each.min(axis=0))
    mean = each.mean(axis=0)
    if rule == "mean":
        return np.asarray(mean)
    spread = each.std(axis=0) if rule == "sd" else each.var(axis=0)
    return np.asarray(mean - k * spread)
