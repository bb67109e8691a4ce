"""A turn as both sides of the wall see it: where things lie in the two blocks, and the worker's end.

The syntax tree of a source travels too, as nested lists, for those that want to read it without parsing text:
text can kill a parser, so the tree is made in a locked process (`sandbox.reading`). What comes back (`grown`)
is a tree of the node types below and of nothing else.

| block | who writes | head (64 bytes) | body |
|---|---|---|---|
| requests | the trainer; the worker reads | sequence, operation, rows, bytes of text | JSON, or columns |
| answers | the worker | sequence, status, bytes of text | ``(1 + k, rows)`` float64, or text |
"""

from __future__ import annotations

import ast
import math
import mmap
import os
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

HEAD = 64
REQUEST = struct.Struct("<QIII")
ANSWER = struct.Struct("<QII")
ANSWER_HEAD = struct.Struct(f"<QII{HEAD - ANSWER.size}x")
"""The same with everything up to the body."""

TEXT = 65_536
"""Longest text of an answer, bytes."""

STATE = 4096
"""Bytes that a lane carries where reward code is a class; the first four are a length."""
KEPT, GO = "kept", "go"
"""Places of a batch: what each lane carries, and how each row begins; see `sandbox.keeping`."""

ONE = b"\1\0\0\0\0\0\0\0"
HANDED = struct.Struct("<QIi")
"""What a zygote is asked: number of the request, operation, process. It is forked with these descriptors."""

TOLD = struct.Struct("<Qi")
"""What a zygote answers: number of the request, what came of it."""

FORK, KILL, WAIT = range(3)
BOOT, LOAD, SCHEMA, CALL, PROBE = range(5)
DONE, RAISED, MEMORY, DENIED, OUTPUT, REFUSED = range(6)
REASON_OF = {
    RAISED: "crash",
    MEMORY: "memory",
    DENIED: "syscall",
    OUTPUT: "output",
    REFUSED: "gate",
}


@dataclass(frozen=True)
class Column:
    """One array of a batch.

    Args:
        place: ``"obs"``, ``"action"``, ``"next_obs"``, ``"info"``, or ``"obs."`` and ``"next_obs."`` for
            named fields that the trainer computes; ``KEPT`` and ``GO`` where the code is a class.
        path: Keys inside a nested observation, or the one name in ``info`` or of the field.
        dtype: Of kind f, i, u or b, as numpy spells it.
        shape: Of one row.
    """

    place: str
    path: tuple[str | int, ...]
    dtype: str
    shape: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        """Size of one row."""
        return int(self.dtype[2:]) * math.prod(self.shape)

    def plain(self) -> list[Any]:
        """As JSON."""
        return [self.place, list(self.path), self.dtype, list(self.shape)]

    @classmethod
    def of(cls, plain: Sequence[Any]) -> Column:
        """From JSON."""
        place, path, dtype, shape = plain
        return cls(place, tuple(path), dtype, tuple(shape))


