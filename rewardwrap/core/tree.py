"""Nested observations and carries: arrays inside dicts, tuples and lists, leading size = lanes.

``None`` is an empty tree. Only what the core needs; no registration of node classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Tree = Any


def map_leaves(function: Callable[..., Any], tree: Tree, *rest: Tree) -> Tree:
    """Apply ``function`` to matching leaves of one or more trees of one structure.

    Example:
        >>> map_leaves(lambda a, b: a + b, {"x": 1, "y": (2, None)}, {"x": 10, "y": (20, None)})
        {'x': 11, 'y': (22, None)}
    """
    if tree is None:
        return None
    if isinstance(tree, dict):
        return {key: map_leaves(function, tree[key], *(r[key] for r in rest)) for key in tree}
    if isinstance(tree, tuple | list):
        nodes = [map_leaves(function, node, *(r[i] for r in rest)) for i, node in enumerate(tree)]
        # gymnasium's GraphInstance is a named tuple, and stays one
        return type(tree)(*nodes) if hasattr(tree, "_fields") else tuple(nodes)
    return function(tree, *rest)


def leaves(tree: Tree) -> Iterator[Any]:
    """Iterate over the leaves, dicts in their own order."""
    if tree is None:
        return
    if isinstance(tree, dict):
        for node in tree.values():
            yield from leaves(node)
    elif isinstance(tree, tuple | list):
        for node in tree:
            yield from leaves(node)
    else:
        yield tree


def size(tree: Tree) -> int:
    """Rows of a batch: the leading size of its first leaf."""
    return len(tree if isinstance(tree, np.ndarray) else next(leaves(tree)))


def take(tree: Tree, rows: Any) -> Tree:
    """Rows of every leaf (indices or mask)."""
    if isinstance(tree, np.ndarray):
        return tree[rows]
    return map_leaves(lambda leaf: np.asarray(leaf)[rows], tree)


def put(tree: Tree, rows: Any, values: Tree) -> Tree:
    """A copy of ``tree`` whose ``rows`` are ``values``."""

    def write(leaf: Any, value: Any) -> Any:
        leaf = np.array(leaf)
        leaf[rows] = value
        return leaf

    return map_leaves(write, tree, values)


def lift(tree: Tree) -> Tree:
    """One lane's value as a batch of one: every leaf gains a leading axis of size 1."""
    if isinstance(tree, np.ndarray):
        return tree[None]
    return map_leaves(lambda leaf: np.asarray(leaf)[None], tree)


def stack(trees: list[Tree]) -> Tree:
    """Lanes side by side: leaves of equal shape gain a leading axis of ``len(trees)``."""
    return map_leaves(lambda *nodes: np.stack([np.asarray(n) for n in nodes]), *trees)


def copy(tree: Tree) -> Tree:
    """A tree that shares no memory with this one."""
    if isinstance(tree, np.ndarray):
        return tree.copy()
    return map_leaves(lambda leaf: np.array(leaf), tree)


def shares_memory(one: Tree, other: Tree) -> bool:
    """Whether some leaf of ``one`` overlaps a leaf of ``other`` in memory."""
    return any(
        isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and _overlap(a, b)
        for a, b in zip(leaves(one), leaves(other), strict=False)
    )


def _overlap(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    """Columns of one array lie within each other's bounds and share nothing: so ask exactly, where cheap."""
    try:
        return np.shares_memory(one, other, max_work=10_000)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True


def refill(tree: Tree, new: list[Any]) -> Tree:
    """The structure of ``tree`` with other leaves, in the order of `leaves`."""
    left = iter(new)
    return map_leaves(lambda _: next(left), tree)
