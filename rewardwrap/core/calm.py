"""Steps on which no episode begins or ends, for all lanes at once: the text of one lane, over arrays.

Most steps of many lanes are such, and most rewards are then arithmetic on columns. What `Reward.write` says
of one lane is read as numpy: a number becomes the array of all lanes, ``if terminated`` goes, a bound becomes
``maximum`` or ``minimum``. Anything else in the text leaves the reward to be stepped as a tree, and so does
a text that does not pay and carry what the tree does on the first such steps (`core.stream`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.lane import LaneCode, compile_function
from rewardwrap.core.reward import SHAPED, Reward
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import Carry, FloatArray

Step = Callable[[Any, FloatArray, list[Any], FloatArray], FloatArray]
"""``step(next_obs, reward, memory, terms)`` returns what is paid, replaces ``memory`` and fills ``terms``."""
CONFIRMED = 3
"""Calm steps that tree and text both make, before the text goes on alone."""
ENDS = ("terminated", "truncated")
ARITHMETIC = (
    ast.Assign, ast.Name, ast.Load, ast.Store, ast.Constant, ast.Expression, ast.Module, ast.BinOp, ast.Add,
    ast.Sub, ast.Mult, ast.UnaryOp, ast.USub,
)  # fmt: skip


class _Unfit(Exception):
    """The text holds what arrays cannot do."""


class CalmSteps:
    """The text of calm steps, and what it carries while it goes on alone.

    Args:
        step: The text.
    """

    def __init__(self, step: Step) -> None:
        self.step, self.sure = step, False
        self._confirmed = 0
        self._memory: list[Any] | None = None

    def held(self, carry: Carry) -> list[Any]:
        """What it carries, taken over from the tree on the first step of a row of them."""
        if self._memory is None:
            self._memory = list(tree.leaves(carry))
        return self._memory

    def back(self, carry: Carry, lanes: int) -> Carry:
        """The tree with what was carried meanwhile."""
        if self._memory is None:
            return carry
        leaves = [np.full(lanes, m) if np.ndim(m) == 0 else m for m in self._memory]
        self._memory = None
        return tree.refill(carry, leaves)

    def tried(
        self, carry: Carry, next_obs: Any, reward: FloatArray, shape: tuple[int, ...]
    ) -> tuple[list[Any], FloatArray]:
        """What the text would carry on and record, from what the tree carries."""
        memory, terms = list(tree.leaves(carry)), np.empty(shape)
        self.step(next_obs, reward, memory, terms)
        return memory, terms

    def confirm(self, pairs: Sequence[tuple[Any, Any]]) -> bool:
        """Whether text and tree agree; after some steps the text is believed."""
        self._confirmed += 1
        self.sure = self._confirmed >= CONFIRMED
        return all(np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True) for a, b in pairs)


def calm_steps(
    reward: Reward, task: Task, names: tuple[str, ...], carry: Carry
) -> CalmSteps | None:
    """The step, or None where the reward is no arithmetic on columns.

    Args:
        reward: A prepared reward.
        task: Named fields and discount.
        names: Everything that is recorded, in the order of the rows of ``terms``.
        carry: What it carries as a tree: one array for each place of the text.
    """
    if any(node.learns or node.stochastic or node.lookahead for node in reward.walk()):
        return None
    code = LaneCode(task, many=True, arrays=True)
    value = reward.write(code)
    places = [np.shape(leaf) for leaf in tree.leaves(carry)]
    if code.slow or code.epilogue() or len(places) != len(code.memory) or {*map(len, places)} > {1}:
        return None
    terms = [f"{name} = {code.terms[name]}" for name in names[1:-1]]
    text = "\n".join([*code.body, *terms_as(terms), f"{SHAPED} = {value}"])
    try:
        lines = _over_arrays(re.sub(r"\b(memory_\d+)\[i\]", r"\1", text), _known(code, len(places)))
    except (_Unfit, SyntaxError):
        return None
    kept = [f"memory_{k}" for k in range(len(places))]
    body = [
        *([f"{', '.join(kept)}, = memory"] if kept else []),
        *(f"{name} = next_obs[:, {index}] * one" for index, name in code.reads.items()),
        *(f"{name} = {every}(next_obs)" for name, (every, _) in code.columns.items()),
        *lines,
        f"if {SHAPED}.__class__ is float: {SHAPED} = full({SHAPED}, reward)",
        "terms[0] = reward",
        *(f"terms[{k}] = term_row_{k}" for k in range(1, len(names) - 1)),
        f"terms[-1] = {SHAPED}",
        *([f"memory[:] = {', '.join(kept)}," if kept else ""]),
        f"return {SHAPED}",
    ]
    # np.float64 is a strong type: one multiplication leaves float32 behind
    known = {
        **code.names,
        "one": np.float64(1.0),
        "maximum": np.maximum,
        "minimum": np.minimum,
        "full": lambda number, like: np.full(like.shape, number),
    }
    head = "def step(next_obs, reward, memory, terms):"
    return CalmSteps(compile_function("step", head, [line for line in body if line], known))


def terms_as(lines: list[str]) -> list[str]:
    """Assignments to variables that no fragment uses."""
    return [f"term_row_{k} = {line.partition(' = ')[2]}" for k, line in enumerate(lines, start=1)]


def _known(code: LaneCode, places: int) -> set[str]:
    """Names that stand for a number or for one number a lane."""
    constants = {name for name, value in code.names.items() if isinstance(value, float | int)}
    carried = {f"memory_{k}" for k in range(places)}
    return {"reward", *constants, *carried, *code.reads.values(), *code.columns}


def _over_arrays(text: str, known: set[str]) -> list[str]:
    """The lines of a step on which nothing ends.

    Raises:
        _Unfit: One of them is no arithmetic on what is known.
    """
    made = []
    for node in ast.parse(text).body:
        while isinstance(node, ast.If) and _asks_for_an_end(node.test):
            # the last `elif` and `else` would follow
            if not node.orelse:
                break
            if len(node.orelse) > 1:
                raise _Unfit
            node = node.orelse[0]
        if isinstance(node, ast.If) and _asks_for_an_end(node.test):
            continue
        if isinstance(node, ast.If):
            bound = bound_of(node, known)
            if bound is None:
                raise _Unfit
            made.append(bound)
            continue
        parts = list(ast.walk(node))
        read = {p.id for p in parts if isinstance(p, ast.Name) and isinstance(p.ctx, ast.Load)}
        if not all(isinstance(part, ARITHMETIC) for part in parts) or not read <= known:
            raise _Unfit
        known |= {p.id for p in parts if isinstance(p, ast.Name)}
        made.append(ast.unparse(node))
    return made


def _asks_for_an_end(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id in ENDS


def bound_of(node: ast.If, known: set[str]) -> str | None:
    """``if x < c: x = c`` as ``x = maximum(x, c)``, or None where it is something else."""
    found = re.fullmatch(
        r"if (\w+) ([<>]) (-?[\d.e+-]+):\n    (\w+) = (-?[\d.e+-]+)", ast.unparse(node)
    )
    if found is None or found[1] not in known or found[1] != found[4] or found[3] != found[5]:
        return None
    return f"{found[1]} = {'maximum' if found[2] == '<' else 'minimum'}({found[1]}, {found[3]})"
