"""What numpy does to arrays, as nodes: arithmetic, reductions, indices, joins; in either style.

*Batch* style sees ``(B, ...)`` and must never mix rows: what would touch axis 0 is `Outside`. *Row* style
sees one row without a batch axis. Both become the same nodes, whose axes are counted from the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from rewardwrap.calculus.graph import DTYPES, MAX_CONSTANT, Box, Graph, Node, Outside, done

Style = Literal["batch", "row"]
FOLDS = {"sum_": "({0} + {1})", "max_": "maximum({0}, {1})", "min_": "minimum({0}, {1})"}


class Rows:
    """The number of rows of the batch, as code of the batch style sees it."""


ROWS = Rows()


def is_constant(value: Any) -> bool:
    """Whether it is a number or an array of numbers that is known now."""
    return isinstance(value, bool | int | float | np.generic | np.ndarray)


class Arrays:
    """Operations on values of one style.

    Args:
        graph: Where nodes are made.
        style: What the code sees.
    """

    def __init__(self, graph: Graph, style: Style) -> None:
        self.graph = graph
        self.batched = style == "batch"

    # --- shapes ---------------------------------------------------------------------------------

    def shape(self, value: Any) -> tuple[Any, ...]:
        """``value.shape`` as the code sees it."""
        if isinstance(value, Box):
            return (ROWS, *value.node.row) if self.batched else value.node.row
        if is_constant(value):
            return np.shape(value)
        raise Outside("the shape of something that is no array")

    def axes(self, value: Box, axis: Any) -> tuple[int, ...]:
        """Axes as the code names them, counted from the end; None stands for all."""
        row = len(value.node.row)
        if axis is None:
            if self.batched:
                raise Outside("a reduction over the batch")
            return tuple(range(-row, 0))
        given = axis if isinstance(axis, tuple) else (axis,)
        found = []
        for number in given:
            if isinstance(number, bool) or not isinstance(number, int):
                raise Outside("an axis that is no whole number")
            counted = number if number < 0 else number - row - self.batched
            if not -row <= counted < 0:
                raise Outside("a reduction over the batch")
            found.append(counted)
        return tuple(found)

    # --- arithmetic -----------------------------------------------------------------------------

    def elementwise(self, template: str, *values: Any, scalar: str = "") -> Any:
        """A template over numbers and arrays that broadcast; known numbers are computed now."""
        if all(is_constant(value) for value in values):
            self.graph.require_room(*(np.shape(value) for value in values))
            return _known(done(template, values))
        if not all(isinstance(value, Box) or is_constant(value) for value in values):
            raise Outside("arithmetic with something that is no number")
        nodes = [value.node if isinstance(value, Box) else value for value in values]
        nodes = self._aligned(nodes)
        self.graph.require_room(*(n.row if isinstance(n, Node) else np.shape(n) for n in nodes))
        return Box(self.graph.make(template, *nodes, scalar=scalar))

    def _aligned(self, nodes: list[Any]) -> list[Any]:
        """The same with row axes that numpy would pad, padded behind the batch axis."""
        rows = [len(n.row) for n in nodes if isinstance(n, Node)]
        if not self.batched:
            deep = max([*rows, *(np.ndim(n) for n in nodes if not isinstance(n, Node))])
            return [self._padded(n, deep) if isinstance(n, Node) else n for n in nodes]
        if len(set(rows)) > 1:
            raise Outside("arithmetic of (B,) with (B, n)")
        made = []
        for node in nodes:
            if not isinstance(node, Node) and np.ndim(node) > rows[0]:
                if np.ndim(node) > rows[0] + 1 or len(node) != 1:
                    raise Outside("a constant as long as the batch")
                node = node[0]
            made.append(node)
        return made

    def _padded(self, node: Node, deep: int) -> Node:
        missing = deep - len(node.row)
        if not missing:
            return node
        return self.graph.make(f"{{0}}[:, {', '.join(['None'] * missing)}, ...]", node, lane="{0}")

    # --- reductions -----------------------------------------------------------------------------

    def reduce(self, function: str, value: Any, axis: Any, keepdims: bool) -> Any:
        """``sum_``, ``max_``, ``mean`` ... over axes."""
        if isinstance(value, list | tuple):
            if self.batched and axis == 0 and function in FOLDS and value:
                return self._folded(FOLDS[function], value)
            value = self.stacked(value, 0)
        if is_constant(value):
            if self.batched and axis is None and np.ndim(value) == 0:
                raise Outside("a reduction of a number")
            axis_text = repr(_checked(axis))
            return _known(
                done(
                    f"{function}(asarray({{0}}), axis={axis_text}, keepdims={bool(keepdims)})",
                    [value],
                )
            )
        axes = self.axes(value, axis)
        if not axes:
            return Box(value.node, shared=True)
        named = axes[0] if len(axes) == 1 else axes
        kept = ", keepdims=True" if keepdims else ""
        if function == "mean" and value.node.dtype in (np.float64, np.float32):
            # what np.mean does, without its questions
            count = int(np.prod([value.node.row[axis] for axis in axes]))
            text = f"(sum_({{0}}, {named}{kept}) / {count})"
        else:
            text = f"{function}({{0}}, {named}{kept})"
        return Box(self.graph.make(text, value.node))

    def _folded(self, template: str, values: Sequence[Any]) -> Any:
        """A reduction along the list itself: one column after the other, as numpy adds them."""
        total = values[0]
        for value in values[1:]:
            total = self.elementwise(template, total, value)
        return total

    # --- indices --------------------------------------------------------------------------------

    def index(self, value: Any, key: Any) -> Any:
        """``value[key]`` with a key that is known now."""
        keys = [
            k.tolist() if isinstance(k, np.ndarray) else k
            for k in (key if isinstance(key, tuple) else (key,))
        ]
        if is_constant(value):
            if not all(isinstance(k, int | slice | type(None) | type(...)) for k in keys):
                raise Outside("an index that is not written out")
            try:
                return _known(np.asarray(value)[tuple(keys)])
            except IndexError as error:
                raise Outside(f"an index that is not there ({error})") from None
        row = value.node.row
        if self.batched:
            keys = self._behind_the_batch(keys, len(row))
        keys = _spelled(keys, len(row))
        texts = [_text_of(k) for k in keys]
        basic = not any(isinstance(k, list) for k in keys)
        if sum(isinstance(k, list) for k in keys) > 1:
            raise Outside("an index of two lists")
        if all(text == ":" for text in texts):
            value.shared = True
            return Box(value.node, shared=True)
        inner = ", ".join(texts)
        plain = basic and all(isinstance(k, int) for k in keys) and value.node.dtype == np.float64
        lane = f"{{0}}.item({inner})" if plain else f"{{0}}[{inner}]"
        value.shared = value.shared or basic
        return Box(self.graph.make(f"{{0}}[:, {inner}]", value.node, lane=lane), shared=basic)

    def _behind_the_batch(self, keys: list[Any], row: int) -> list[Any]:
        """The key without what it says of the batch axis, which must be ``:`` or ``...``."""
        if keys and keys[0] is ...:
            named = sum(k is not None for k in keys[1:])
            if named > row:
                raise Outside("an index into the batch")
            return keys
        if not keys or not (isinstance(keys[0], slice) and keys[0] == slice(None)):
            raise Outside("an index into the batch")
        return keys[1:]

    # --- joins ----------------------------------------------------------------------------------

    def stacked(self, values: Sequence[Any], axis: Any) -> Any:
        """``np.stack``: a new axis; ``np.array`` of a list is the same along axis 0 of a row."""
        self.graph.spend(len(values))
        if values and all(is_constant(value) for value in values):
            try:
                made = np.stack([np.asarray(value) for value in values], _checked(axis))
            except (ValueError, TypeError) as error:
                raise Outside(f"a list that is no array ({error})") from None
            if made.size > MAX_CONSTANT:
                raise Outside("more numbers than a reward can need")
            return made
        nodes = self._filled(values)
        deep = len(nodes[0].row) + 1
        if (
            len({node.row for node in nodes}) > 1
            or isinstance(axis, bool)
            or not isinstance(axis, int)
        ):
            raise Outside("a stack of different shapes")
        counted = axis if axis < 0 else axis - deep - self.batched
        if not -deep <= counted < 0:
            raise Outside("a stack along the batch")
        places = ", ".join(f"{{{i}}}" for i in range(len(nodes)))
        self.graph.require_room((len(nodes), *nodes[0].row))
        return Box(self.graph.make(f"stack(({places},), axis={counted})", *nodes))

    def joined(self, values: Sequence[Any], axis: Any) -> Any:
        """``np.concatenate``."""
        nodes = self._filled(values)
        deep = len(nodes[0].row)
        if isinstance(axis, bool) or not isinstance(axis, int) or not deep:
            raise Outside("a join along the batch")
        counted = axis if axis < 0 else axis - deep - self.batched
        if not -deep <= counted < 0:
            raise Outside("a join along the batch")
        places = ", ".join(f"{{{i}}}" for i in range(len(nodes)))
        self.graph.require_room((sum(node.sample.size for node in nodes),))
        return Box(self.graph.make(f"concatenate(({places},), axis={counted})", *nodes))

    def _filled(self, values: Sequence[Any]) -> list[Node]:
        """Nodes of all of them, constants repeated in each row."""
        if not values or not all(isinstance(v, Box) or is_constant(v) for v in values):
            raise Outside("a list of something else than numbers")
        if not any(isinstance(v, Box) for v in values):
            raise Outside("a list without a column")
        return [v.node if isinstance(v, Box) else self.full((), v).node for v in values]

    def full(self, row: tuple[int, ...], value: Any) -> Box:
        """The same number in each row."""
        if isinstance(value, Box):
            if row or value.node.row:
                raise Outside("a fill with arrays")
            return Box(value.node, shared=True)
        if np.ndim(value):
            if row or self.batched:
                raise Outside("a fill with arrays")
            row = np.shape(value)
        self.graph.require_room(row)
        node = self.graph.make(
            f"full((rows, {''.join(f'{n}, ' for n in row)}), {{0}})",
            value,
            lane=f"full({row}, {{0}})" if row else _one_number(value),
            scalar="" if row else "{0}",
        )
        return Box(node)

    def cast(self, value: Any, dtype: str) -> Any:
        """The same numbers as another dtype."""
        if is_constant(value):
            return (
                _known(np.asarray(value).astype(DTYPES[dtype]))
                if np.ndim(value)
                else DTYPES[dtype].type(value)
            )
        if DTYPES[dtype].kind in "iu" and value.node.dtype.kind == "f":
            raise Outside("numbers cut to whole ones")
        name = "bool_" if dtype == "bool" else dtype
        lane = f"{name}({{0}})" if not value.node.row else ""
        scalar = {"float64": "float({0})", "bool": "bool({0})"}.get(dtype, "")
        return Box(self.graph.make(f"{{0}}.astype({name})", value.node, lane=lane, scalar=scalar))


def _one_number(value: Any) -> str:
    return "asarray({0})[()]" if isinstance(value, bool | int | float) else "{0}"


def _known(value: Any) -> Any:
    """A result of known numbers, no larger than those that rewards are written with."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if np.size(value) > MAX_CONSTANT or np.asarray(value).dtype.kind not in "fiub":
        raise Outside("more numbers than a reward can need")
    return value


