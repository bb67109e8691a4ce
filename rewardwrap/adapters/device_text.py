"""The text of one lane over tensors: what a reward that is arithmetic on columns does on a device.

As `core.calm` reads the text as numpy, but with borders, since to ask whether an episode ended would wait for
the device: ``if terminated: x = 0.0`` becomes ``x.masked_fill(terminated, 0.0)``, and the lines that start an
episode run for all lanes and count where it is the first step. Anything else in the text leaves the reward to
be stepped as a tree of `DeviceArray`, and so does a text that pays otherwise than the tree does on a few
made-up rows.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from rewardwrap.adapters.device_arrays import DeviceArray, native
from rewardwrap.core import tree
from rewardwrap.core.calm import ARITHMETIC, bound_of
from rewardwrap.core.info import NO_INFO
from rewardwrap.core.lane import LaneCode, compile_function
from rewardwrap.core.reward import SHAPED, Reward
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import Transitions

Tensor = torch.Tensor
Step = Callable[..., tuple[Any, ...]]
"""``step(obs, upcoming, final, ended, reward, terminated, truncated, first, memory)`` returns all terms but
the environment's, last the shaped reward, and replaces ``memory``."""

ROWS, STEPS = 16, 4


class Unfit(Exception):
    """The text holds what tensors cannot do."""


def device_step(
    reward: Reward, task: Task, names: tuple[str, ...], width: int | None
) -> Step | None:
    """The step, or None where the reward is no arithmetic on columns.

    Args:
        reward: A prepared reward.
        task: Named fields and discount.
        names: Everything that is recorded: ``("env", <terms>, "shaped")``.
        width: Of a flat observation; None where it is something else.
    """
    if width is None or any(node.stochastic or node.lookahead for node in reward.walk()):
        return None
    code = LaneCode(task, many=True, arrays=True)
    value = reward.write(code)
    if code.slow or code.epilogue() or code.columns:
        return None
    rows = [code.terms[name] for name in names[1:-1]]
    text = [*code.body, *(f"row_{k} = {row}" for k, row in enumerate(rows)), f"{SHAPED} = {value}"]
    places = [f"memory_{k}" for k in range(len(code.memory))]
    constants = {n for n, v in code.names.items() if isinstance(v, float | int)}
    known = {"reward", *constants, *places, *code.reads.values()}
    try:
        starts = [_start(line) for line in code.start]
        # a place that no episode sets anew would keep what the last one left
        if {line.partition(" = ")[0] for line in starts} != {*places}:
            return None
        lines = _over_tensors(_plain(text), known)
    except (Unfit, SyntaxError):
        return None
    body = [
        *([f"{', '.join(places)}, = memory"] if places else []),
        *starts,
        # of the true successors only what is read: to put all of them together costs more than the rest
        *(
            f"{name} = where(ended, final[:, {index}], upcoming[:, {index}])"
            for index, name in code.reads.items()
        ),
        *lines,
        *([f"memory[:] = {', '.join(places)},"] if places else []),
        f"return {''.join(f'row_{k}, ' for k in range(len(rows)))}{SHAPED},",
    ]
    given = "obs, upcoming, final, ended, reward, terminated, truncated, first, memory"
    functions = {**code.names, "where": torch.where, "maximum": _maximum, "minimum": _minimum}
    step: Step = compile_function("step", f"def step({given}):", body, functions)
    return step if _pays_the_same(step, reward, task, names, width) else None


def _pays_the_same(
    step: Step, reward: Reward, task: Task, names: tuple[str, ...], width: int
) -> bool:
    """Whether text and tree pay and carry the same on made-up rows, some of which begin and end."""
    random = torch.Generator().manual_seed(0)
    carry = tree.map_leaves(
        lambda leaf: DeviceArray(torch.as_tensor(np.asarray(leaf, np.float32))), reward.init(ROWS)
    )
    first = torch.ones(ROWS, dtype=torch.bool)
    obs = torch.randn((ROWS, width), generator=random)
    for _ in range(STEPS):
        upcoming, final, drawn = torch.randn((3, ROWS, width + 2), generator=random)
        paid, terminated = drawn[:, 0], drawn[:, 1] > 0.5
        truncated = (drawn[:, 1] < -0.5) | (terminated & (paid > 0.0))
        ended, memory = terminated | truncated, [leaf.native for leaf in tree.leaves(carry)]
        upcoming, final = upcoming[:, :width], final[:, :width]
        values = step(obs, upcoming, final, ended, paid, terminated, truncated, first, memory)
        after = torch.where(ended[:, None], final, upcoming)
        columns = [obs, drawn, after, paid, terminated, truncated & ~terminated, first]
        made: list[Any] = [*map(DeviceArray, columns), NO_INFO, NO_INFO, True, task]
        batch = Transitions(*made)
        carry, value = reward.step(carry, batch)
        wanted = [*(batch.terms[name] for name in names[1:-1]), value, *tree.leaves(carry)]
        if not all(map(_alike, [*values, *memory], wanted)):
            return False
        obs, first = upcoming, ended
    return True


