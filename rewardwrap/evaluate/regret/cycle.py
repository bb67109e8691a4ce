"""The shortest way round on which a reward pays more than the task does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.transitions import BoolArray, FloatArray
from rewardwrap.evaluate.regret.product import Product

LONGEST = 16
SOURCES = 512
"""Nodes that are tried as the start of a cycle, nearest to the start of an episode first."""


@dataclass(frozen=True)
class Step:
    """One transition of a cycle or a route.

    Args:
        state: Before.
        action: Taken.
        next_state: After.
        paid: What the reward in question pays.
        true: What the environment pays.
        ends: Whether the episode ends with it.
    """

    state: int
    action: int
    next_state: int
    paid: float
    true: float
    ends: bool


def reachable(product: Product, chosen: BoolArray) -> NDArray[np.int64]:
    """Nodes that episodes with only ``chosen`` actions (N, A) visit, nearest first."""
    use = chosen[product.node, product.action] & (product.next_node >= 0)
    order = np.argsort(product.node[use], kind="stable")
    after, bounds = (
        product.next_node[use][order],
        np.searchsorted(product.node[use][order], np.arange(product.nodes + 1)),
    )
    queue = np.flatnonzero(product.start > 0).tolist()
    seen = set(queue)
    for node in queue:
        for other in after[bounds[node] : bounds[node + 1]].tolist():
            if other not in seen:
                seen.add(other)
                queue.append(other)
    return np.array(queue, np.int64)


def exploiting_cycle(product: Product, chosen: BoolArray, gamma: float) -> tuple[Step, ...]:
    """The shortest closed walk with ``sum gamma^t (paid - true) > 0``; empty if there is none.

    Only ``chosen`` actions (the reward's own optimal ones) and nodes that they reach; among walks of
    equal length the one that gains most. Discounted, since a correct potential below 0 gains on every
    cycle undiscounted.
    """
    nodes = reachable(product, chosen)
    inside = np.zeros(product.nodes, bool)
    inside[nodes] = True
    use = np.flatnonzero(
        chosen[product.node, product.action] & (product.next_node >= 0) & inside[product.node]
    )
    if not use.size:
        return ()
    use = use[np.argsort(product.next_node[use], kind="stable")]
    gain = (product.paid - product.true)[use]
    floor = 1e-9 * max(1e-300, float(np.abs(gain).max()))
    sources = nodes[:SOURCES]
    best = np.full((len(sources), product.nodes), -np.inf)
    best[np.arange(len(sources)), sources] = 0.0
    targets, firsts = np.unique(product.next_node[use], return_index=True)
    for length in range(1, LONGEST + 1):
        ahead = best[:, product.node[use]] + gamma ** (length - 1) * gain
        best = np.full_like(best, -np.inf)
        best[:, targets] = np.maximum.reduceat(ahead, firsts, axis=1)
        closed = best[np.arange(len(sources)), sources]
        if closed.max() > floor:
            return _walk(product, use, gain, int(sources[closed.argmax()]), length, gamma)
    return ()


def _walk(
    product: Product,
    use: NDArray[np.int64],
    gain: FloatArray,
    source: int,
    length: int,
    gamma: float,
) -> tuple[Step, ...]:
    """The best closed walk of that length, with the edges that make it."""
    before, after = product.node[use], product.next_node[use]
    best = np.full(product.nodes, -np.inf)
    best[source] = 0.0
    taken: list[dict[int, int]] = []
    for t in range(length):
        ahead = best[before] + gamma**t * gain
        best, came = np.full(product.nodes, -np.inf), {}
        for edge in np.argsort(ahead, kind="stable").tolist():
            if ahead[edge] > -np.inf:
                best[after[edge]] = ahead[edge]
                came[int(after[edge])] = edge
        taken.append(came)
    node, steps = source, list[Step]()
    for came in reversed(taken):
        edge = came[node]
        steps.append(step_of(product, int(use[edge])))
        node = int(before[edge])
    return tuple(reversed(steps))


def step_of(product: Product, edge: int) -> Step:
    """One outcome in the environment's own numbers."""
    return Step(
        int(product.state[product.node[edge]]),
        int(product.action[edge]),
        int(product.next_state[edge]),
        float(product.paid[edge]),
        float(product.true[edge]),
        bool(product.next_node[edge] < 0),
    )


def route(product: Product, policy: NDArray[np.int64], longest: int = 40) -> tuple[Step, ...]:
    """The likeliest episode of a policy (N,), up to its end, its first return to a node, or a limit."""
    node, seen = int(product.start.argmax()), set[int]()
    steps: list[Step] = []
    while node >= 0 and node not in seen and len(steps) < longest:
        seen.add(node)
        edges = np.flatnonzero((product.node == node) & (product.action == policy[node]))
        edge = int(edges[product.chance[edges].argmax()])
        steps.append(step_of(product, edge))
        node = int(product.next_node[edge])
    return tuple(steps)
