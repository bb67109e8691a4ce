"""A reward as people read it: a table of what is paid with which weight, and the tree behind it.

Knows nothing of the classes that it shows but their fields, so that the reward itself can stand on it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

HEADINGS = ("name", "weight", "what")
RANGES = "of an episode"
"""Heading of the least and the largest sum of a term that one episode paid."""

Ranges = Mapping[str, tuple[float, float]]


def rows(reward: Any, ranges: Ranges | None = None) -> list[tuple[str, ...]]:
    """Headings, then name, weight, range where any was seen, and what, of every addend.

    A number times a named term stands inside the name, where it is shown as the weight.
    """
    terms = reward.terms if reward.tag == "sum" else (reward,)
    table: list[tuple[str, ...]] = [HEADINGS, *map(_row, terms)]
    if not ranges:
        return table
    seen = [RANGES, *(_between(ranges.get(name)) for name, *_ in table[1:])]
    return [(*row[:2], range_, row[2]) for row, range_ in zip(table, seen, strict=True)]


def text(reward: Any, ranges: Ranges | None = None) -> str:
    """The table."""
    cells = rows(reward, ranges)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = (
        "  ".join((row[0].ljust(widths[0]), *map(str.rjust, row[1:-1], widths[1:-1]), row[-1]))
        for row in cells
    )
    return "\n".join(lines)


def html(reward: Any, ranges: Ranges | None = None) -> str:
    """The table, and the tree behind it to unfold."""
    headings, *cells = rows(reward, ranges)
    head = "".join(f"<th style='text-align:left'>{name}</th>" for name in headings)
    body = "".join(
        f"<tr>{''.join(f'<td style=text-align:left>{escape(cell)}</td>' for cell in row)}</tr>"
        for row in cells
    )
    outline = escape("\n".join(tree(reward)))
    return (
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"<details><summary>tree</summary><pre>{outline}</pre></details>"
    )


def tree(node: Any, depth: int = 0) -> Iterator[str]:
    """One line for each reward of the tree, indented by its depth."""
    below = node.parts()
    own = [
        f"{f.name}={_written(getattr(node, f.name))}"
        for f in _fields(node)
        if f.repr
        and not _holds(getattr(node, f.name), below)
        and getattr(node, f.name) is not f.default
    ]
    yield f"{'  ' * depth}{type(node).__name__}({', '.join(own)})"
    for part in below:
        yield from tree(part, depth + 1)


def _row(term: Any) -> tuple[str, str, str]:
    name = term.tag or type(term).__name__
    if term.tag == "named":
        name, term = term.name, term.base
    if term.tag != "affine":
        return name, "1", _written(term)
    if name == "affine":
        name = term.base.tag or type(term.base).__name__
    low, high = ("" if bound is None else f"{bound:g}" for bound in (term.low, term.high))
    shift = f" {term.shift:+g}" if term.shift else ""
    bounds = f", kept in [{low}, {high}]" if low or high else ""
    return name, f"{term.scale:g}", f"{_written(term.base)}{shift}{bounds}"


def _between(seen: tuple[float, float] | None) -> str:
    if seen is None:
        return ""
    low, high = (f"{value:.4g}" for value in seen)
    return low if low == high else f"{low} to {high}"


def _written(node: Any) -> str:
    """As code; a function by its name alone, since where it lies in memory tells nobody anything."""
    return re.sub(r"<function (.+?) at 0x[0-9a-f]+>", r"\1", repr(node))


def _fields(node: Any) -> Sequence[Any]:
    return dataclasses.fields(node) if dataclasses.is_dataclass(node) else ()


def _holds(value: Any, parts: Sequence[Any]) -> bool:
    """Whether a field is one of the rewards below, or a tuple with one."""
    items = value if isinstance(value, tuple) else (value,)
    return any(item is part for item in items for part in parts)
