"""A translated source, ready to pay: whole batches, or one lane at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rewardwrap.calculus.arguments import Arguments
from rewardwrap.calculus.graph import Outside
from rewardwrap.calculus.text import batch_function, lane_function
from rewardwrap.calculus.translate import Paid, translate
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import FloatArray
from rewardwrap.sandbox.channel import Column, grown

Payer = Callable[..., tuple[float, ...]]
HEAD = ("obs", "action", "next_obs", "info", "info_before")


class Program:
    """What a source pays, as numpy operations.

    Args:
        tree: The source's syntax as plain data, see `sandbox.channel`.
        columns: The arrays of a batch.
        fields: Field name -> column of the flat observation that it is.
        components: Names, in the order of what is paid.

    Attributes:
        style: ``"batch"`` or ``"row"``: how the source sees its arguments.

    Raises:
        Outside: The source is no part of the calculus, with the first thing that is not.
    """

    def __init__(
        self,
        tree: Any,
        columns: Sequence[Column],
        fields: Mapping[str, int],
        components: Sequence[str],
    ) -> None:
        self.columns = tuple(columns)
        names = [f"c{k}" for k in range(len(columns))]
        dtypes = [np.dtype(column.dtype) for column in columns]
        inputs = [(n, d, tuple(c.shape)) for n, d, c in zip(names, dtypes, columns, strict=True)]
        arguments = Arguments(inputs, [(c.place, tuple(c.path)) for c in columns], fields)
        self._paid = _translated(tree, arguments, components)
        self.style = self._paid.style
        self._looks = [(shape, dtype) for _, dtype, shape in inputs]
        self._names = names
        self._batch = batch_function(self._paid, names)

    @property
    def source(self) -> str:
        """The text of what pays a batch, for people."""
        return str(self._batch.source)

    def fits(self, arrays: Sequence[Any]) -> bool:
        """Whether arrays are those that it was made for, but for the number of rows."""
        for array, (shape, dtype) in zip(arrays, self._looks, strict=True):
            if array.__class__ is not np.ndarray or array.shape[1:] != shape:
                return False
            if array.dtype is not dtype and array.dtype != dtype:
                return False
        return True

    def pay(self, arrays: Sequence[Any], rows: int) -> FloatArray:
        """``(1 + k, rows)``: the reward and its components."""
        paid: FloatArray = self._batch(arrays, rows)
        return paid

    def lane(self, task: Task) -> Payer:
        """``f(obs, action, next_obs, info, info_before) -> (reward, components ...)`` of one row."""
        names: dict[str, Any] = {}
        readers = {}
        for name, column in zip(self._names, self.columns, strict=True):
            readers[name] = _reader(column, task, names)
        payer: Payer = lane_function(self._paid, HEAD, readers, names)
        return payer


def _translated(tree: Any, arguments: Arguments, components: Sequence[str]) -> Paid:
    """In the style of a batch, or else in that of one row: the order in which the worker tries them too."""
    if tree is None:
        raise Outside("what its reader does not hand on")
    try:
        syntax = grown(tree)
    except (ValueError, RecursionError) as error:
        raise Outside(str(error)) from None
    try:
        return translate(syntax, arguments, components, "batch")
    except Outside as first:
        try:
            return translate(syntax, arguments, components, "row")
        except Outside as second:
            raise Outside(f"{first}; for one row: {second}") from None


def _reader(column: Column, task: Task, names: dict[str, Any]) -> str:
    """The expression of a column of one row."""
    if column.place.endswith("."):
        before = column.place == "obs."
        name = f"read_{len(names)}"
        names[name] = task.read_lane(str(column.path[0]))
        return f"{name}({'obs, info_before' if before else 'next_obs, info'})"
    text = f"{column.place}{''.join(f'[{key!r}]' for key in column.path)}"
    dtype = np.dtype(column.dtype)
    if column.shape:
        return f"asarray({text})" if column.place != "obs" and column.place != "next_obs" else text
    return {"float64": f"float({text})", "bool": f"bool({text})"}.get(
        dtype.name, f"{dtype.name}({text})"
    )
