"""How far the runs on other machines are: one small file for each, in the folder they share anyway."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from rewardwrap.compare.spec import Spec, run_id
from rewardwrap.compare.store import Store
from rewardwrap.files import beside, write_whole

EVERY = 2.0
"""Seconds between two notes of a run: network file systems do not like more."""


class Steps:
    """The notes of all runs of one executor.

    Args:
        store: The notes lie beside its runs, in a folder that `Store.sweep` deletes when this process
            was killed.
    """

    def __init__(self, store: Store) -> None:
        self.folder = beside(store.root.absolute() / "steps")
        self._seen: dict[str, int] = {}

    def news(self) -> dict[str, int]:
        """Run id -> steps, of the runs that got further since the last call."""
        found = {}
        for note in self.folder.glob("*.txt"):
            try:
                steps = int(note.read_text())
            except (OSError, ValueError):
                continue  # being replaced; the next look sees it
            if self._seen.get(note.stem) != steps:
                self._seen[note.stem] = found[note.stem] = steps
        return found

    def tell(
        self, running: Iterable[Spec], on_step: Callable[[str, int], None] | None = None
    ) -> None:
        """Call ``on_step`` with id and steps of the runs under way that got further."""
        if on_step is None:
            return
        under_way = {run_id(spec) for spec in running}
        for name, steps in self.news().items():
            if name in under_way:
                on_step(name, steps)

    def clear(self) -> None:
        """Delete the notes."""
        shutil.rmtree(self.folder, ignore_errors=True)


def noting(folder: str, name: str) -> Callable[[int], None]:
    """A function for the run to call with the steps it took so far."""
    last = 0.0
    place = Path(folder)

    def note(steps: int) -> None:
        nonlocal last
        if time.monotonic() - last < EVERY:
            return
        last = time.monotonic()
        place.mkdir(parents=True, exist_ok=True)
        write_whole(place / f"{name}.txt", str(steps))

    return note
