"""Nodes as text: one function of a whole batch, and one of a single lane.

The text is made of this package's templates, of whole numbers, and of names of our own; constants enter
by name. In the text of a lane a float64 or a truth is Python's own number, everything else numpy's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rewardwrap.calculus.graph import NAMES, Node
from rewardwrap.calculus.translate import Paid
from rewardwrap.core.lane import compile_function

CALM = (
    "{0}", "({0} +", "({0} -", "({0} *", "({0} <", "({0} >", "({0} =", "({0} !", "({0} &", "({0} |", "(-",
    "({1} if", "(sum_", "square", "absolute", "sum_", "max_", "min_", "any_", "all_", "minimum", "maximum",
    "logical_", "where", "stack", "concatenate", "full", "asarray", "float", "bool",
)  # fmt: skip
"""How operations begin that numpy does not warn of; their overflow is infinite, and refused as such."""


@dataclass
class Text:
    """Lines of a function, and the constants that they name."""

    lines: list[str] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)
    known: dict[Node, str] = field(default_factory=dict)
    prefix: str = ""

    def constant(self, value: Any, *, plain: bool) -> str:
        """How a known number is written; ``plain`` where numpy's own numbers may be Python's."""
        if plain and isinstance(value, np.floating | np.bool_):
            value = value.item()
        if value.__class__ in (bool, int, float) and math.isfinite(value):
            return f"({value!r})" if value < 0 else repr(value)
        name = f"{self.prefix}k{len(self.names)}"
        self.names[name] = value
        return name


def _order(nodes: Sequence[Node]) -> list[Node]:
    """Everything that the nodes stand on, what comes first first."""
    seen: dict[int, Node] = {}
    waiting: list[tuple[Node, bool]] = [(node, False) for node in reversed(nodes)]
    while waiting:
        node, ready = waiting.pop()
        if ready:
            seen.setdefault(id(node), node)
        elif id(node) not in seen:
            waiting.append((node, True))
            waiting += [(a, False) for a in reversed(node.args) if isinstance(a, Node)]
    return list(seen.values())


def batch_function(paid: Paid, inputs: Sequence[str]) -> Any:
    """``f(arrays, rows) -> (1 + k, rows)`` float64."""
    text = Text(known={node: name for name, node in paid.graph.inputs.items()})
    for node in _order(paid.nodes):
        if node not in text.known:
            given = [
                text.known[a] if isinstance(a, Node) else text.constant(a, plain=False)
                for a in node.args
            ]
            name = text.known[node] = f"v{len(text.lines)}"
            text.lines.append(f"{name} = {node.batch.format(*given)}")
    quiet = all(node.batch.startswith(CALM) for node in text.known if node.batch)
    lines = text.lines if quiet else _hushed(text.lines)
    body = [
        f"{', '.join(inputs)}, = arrays",
        *lines,
        f"out = empty(({len(paid.nodes)}, rows))",
        *(f"out[{i}] = {text.known[node]}" for i, node in enumerate(paid.nodes)),
        "return out",
    ]
    names = {**NAMES, **text.names, "empty": np.empty, "errstate": np.errstate}
    return compile_function("pay", "def pay(arrays, rows):", body, names)


def _hushed(lines: Sequence[str]) -> list[str]:
    """The lines without numpy's warnings: what is infinite is refused, or not taken."""
    return ["with errstate(all='ignore'):", *(f"    {line}" for line in lines)]


def lane_function(
    paid: Paid, head: Sequence[str], readers: Mapping[str, str], names: Mapping[str, Any]
) -> Any:
    """``f(*head) -> (reward, components ...)``, Python floats.

    Args:
        paid: What to pay.
        head: Its parameters.
        readers: Column -> the expression that reads it from them.
        names: What those expressions name.
    """
    order = _order(paid.nodes)
    used = {name for name, node in paid.graph.inputs.items() if node in order}
    reading = [f"{name} = {readers[name]}" for name in paid.graph.inputs if name in used]
    lines, made, constants = lane_lines(paid)
    results = [f"float({name})" for name in made]
    known = {**NAMES, **constants, **names, "errstate": np.errstate}
    body = [*reading, *lines, f"return {', '.join(results)},"]
    return compile_function("pay", f"def pay({', '.join(head)}):", body, known)


def lane_lines(
    paid: Paid, prefix: str = "", columns: Mapping[str, str] | None = None
) -> tuple[list[str], list[str], dict[str, Any]]:
    """Lines that pay one lane, the variables of what they pay, and the constants by name.

    Args:
        paid: What to pay.
        prefix: Of every variable and constant.
        columns: Column -> the variable that holds it; its own name where it is left out.
    """
    columns = columns or {}
    text = Text(
        known={node: columns.get(name, name) for name, node in paid.graph.inputs.items()},
        prefix=prefix,
    )
    quiet = True
    for node in _order(paid.nodes):
        if node not in text.known:
            line, calm = _lane_line(node, text)
            quiet = quiet and calm
            name = text.known[node] = f"{prefix}v{len(text.lines)}"
            text.lines.append(f"{name} = {line}")
    lines = text.lines if quiet else _hushed(text.lines)
    return lines, [text.known[node] for node in paid.nodes], text.names


def _lane_line(node: Node, text: Text) -> tuple[str, bool]:
    """The text of one operation for one row, and whether it never warns."""
    parts = [a for a in node.args if isinstance(a, Node)]
    numbers = all(is_number(a) for a in parts)
    if (
        node.scalar
        and numbers
        and is_number(node)
        and all(np.ndim(a) == 0 for a in node.args if not isinstance(a, Node))
    ):
        given = [
            text.known[a] if isinstance(a, Node) else text.constant(a, plain=True)
            for a in node.args
        ]
        line = _divided(node).format(*given)
        # Python's True + True is 2, numpy's is True
        whole = node.dtype == bool and node.scalar.startswith(("({0} +", "({0} *", "abs"))
        return (f"bool({line})" if whole else line), True
    # a Python number is weak: beside float32 it would make float32
    strong = any(not is_number(a) and a.dtype != np.float64 for a in parts) or numbers
    given = []
    for a in node.args:
        if not isinstance(a, Node):
            given.append(text.constant(a, plain=False))
        elif is_number(a) and strong:
            given.append(f"{'bool_' if a.dtype == bool else 'float64'}({text.known[a]})")
        else:
            given.append(text.known[a])
    line = node.lane.format(*given)
    calm = node.lane.startswith(CALM)
    if not is_number(node) or ".item(" in node.lane:
        return line, calm
    return f"{'bool' if node.dtype == bool else 'float'}({line})", calm


def _divided(node: Node) -> str:
    """The operation of Python's numbers; a divisor that is known not to be 0 needs no care."""
    divisor = node.args[-1] if node.scalar.startswith("m_divide") else 0.0
    known = not isinstance(divisor, Node) and divisor != 0.0 and math.isfinite(divisor)
    return "({0} / {1})" if known else node.scalar


def is_number(node: Node) -> bool:
    """Whether the text of a lane holds it as a Python number."""
    return not node.row and (node.dtype == np.float64 or node.dtype == bool)
