"""Leaves of a tree of episodes: what is known is played again, and then on by chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError
from rewardwrap.data.errors import DataError
from rewardwrap.data.player import Player, episode_of


def leaves(
    who: Any, depth: int, branching: int, steps: int, starts: int, *, seed: int = 0
) -> Iterator[dict[str, Any]]:
    """The leaves of `rewardwrap.grow_tree`, depth first, as `EpisodeStore.from_episodes` takes them.

    Raises:
        ConfigError: Fewer than two leaves.
        DataError: The environment cannot be brought back, ends by time before the leaves do, or the
            policy does the same each time.
    """
    if not isinstance(who, Player):
        raise ConfigError(
            f"a tree must be grown by a policy, got {who.name}. Nobody strikes the same keys again."
        )
    if min(depth, branching, steps, starts) < 1 or branching == 1:
        raise ConfigError(
            "a tree must part into at least 2 ways, and have a depth, steps and starts of at least 1, got "
            f"branching {branching}, depth {depth}, steps {steps}, starts {starts}. Use 4x2."
        )
    for start in range(seed, seed + starts):
        rows: list[dict[str, Any]] = []
        grown, parted = 0, False
        for leaf in range(branching**depth):
            shared = steps * _alike(leaf, branching, depth) if leaf else 0
            if leaf and len(rows) <= shared:
                # the leaf before ended where both are still one
                continue
            before, rows = rows, _played(who, start, rows[:shared], steps * depth)
            # two leaves may be alike by chance
            parted |= grown > 0 and (len(rows) != len(before) or not all(map(_same, rows, before)))
            grown += 1
            if grown == branching**depth and not parted:
                raise DataError(
                    f"a tree must be grown by a policy that acts by chance, got {who.name}, which did the "
                    "same each time. Use random, the folder of a run, or a function that draws."
                )
            yield {**episode_of(rows), "id": f"{start}-{leaf}", "source": who.name}


def _alike(leaf: int, branching: int, depth: int) -> int:
    """How many partings leaf and the one before it went through together."""
    level = 0
    while leaf % branching == 0:
        leaf, level = leaf // branching, level + 1
    return depth - 1 - level


def _played(
    who: Player, start: int, known: list[dict[str, Any]], total: int
) -> list[dict[str, Any]]:
    """What is known again, step by step, and then on by chance to ``total`` steps."""
    obs, over = who.begin(start), False
    rows: list[dict[str, Any]] = []
    while not over and len(rows) < total:
        before = known[len(rows)] if len(rows) < len(known) else None
        # asked in any case: a policy with a memory must have seen what it is said to have seen
        action = who.act(obs)
        obs, row, over = who.step(tree.stack([before["action"]]) if before else action)
        if before is not None and not _same(row, before):
            raise DataError(
                "a tree must grow in an environment that can be brought back to where branches part, got "
                f"another step {len(rows)} after the same reset and actions. Compare episodes that share "
                "nothing instead."
            )
        rows.append(row)
        if row["truncated"] and len(rows) < total:
            raise DataError(
                f"a tree of {total} steps from start to leaf must fit into an episode, got a time limit "
                f"after {len(rows)}. Part less often, or after fewer steps."
            )
    return rows


def _same(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    return all(
        np.array_equal(one, other)
        for name in ("action", "next_obs", "reward")
        for one, other in zip(tree.leaves(a[name]), tree.leaves(b[name]), strict=True)
    )