def _checked(axis: Any) -> Any:
    """An axis that may be written into text."""
    numbers = axis if isinstance(axis, tuple) else (axis,)
    if axis is not None and not all(
        isinstance(n, int) and not isinstance(n, bool) for n in numbers
    ):
        raise Outside("an axis that is no whole number")
    return axis


def _spelled(keys: list[Any], row: int) -> list[Any]:
    """A key with ``...`` and what is left out written as ``:``, every part a known one."""
    if sum(key is ... for key in keys) > 1:
        raise Outside("an index with two ellipses")
    if ... not in [k if k is ... else None for k in keys]:
        keys = [*keys, ...]
    at = next(i for i, key in enumerate(keys) if key is ...)
    missing = row - sum(key is not None and key is not ... for key in keys)
    if missing < 0:
        raise Outside("an index with too many axes")
    return [*keys[:at], *[slice(None)] * missing, *keys[at + 1 :]]


def _text_of(key: Any) -> str:
    """One part of an index, as text made of whole numbers."""
    if key is None:
        return "None"
    if isinstance(key, slice):
        ends = [key.start, key.stop, key.step]
        if not all(
            end is None or (isinstance(end, int) and not isinstance(end, bool)) for end in ends
        ):
            raise Outside("a slice that is not written out")
        start, stop, step = ("" if end is None else str(int(end)) for end in ends)
        return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"
    if isinstance(key, list | tuple) and key and all(type(k) is int for k in key):
        return repr([*key])
    if isinstance(key, int | np.integer) and not isinstance(key, bool):
        return str(int(key))
    raise Outside("an index that is not written out")