def _alike(one: Any, other: Any) -> bool:
    first, second = (torch.as_tensor(native(v)).float().expand(ROWS) for v in (one, other))
    return torch.allclose(first, second, rtol=1e-4, atol=1e-5)


def _plain(lines: list[str]) -> str:
    return re.sub(r"\b(memory_\d+)\[i\]", r"\1", "\n".join(lines))


def _start(line: str) -> str:
    """``memory_0[i] = <of obs.item(2)>`` for all lanes, kept where an episode starts.

    Raises:
        Unfit: It is no arithmetic on the first observation.
    """
    place, _, value = _plain([line]).partition(" = ")
    tree = ast.parse(re.sub(r"\bobs\.item\((\d+)\)", r"start_\1", value), mode="eval").body
    read = _names_of(tree)
    if not re.fullmatch(r"memory_\d+", place) or not all(n.startswith("start_") for n in read):
        raise Unfit
    text = re.sub(r"\bstart_(\d+)\b", r"obs[:, \1]", ast.unparse(_Shorter().visit(tree)))
    return f"{place} = where(first, {text}, {place})"


def _names_of(node: ast.AST) -> set[str]:
    """What arithmetic reads.

    Raises:
        Unfit: It is something else.
    """
    parts = list(ast.walk(node))
    if not all(isinstance(part, ARITHMETIC) for part in parts):
        raise Unfit
    return {p.id for p in parts if isinstance(p, ast.Name) and isinstance(p.ctx, ast.Load)}


def _over_tensors(text: str, known: set[str]) -> list[str]:
    """The lines of a step, ends included.

    Raises:
        Unfit: One of them is no arithmetic on what is known.
    """
    made: list[str] = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name):
            made += _at_ends(node, known)
        elif isinstance(node, ast.If):
            found = bound_of(node, known)
            if found is None:
                raise Unfit
            made.append(found)
        else:
            if not _names_of(node) <= known:
                raise Unfit
            known |= {p.id for p in ast.walk(node) if isinstance(p, ast.Name)}
            made.append(ast.unparse(_Shorter().visit(node)))
    return made


def _at_ends(node: ast.If, known: set[str]) -> list[str]:
    """``if terminated: x = 0.0`` and ``elif truncated: x = 0.0``, which must set the same numbers."""
    made: list[str] = []
    set_before: list[tuple[str, Any]] | None = None
    asked: tuple[str, ...] = ("terminated", "truncated")
    while True:
        if not isinstance(node.test, ast.Name) or node.test.id not in asked:
            raise Unfit
        assigned: list[tuple[str, Any]] = []
        for line in node.body:
            # a warning of one number would wait for the device
            if isinstance(line, ast.If):
                continue
            if not isinstance(line, ast.Assign) or not isinstance(line.value, ast.Constant):
                raise Unfit
            assigned.append((ast.unparse(line.targets[0]), line.value.value))
        if not {name for name, _ in assigned} <= known or set_before not in (None, assigned):
            raise Unfit
        made += [f"{name} = {name}.masked_fill({node.test.id}, {v!r})" for name, v in assigned]
        set_before, asked = assigned, asked[1:]
        if not node.orelse:
            return made
        if len(node.orelse) > 1 or not isinstance(node.orelse[0], ast.If):
            raise Unfit
        node = node.orelse[0]


class _Shorter(ast.NodeTransformer):
    """Leaves out ``1.0 * x`` and ``0.0 + x``: each is a pass over all lanes."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        neutral = {ast.Add: 0.0, ast.Mult: 1.0}.get(type(node.op))
        for one, other in ((node.left, node.right), (node.right, node.left)):
            if isinstance(one, ast.Constant) and one.value == neutral:
                return other
        return node


def _maximum(value: Any, low: float) -> Any:
    return value.clamp(min=low) if isinstance(value, Tensor) else max(value, low)


def _minimum(value: Any, high: float) -> Any:
    return value.clamp(max=high) if isinstance(value, Tensor) else min(value, high)
