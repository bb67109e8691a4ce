"""Bars of long work: how far it is and how long it will take; lines where there is no terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

FIRST_LINE, FACTOR = 10.0, 2.0
"""Without a terminal: seconds until the first line, and how much longer the next one waits."""


@contextmanager
def work_shown(
    what: str, total: int, *, console: Console | None = None, shown: bool = True
) -> Iterator[Callable[[int], None]]:
    """Show how much of some work is done.

    Args:
        what: What is counted, e.g. ``"episodes"``.
        total: How many there will be.
        console: Where; None: the error stream, which leaves what is printed alone.
        shown: False shows nothing.

    Yields:
        A function of how many are done.
    """
    if not shown:
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield _lines(what, total, console)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def steps_shown(
    total: int, *, shown: bool = True, console: Console | None = None
) -> Iterator[Callable[[int], None] | None]:
    """`work_shown` for a training; None instead of a function where nothing is shown."""
    with work_shown("steps", total, console=console, shown=shown) as moved:
        yield moved if shown else None


def _lines(what: str, total: int, console: Console) -> Callable[[int], None]:
    began, due = time.monotonic(), FIRST_LINE

    def moved(done: int) -> None:
        nonlocal due
        used = time.monotonic() - began
        if used < due or not 0 < done < total:
            return
        due = FACTOR * used
        left = duration(used * (total - done) / done)
        console.print(
            f"{done:,} of {total:,} {what}, about {left} left.",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip

    return moved


def duration(seconds: float) -> str:
    """A time as people say it.

    >>> duration(4), duration(95), duration(7300)
    ('4 s', '2 min', '2 h')
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h".replace(".0 h", " h")
