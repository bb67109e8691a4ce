"""Exact distances between rewards on an MDP that is written out as arrays."""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.typing import ArrayLike

from rewardwrap.core.errors import RewardwrapWarning, UnknownName
from rewardwrap.core.transitions import FloatArray
from rewardwrap.evaluate.distance import canonical
from rewardwrap.evaluate.distance.separation import (
    CONVENTION,
    METRICS,
    ONE_IS_ZERO,
    ZERO,
    residual_share,
    separation,
    unit,
)
from rewardwrap.evaluate.mdp import (
    require_discount,
    require_distribution,
    require_dynamics,
    require_reward,
)


def tabular_distance(
    R1: ArrayLike,
    R2: ArrayLike,
    T: ArrayLike,
    *,
    gamma: float,
    metric: str = "epic",
    state_dist: ArrayLike | None = None,
    action_dist: ArrayLike | None = None,
    policy: ArrayLike | None = None,
) -> float:
    """How far two rewards lie apart as tasks, in [0, 1]: 0 the same task, 1 its opposite.

    | metric | invariant to | compared on |
    |---|---|---|
    | epic | shaping, scale | all (s, a, s'), weighted state_dist x action_dist x state_dist |
    | dard | shaping, scale | real transitions, state_dist x action_dist x T |
    | starc-val | shaping, scale, redistribution over s' | all (s, a, s') alike |
    | starc-minimal | shaping, scale, redistribution over s' | all (s, a, s') alike |
    | npec | shaping, scale, constants | as epic |
    | erc | scale; shaping only from a fixed start | discounted returns of ``policy`` |

    epic, dard and erc are ``sqrt((1 - rho) / 2)``, the starc ones half the L2 distance of normalised
    canonical rewards. **npec has a direction**: how badly R2 can be built from R1,
    ``min |l R1 + c + gamma Phi(s') - Phi(s) - R2| / min |c + gamma Phi(s') - Phi(s) - R2|`` in L2, over
    ``l >= 0, c, Phi``. In L2 that is the sine of the angle between what shaping leaves of the two, so
    the directions differ only where one of them is nothing; it has no triangle inequality.
    If both rewards ask for nothing the distance is 0; if one does, 0.5 with a warning (npec: 1 if it
    is R1, 0 if it is R2). A terminal state is an absorbing state: ``T[t, :, t] = 1``, and what R pays
    there counts; a potential needs its 0 there too. Unreachable states count as they are weighted.

    Args:
        R1: ``(S, A, S)`` reward of (s, a, s').
        R2: The same of the other reward.
        T: ``(S, A, S)`` probability of s' after (s, a).
        gamma: Discount of the agent, in [0, 1).
        metric: ``"epic"``, ``"dard"``, ``"starc-val"``, ``"starc-minimal"``, ``"npec"`` or ``"erc"``.
        state_dist: ``(S,)``; for erc where episodes start. Uniform by default; starc ignores it.
        action_dist: ``(A,)``; uniform by default, read by epic, dard and npec.
        policy: ``(S, A)``, read by starc-val and erc; uniform by default.

    Raises:
        MdpError: Shapes that do not fit, NaN, probabilities that do not sum to 1, gamma outside [0, 1).
        UnknownName: No such metric.

    Example:
        >>> import numpy as np
        >>> T = np.full((3, 2, 3), 1 / 3)
        >>> R = np.arange(18.0).reshape(3, 2, 3)
        >>> phi = np.array([4.0, -1.0, 2.0])
        >>> round(tabular_distance(R, 3 * (R + 0.9 * phi - phi[:, None, None]), T, gamma=0.9), 12)
        0.0
    """
    require_metric(metric)
    dynamics = require_dynamics(T)
    first, second = (require_reward(r, dynamics.shape, n) for r, n in ((R1, "R1"), (R2, "R2")))
    discount = require_discount(gamma)
    states, actions, _ = dynamics.shape
    spread = require_distribution(state_dist, (states,), "state_dist")
    choice = require_distribution(action_dist, (actions,), "action_dist")
    taken = require_distribution(policy, (states, actions), "policy")
    value, zero = measure(first, second, dynamics, discount, metric, spread, choice, taken)
    if zero:
        warnings.warn(f"tabular_distance: {CONVENTION}.", RewardwrapWarning, stacklevel=2)
    return value


def measure(
    first: FloatArray,
    second: FloatArray,
    dynamics: FloatArray,
    gamma: float,
    metric: str,
    state_dist: FloatArray,
    action_dist: FloatArray,
    policy: FloatArray,
) -> tuple[float, bool]:
    """The distance of checked arrays, and whether the convention for one zero reward was used."""
    rewards = [first, second]
    # a common scale before squaring: 1e300 is a fair reward
    sizes = [float(np.abs(r).max()) for r in rewards]
    rewards = [r / s if s > 0 else r for r, s in zip(rewards, sizes, strict=True)]
    scales = tuple(float(s > 0) for s in sizes)
    if metric == "erc":
        return _returns(rewards, dynamics, policy, state_dist, gamma)
    everywhere = state_dist[:, None, None] * action_dist[:, None] * state_dist
    if metric == "npec":
        left = canonical.unshaped(rewards, everywhere, gamma)
        return residual_share(left[0], left[1], (scales[0], scales[1])), False
    if metric == "epic":
        forms = [canonical.epic(r, state_dist, action_dist, gamma) for r in rewards]
        weights: FloatArray | None = everywhere
    elif metric == "dard":
        forms = [canonical.dard(r, dynamics, action_dist, gamma) for r in rewards]
        weights = state_dist[:, None, None] * action_dist[:, None] * dynamics
    elif metric == "starc-val":
        forms = [canonical.advantage(r, dynamics, policy, gamma) for r in rewards]
        weights = None
    else:
        forms = [canonical.minimal(r, dynamics, gamma) for r in rewards]
        weights = None
    centred = metric in ("epic", "dard")
    x, y = (unit(f, weights, centred=centred, scale=s) for f, s in zip(forms, scales, strict=True))
    return separation(x, y), (x is None) != (y is None)


def _returns(
    rewards: list[FloatArray],
    dynamics: FloatArray,
    policy: FloatArray,
    start: FloatArray,
    gamma: float,
) -> tuple[float, bool]:
    variances = [canonical.return_variance(r, dynamics, policy, start, gamma) for r in rewards]
    # of differences of numbers up to 1 / (1 - gamma)
    nothing = [v <= (ZERO / (1.0 - gamma)) ** 2 for v in variances]
    if any(nothing):
        return (0.0, False) if all(nothing) else (ONE_IS_ZERO, True)
    apart = rewards[0] / math.sqrt(variances[0]) - rewards[1] / math.sqrt(variances[1])
    left = canonical.return_variance(apart, dynamics, policy, start, gamma)
    return min(math.sqrt(max(left, 0.0)) / 2.0, 1.0), False


def require_metric(metric: str) -> None:
    if metric not in METRICS:
        raise UnknownName("metric", metric, METRICS)
