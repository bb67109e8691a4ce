"""The console of nes-py: its library of C++ alone, so that neither its Python nor the old gym is loaded."""

from __future__ import annotations

import ctypes
import functools
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rewardwrap_envs.errors import MissingPackage

Bytes = npt.NDArray[np.uint8]
HEIGHT, WIDTH, MEMORY = 240, 256, 0x800


class Console:
    """One game on one console. Memory is written and read in place; numbers of it are Python's, not uint8.

    Args:
        rom: A file in iNES format.
    """

    def __init__(self, rom: Path) -> None:
        self._library = _library()
        self._console: int | None = self._library.Initialize(str(rom))
        self.ram = self._bytes(self._library.Memory(self._console), MEMORY)
        self._pad = self._bytes(self._library.Controller(self._console, 0), 1)
        pixels = self._bytes(self._library.Screen(self._console), HEIGHT * WIDTH * 4)
        self._pixels = pixels.reshape(HEIGHT, WIDTH, 4)
        self._library.Reset(self._console)

    def frame(self, buttons: int) -> None:
        """Play one frame; bit by bit: A, B, select, start, up, down, left, right."""
        self._pad[0] = buttons
        self._library.Step(self._console)

    def byte(self, address: int) -> int:
        """One byte of memory, as a number that does not overflow."""
        return int(self.ram[address])

    def digits(self, address: int, count: int) -> int:
        """A number that the game keeps one decimal digit a byte."""
        return int("".join(str(int(digit)) for digit in self.ram[address : address + count]))

    def screen(self) -> Bytes:
        """``(240, 256, 3)`` RGB, a copy."""
        return np.ascontiguousarray(self._pixels[:, :, 2::-1])

    def keep(self) -> None:
        """Remember this moment, for `back`."""
        self._library.Backup(self._console)

    def back(self) -> None:
        """To the moment of `keep`, in every bit."""
        self._library.Restore(self._console)

    def close(self) -> None:
        """Free it; it cannot be used afterwards."""
        if self._console is not None:
            self._library.Close(self._console)
            self._console = None
            # what they showed is gone
            self.ram, self._pad = np.zeros(MEMORY, np.uint8), np.zeros(1, np.uint8)
            self._pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)

    def __del__(self) -> None:
        if getattr(self, "_console", None) is not None:
            self.close()

    def _bytes(self, address: int, count: int) -> Bytes:
        return np.ctypeslib.as_array((ctypes.c_uint8 * count).from_address(address))


def folder_of(package: str) -> Path:
    """Where an installed package lies; it is not imported.

    Raises:
        MissingPackage: It is not installed.
    """
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise MissingPackage(
            f"Super Mario Bros. must have {package} installed, got none. "
            'Run: pip install "rewardwrap[mario]"'
        )
    return Path(found.submodule_search_locations[0])


@functools.cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(next(folder_of("nes_py").glob("lib_nes_env*"))))
    pointer: Any = ctypes.c_void_p
    library.Initialize.argtypes, library.Initialize.restype = [ctypes.c_wchar_p], pointer
    library.Controller.argtypes, library.Controller.restype = [pointer, ctypes.c_uint], pointer
    for name in ("Screen", "Memory", "Reset", "Step", "Backup", "Restore", "Close"):
        call = getattr(library, name)
        call.argtypes, call.restype = [pointer], pointer if name in ("Screen", "Memory") else None
    return library