def offsets(columns: Sequence[Column], rows: int) -> list[int]:
    """Where each column starts, and where the last one ends; all on borders of 64 bytes."""
    at, found = HEAD, []
    for column in columns:
        found.append(at)
        at += -(-column.row_bytes * rows // 64) * 64
    return [*found, at]


class Events:
    """The worker's end of shared memory and two events.

    Attributes:
        requests: Block to read.
        answers: Block to write.
        ask: Descriptor that may still be read, -1 for any.
        reply: Descriptor that may still be written.
    """

    def __init__(self, requests: int, answers: int, ask: int, reply: int) -> None:
        self.requests = mmap.mmap(requests, 0, access=mmap.ACCESS_READ)
        self.answers = mmap.mmap(answers, 0)
        os.close(requests)
        os.close(answers)
        self.ask, self.reply = ask, reply

    def receive(self) -> None:
        """Wait until a request lies in the block."""
        os.read(self.ask, 8)

    def send(self, size: int) -> None:
        """Say that an answer of so many bytes lies in the block."""
        os.write(self.reply, ONE)


class Pipes:
    """The same over standard input and output; from here on nothing else reads or writes them."""

    def __init__(self, block: int) -> None:
        self.requests = bytearray(block)
        self.answers = bytearray(block)
        self.ask, self.reply = os.dup(0), os.dup(1)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in range(3):
            os.dup2(nowhere, standard)
        os.close(nowhere)
        if os.name == "posix":
            threading.Thread(target=_leave_with, args=(os.getppid(),), daemon=True).start()

    def receive(self) -> None:
        size = int.from_bytes(self._read(8), "little")
        self.requests[:size] = self._read(size)

    def _read(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            piece = os.read(self.ask, size - len(found))
            if not piece:
                # the trainer has gone
                os._exit(0)
            found += piece
        return found

    def send(self, size: int) -> None:
        content = size.to_bytes(8, "little") + self.answers[:size]
        while content:
            content = content[os.write(self.reply, content) :]


def _leave_with(parent: int) -> None:
    """End when the trainer has ended, also in the middle of a reward that never returns."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(0)


Channel: TypeAlias = Events | Pipes


def channel_of(arguments: Sequence[str]) -> Channel:
    """The channel that a worker was started with."""
    if arguments[0] == "events":
        return Events(*map(int, arguments[1:]))
    return Pipes(int(arguments[1]))


DEEP = 60
"""Levels of nesting beyond which no tree is handed on."""

KINDS: dict[str, tuple[str, ...]] = {
    "Module": ("body",),
    "FunctionDef": ("name", "args", "body"),
    "arguments": ("args", "defaults"),
    "arg": ("arg",),
    "Return": ("value",),
    "Assign": ("targets", "value"),
    "AnnAssign": ("target", "value"),
    "AugAssign": ("target", "op", "value"),
    "Expr": ("value",),
    "For": ("target", "iter", "body", "orelse"),
    "If": ("test", "body", "orelse"),
    "IfExp": ("test", "body", "orelse"),
    "Pass": (),
    "Break": (),
    "Continue": (),
    "BinOp": ("left", "op", "right"),
    "UnaryOp": ("op", "operand"),
    "BoolOp": ("op", "values"),
    "Compare": ("left", "ops", "comparators"),
    "Call": ("func", "args", "keywords"),
    "keyword": ("arg", "value"),
    "Name": ("id",),
    "Attribute": ("value", "attr"),
    "Subscript": ("value", "slice"),
    "Slice": ("lower", "upper", "step"),
    "Tuple": ("elts",),
    "List": ("elts",),
    "Dict": ("keys", "values"),
    "Constant": ("value",),
    "ListComp": ("elt", "generators"),
    "GeneratorExp": ("elt", "generators"),
    "DictComp": ("key", "value", "generators"),
    "comprehension": ("target", "iter", "ifs"),
}
"""Node types that travel, with the fields that do: no contexts, no annotations, no places in the text."""

UNSAID: dict[str, dict[str, Any]] = {
    "AnnAssign": {"simple": 1, "annotation": ast.Constant(None)},
    "comprehension": {"is_async": 0},
}
"""Fields that do not travel, and that Python from 3.13 on asks for."""

SIGNS = {
    name: getattr(ast, name)
    for name in (
        "Add", "Sub", "Mult", "Div", "FloorDiv", "Mod", "Pow", "MatMult", "USub", "UAdd", "Not", "And", "Or",
        "Eq", "NotEq", "Lt", "LtE", "Gt", "GtE", "Is", "IsNot", "In", "NotIn",
        "BitAnd", "BitOr", "BitXor", "Invert",
    )
}  # fmt: skip


def plain(tree: ast.Module) -> list[Any] | None:
    """The tree as nested lists ``[kind, field, ...]``; None where it holds what does not travel."""
    try:
        made: list[Any] = _plain(tree, 0)
    except (KeyError, OverflowError):
        return None
    return made


def _plain(value: Any, depth: int) -> Any:
    if depth > DEEP:
        raise OverflowError
    if isinstance(value, list):
        return ["[]", *(_plain(item, depth + 1) for item in value if not _imports(item))]
    if not isinstance(value, ast.AST):
        return value
    kind = type(value).__name__
    if kind in SIGNS:
        return [kind]
    if isinstance(value, ast.Constant) and value.value is ...:
        return ["..."]
    if isinstance(value, ast.Constant) and isinstance(value.value, complex | bytes):
        raise KeyError(kind)
    return [kind, *(_plain(getattr(value, name), depth + 1) for name in KINDS[kind])]


def _imports(node: Any) -> bool:
    # the gate let through nothing but numpy, math and typing
    return isinstance(node, ast.Import | ast.ImportFrom)


def grown(said: Any) -> Any:
    """The inverse of `plain`.

    Raises:
        ValueError: It is no such data.
    """
    if not isinstance(said, list):
        if said is None or isinstance(said, bool | int | float | str):
            return said
        raise ValueError("a tree must be made of lists, numbers and text")
    if not said or not isinstance(said[0], str):
        raise ValueError("a node must begin with its kind")
    kind, *fields = said
    if kind == "[]":
        return [grown(field) for field in fields]
    if kind == "...":
        return ast.Constant(...)
    if kind in SIGNS:
        return SIGNS[kind]()
    if kind not in KINDS or len(fields) != len(KINDS[kind]):
        raise ValueError(f"a node must be one of those that travel, got {kind[:40]}")
    told = dict(zip(KINDS[kind], map(grown, fields), strict=True))
    return getattr(ast, kind)(**told, **UNSAID.get(kind, {}))
