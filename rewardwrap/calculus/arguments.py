"""What a source is given: the columns of a batch as ``obs, action, next_obs, info``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rewardwrap.calculus.graph import Box, Graph
from rewardwrap.calculus.names import Observation, Reported


@dataclass(frozen=True)
class Arguments:
    """What the source is given, by the columns of a batch.

    Args:
        inputs: ``(name in the text, dtype, shape of one row)`` of every column.
        places: For each of them where it stands: ``("obs", path)``, ``("obs.", (field,))``, ``("info",
        (key,))``. fields: Field name -> column of the flat observation that it is.
    """

    inputs: Sequence[tuple[str, np.dtype[Any], tuple[int, ...]]]
    places: Sequence[tuple[str, tuple[str | int, ...]]]
    fields: Mapping[str, int]

    def values(self, graph: Graph) -> list[Any]:
        """``obs, action, next_obs, info``."""
        trees: dict[str, list[tuple[tuple[str | int, ...], Box]]] = {
            "obs": [],
            "action": [],
            "next_obs": [],
        }
        named: dict[str, dict[str, Box]] = {"obs": {}, "next_obs": {}}
        info: dict[str, Box] = {}
        for (name, _, _), (place, path) in zip(self.inputs, self.places, strict=True):
            box = Box(graph.inputs[name], shared=True)
            if place == "info":
                info[str(path[0])] = box
            elif place.endswith("."):
                named[place[:-1]][str(path[0])] = box
            else:
                trees[place].append((path, box))
        whole = {place: _grown(leaves) for place, leaves in trees.items()}
        for place in named:
            if isinstance(whole[place], Box) and len(whole[place].node.row) == 1:
                node = whole[place].node
                for field, index in self.fields.items():
                    plain = node.dtype == np.float64
                    lane = f"{{0}}.item({index})" if plain else f"{{0}}[{index}]"
                    column = graph.make(f"{{0}}[:, {index}]", node, lane=lane)
                    named[place].setdefault(field, Box(column, shared=True))
        observed = [Observation(whole[place], named[place]) for place in ("obs", "next_obs")]
        return [observed[0], whole["action"], observed[1], Reported(info)]


def _grown(leaves: Sequence[tuple[tuple[str | int, ...], Box]]) -> Any:
    """The nested value from its leaves: dicts where keys are text, tuples where they are numbers."""
    if not leaves:
        return None
    if len(leaves) == 1 and not leaves[0][0]:
        return leaves[0][1]
    keys = list(dict.fromkeys(path[0] for path, _ in leaves))
    parts = {k: _grown([(path[1:], leaf) for path, leaf in leaves if path[0] == k]) for k in keys}
    return tuple(parts.values()) if isinstance(keys[0], int) else parts
