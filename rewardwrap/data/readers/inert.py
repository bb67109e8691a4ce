"""Pickles read as data: no name in the file is imported and nothing in it is called.

``pickle.load`` runs whatever a file asks for. Here every class and function that a pickle names is
an empty stand-in that notes what it was given; not even numpy rebuilds its arrays. Afterwards the
notes that look like arrays and numbers of plain dtypes become arrays, by `numpy.frombuffer` with
the sizes checked, and everything else stays a note.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from rewardwrap.data.errors import DataError

_NUMPY = ("numpy.core.", "numpy._core.")


class Inert:
    """Stand-in for an object of a pickled class: ``origin``, ``given``, ``state``, entries."""

    origin = ""

    given: Any
    state: Any
    entries: dict[Any, Any]

    # not __init__: a pickle may make an object without calling it
    def __new__(cls, *given: Any, **_named: Any) -> Inert:
        self = super().__new__(cls)
        self.given, self.state, self.entries = given, None, {}
        return self

    def __init__(self, *given: Any, **named: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        self.entries[key] = value

    def append(self, element: Any) -> None:
        """Elements of pickled lists of other classes are not kept."""

    def extend(self, elements: Any) -> None:
        """As `append`."""


class _Reader(pickle.Unpickler):
    """Finds no class: each name becomes a stand-in of its own."""

    def find_class(self, module: str, name: str) -> Any:
        return type(name, (Inert,), {"origin": f"{module}.{name}"})


def load(file: BinaryIO, name: str | Path) -> Any:
    """The content of a pickle as plain values, arrays and `Inert` notes.

    Raises:
        DataError: The file is cut short or is no pickle.
    """
    try:
        return plain(_Reader(file).load(), {})
    except (
        *(pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, KeyError),
        *(IndexError, OverflowError, MemoryError, RecursionError, ImportError),
    ) as error:
        raise DataError(
            f"{name} must be a whole pickled buffer, got: {error or type(error).__name__}. It was "
            "cut short or is no such file; nothing in it was executed."
        ) from error


def plain(value: Any, seen: dict[int, Any]) -> Any:
    """Notes of arrays, scalars and ordered dicts become them; the rest keeps plain state."""
    if id(value) in seen:
        return seen[id(value)]
    if isinstance(value, dict):
        # before its values: a pickle may hold itself
        seen[id(value)] = out = {}
        out.update({k: plain(v, seen) for k, v in value.items() if not isinstance(k, Inert)})
        return out
    if isinstance(value, list):
        items: list[Any] = []
        seen[id(value)] = items
        items.extend(plain(v, seen) for v in value)
        return items
    if isinstance(value, tuple):
        return tuple(plain(v, seen) for v in value)
    if isinstance(value, Inert):
        seen[id(value)] = value
        seen[id(value)] = built = _built(value, seen)
        return built
    return value


def _built(note: Inert, seen: dict[int, Any]) -> Any:
    module, _, name = note.origin.rpartition(".")
    if note.origin == "collections.OrderedDict":
        return plain(note.entries, seen)
    if module.startswith(_NUMPY):
        if name == "_frombuffer" and len(note.given) == 4:
            buffer, dtype, shape, order = note.given
            return array(buffer, dtype, shape, order)
        if name == "_reconstruct" and isinstance(note.state, tuple) and len(note.state) == 5:
            _, shape, dtype, fortran, buffer = note.state
            if isinstance(buffer, list):
                return note  # an array of objects: nothing that we read
            return array(buffer, dtype, shape, "F" if fortran else "C")
        if name == "scalar" and len(note.given) == 2:
            return array(note.given[1], note.given[0], (), "C")[()]
    note.state = plain(note.state, seen)
    note.given = plain(note.given, seen)
    return note


def dtype_of(note: Any) -> np.dtype[Any]:
    """The dtype that a stand-in of ``numpy.dtype`` describes.

    Raises:
        ValueError: Anything but numbers and booleans.
    """
    said = note.given[0] if isinstance(note, Inert) and note.given else None
    if not isinstance(said, str) or note.origin != "numpy.dtype":
        raise ValueError(f"a dtype that is {said!r}")
    order = note.state[1] if isinstance(note.state, tuple) and len(note.state) > 1 else "="
    dtype = np.dtype(said)
    if dtype.kind not in "biufc" or order not in ("<", ">", "|", "="):
        raise ValueError(f"an array of dtype {said}")
    return dtype.newbyteorder(">") if order == ">" else dtype


def array(buffer: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray[Any, Any]:
    """An array over bytes, whose number must be what shape and dtype say.

    Raises:
        ValueError: The sizes disagree.
    """
    if isinstance(buffer, str):  # protocols below 3 write bytes as latin-1 text
        buffer = buffer.encode("latin-1")
    if isinstance(buffer, Inert) and buffer.origin == "_codecs.encode":
        buffer = str(buffer.given[0]).encode("latin-1")
    sizes = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
    if not isinstance(buffer, bytes | bytearray) or not all(isinstance(n, int) for n in sizes):
        raise ValueError("an array without bytes or shape")
    flat = np.frombuffer(buffer, dtype_of(dtype))
    return flat.reshape(sizes, order="F" if order == "F" else "C")
