"""Canonical forms of tabular rewards: what is left when everything that cannot matter is taken off.

``R`` and ``T`` have shape (S, A, S). A potential adds ``gamma * Phi(s') - Phi(s)``; the forms below do not
see it. Terminal states are absorbing states of ``T`` with their own rows in ``R``: a potential with
``Phi(terminal) = 0`` must have that 0 in those rows as well, or no form can take it off.
"""

from __future__ import annotations

import numpy as np

from rewardwrap.core.transitions import FloatArray


def epic(
    reward: FloatArray, state_dist: FloatArray, action_dist: FloatArray, gamma: float
) -> FloatArray:
    """``R + gamma * m(s') - m(s) - gamma * E m(S)``, where ``m(x) = E R(x, A, S')``; (S, A, S).

    ``A ~ action_dist``, ``S, S' ~ state_dist`` independently: impossible transitions count.

    Source: Gleave et al., "Quantifying differences in reward functions", 2021, arXiv 2006.13900.
    """
    mean = np.einsum("xay,a,y->x", reward, action_dist, state_dist, optimize=True)
    out: FloatArray = reward + gamma * mean - mean[:, None, None] - gamma * float(state_dist @ mean)
    return out


def dard(
    reward: FloatArray, dynamics: FloatArray, action_dist: FloatArray, gamma: float
) -> FloatArray:
    """``R + E[gamma R(s', A, S'') - R(s, A, S') - gamma R(S', A, S'')]``; (S, A, S).

    One ``A ~ action_dist`` for all three terms, ``S' ~ T(s, A)``, ``S'' ~ T(s', A)``.

    Source: Wulfe et al., "Dynamics-aware comparison of learned reward functions", 2022,
        arXiv 2201.10081.
    """
    expected = np.einsum("say,say->sa", dynamics, reward) @ action_dist
    across = np.zeros((len(reward), len(reward)))
    for action, chance in enumerate(action_dist):
        moves = dynamics[:, action]
        across += chance * (moves @ reward[:, action] @ moves.T)
    out: FloatArray = (
        reward + gamma * expected - expected[:, None, None] - gamma * across[:, None, :]
    )
    return out


def values(
    reward: FloatArray, dynamics: FloatArray, policy: FloatArray, gamma: float
) -> FloatArray:
    """``V = (I - gamma P)^-1 r`` of a policy (S, A), exactly; (S,)."""
    moves = np.einsum("sa,say->sy", policy, dynamics, optimize=True)
    paid = np.einsum("sa,say,say->s", policy, dynamics, reward, optimize=True)
    return np.linalg.solve(np.eye(len(moves)) - gamma * moves, paid)


def advantage(
    reward: FloatArray, dynamics: FloatArray, policy: FloatArray, gamma: float
) -> FloatArray:
    """STARC-VAL: ``E_{S'}[R + gamma V(S')] - V(s)``, the same for every s'; (S, A, S).

    Source: Skalse et al., "STARC: a general framework for quantifying differences between reward
        functions", 2024, arXiv 2309.15257.
    """
    value = values(reward, dynamics, policy, gamma)
    gain = np.einsum("say,say->sa", dynamics, reward + gamma * value) - value[:, None]
    return np.broadcast_to(gain[:, :, None], reward.shape)


def minimal(reward: FloatArray, dynamics: FloatArray, gamma: float) -> FloatArray:
    """STARC-Minimal: the reward of smallest L2 norm that shaping and redistribution over s' reach.

    With ``q = E_{S'} R``, redistribution leaves ``q T / sum T^2`` at cost ``k q^2``, ``k = 1 / sum T^2``;
    ``Phi`` then is a least-squares problem with weights ``k``. Closed form instead of an optimiser.

    Source: Skalse et al., 2024, arXiv 2309.15257. Deviation: solved exactly.
    """
    states, actions, _ = reward.shape
    expected = np.einsum("say,say->sa", dynamics, reward)
    squares = np.square(dynamics).sum(axis=2)
    shaping = gamma * dynamics - np.eye(states)[:, None, :]
    root = 1.0 / np.sqrt(squares).reshape(-1)
    design = shaping.reshape(states * actions, states) * root[:, None]
    phi = np.linalg.lstsq(design, -expected.reshape(-1) * root, rcond=None)[0]
    rest = expected + shaping @ phi
    out: FloatArray = (rest / squares)[:, :, None] * dynamics
    return out


def unshaped(rewards: list[FloatArray], weights: FloatArray, gamma: float) -> list[FloatArray]:
    """What no potential and no constant explains of each reward, times the root of the weights.

    Weighted least squares over ``c + gamma Phi(s') - Phi(s)`` on all (s, a, s'); for NPEC.
    """
    # a potential does not see the action: normal equations over Phi and c, states + 1 of them
    by_pair = weights.sum(axis=1)
    before, after = by_pair.sum(axis=1), by_pair.sum(axis=0)
    gram = np.diag(before + gamma**2 * after) - gamma * (by_pair + by_pair.T)
    edge = gamma * after - before
    system = np.block([[gram, edge[:, None]], [edge[None, :], np.array([[before.sum()]])]])
    inverse = np.linalg.pinv(system, rcond=1e-12, hermitian=True)
    found = []
    for reward in rewards:
        rest = reward
        for _ in range(3):  # refined twice: normal equations square the rounding
            paid = (weights * rest).sum(axis=1)
            right = np.append(gamma * paid.sum(axis=0) - paid.sum(axis=1), paid.sum())
            fit = inverse @ right
            rest = rest - (gamma * fit[:-1] - fit[:-1, None, None] + fit[-1])
        found.append((rest * np.sqrt(weights)).reshape(-1))
    return found


def return_variance(
    reward: FloatArray, dynamics: FloatArray, policy: FloatArray, start: FloatArray, gamma: float
) -> float:
    """Variance of the discounted return of one endless episode, exactly; for ERC.

    ``M(s) = E[G^2 | s]`` solves ``M = E[R^2 + 2 gamma R V(S') + gamma^2 M(S')]``; the variance is
    ``E M(S_0) - (E V(S_0))^2`` over starts, actions and successors.
    """
    value = values(reward, dynamics, policy, gamma)
    # around the mean return of the start: smaller numbers to subtract from each other
    mean = float(start @ value)
    centred = reward - (1.0 - gamma) * mean
    value = value - mean
    moves = np.einsum("sa,say->sy", policy, dynamics, optimize=True)
    inside = centred * centred + 2.0 * gamma * centred * value
    paid = np.einsum("sa,say,say->s", policy, dynamics, inside, optimize=True)
    moment = np.linalg.solve(np.eye(len(start)) - gamma**2 * moves, paid)
    return float(start @ moment)
