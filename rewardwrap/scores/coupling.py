"""The cheapest way to move one even distribution onto another: entropic, and exact."""

from __future__ import annotations

import numpy as np

from rewardwrap.core.errors import ConfigError, extra
from rewardwrap.core.transitions import FloatArray


def sinkhorn(
    cost: FloatArray, epsilon: float, *, iterations: int = 100, tolerance: float = 1e-9
) -> FloatArray:
    """``argmin_P <P, C> - epsilon H(P)`` over couplings of even masses, in the log domain, ``(n, m)``.

    The plan is rounded to exact marginals after the last iteration, so it never costs less than `exact`.

    Args:
        cost: C, ``(n, m)``.
        epsilon: Of the entropy, in units of the cost, above 0; small is near the exact plan and slow.
        iterations: At most.
        tolerance: Largest error of a marginal at which it stops.

    Raises:
        ConfigError: epsilon is not above 0.

    Source: Cuturi, "Sinkhorn distances", 2013, arXiv 1306.0895; rounding: Altschuler et al., 2017,
        arXiv 1705.09634, algorithm 2.
    """
    if not epsilon > 0:
        raise ConfigError(
            f"sinkhorn: epsilon must be above 0, got {epsilon}. Use 0.01, or `exact`."
        )
    n, m = cost.shape
    scaled, row, column = -cost / epsilon, np.zeros((n, 1)), np.zeros((1, m))
    for _ in range(iterations):
        row = -np.log(n) - _log_sum(scaled + column, axis=1)
        column = -np.log(m) - _log_sum(scaled + row, axis=0)
        # columns are right by construction
        if np.abs(np.exp(scaled + row + column).sum(axis=1) - 1.0 / n).max() < tolerance:
            break
    return _rounded(np.exp(scaled + row + column))


def exact(cost: FloatArray) -> FloatArray:
    """``argmin_P <P, C>`` over even couplings, ``(n, m)``: an assignment where n = m, else a program."""
    n, m = cost.shape
    plan = np.zeros((n, m))
    if n == m:
        from scipy.optimize import linear_sum_assignment

        plan[linear_sum_assignment(cost)] = 1.0 / n
        return plan
    from scipy.optimize import linprog
    from scipy.sparse import eye_array, kron, vstack

    sums = vstack([kron(eye_array(n), np.ones((1, m))), kron(np.ones((1, n)), eye_array(m))])
    masses = np.concatenate([np.full(n, 1.0 / n), np.full(m, 1.0 / m)])
    found = linprog(cost.ravel(), A_eq=sums, b_eq=masses, method="highs")
    return np.asarray(found.x, np.float64).reshape(n, m)


def by_pot(cost: FloatArray, epsilon: float, *, iterations: int = 100) -> FloatArray:
    """What `sinkhorn`, or with an epsilon of 0 `exact`, is for, by Python Optimal Transport.

    Its network simplex is quick where episodes differ in length; it knows other solvers than ours, so the
    plans judge each other.

    Args:
        cost: C, ``(n, m)``.
        epsilon: As of `sinkhorn`; 0: the exact plan.
        iterations: Of Sinkhorn, at most.

    Raises:
        MissingExtra: POT is not installed.

    Source: Flamary et al., "POT: Python optimal transport", JMLR 22(78), 2021.
    """
    ot = extra("ot", needs="The solver pot", install="ot")
    masses = [np.full(size, 1.0 / size) for size in cost.shape]
    if not epsilon:
        return np.asarray(ot.emd(*masses, cost, numItermax=1_000_000))
    plan = ot.sinkhorn(
        *masses,
        cost,
        epsilon,
        method="sinkhorn_log",
        numItermax=iterations,
        stopThr=1e-9,
        warn=False,
    )
    return _rounded(np.asarray(plan))


def _log_sum(values: FloatArray, axis: int) -> FloatArray:
    top = values.max(axis=axis, keepdims=True)
    return np.asarray(top + np.log(np.exp(values - top).sum(axis=axis, keepdims=True)))


def _rounded(plan: FloatArray) -> FloatArray:
    n, m = plan.shape
    plan = plan * np.minimum(1.0 / n / np.maximum(plan.sum(1, keepdims=True), 1e-300), 1.0)
    plan = plan * np.minimum(1.0 / m / np.maximum(plan.sum(0, keepdims=True), 1e-300), 1.0)
    rows, columns = 1.0 / n - plan.sum(1), 1.0 / m - plan.sum(0)
    missing = rows.sum()
    if missing <= 1e-15:
        return np.asarray(plan)
    return np.asarray(plan + rows[:, None] * columns[None, :] / missing)
