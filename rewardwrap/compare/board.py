"""Live progress of a comparison: bars on a terminal, lines anywhere else."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from rewardwrap.compare.executors import Outcome
from rewardwrap.compare.spec import Spec, run_id
from rewardwrap.pages.bars import duration


class Board:
    """Shows which runs are under way and how far.

    Args:
        console: Where.
        specs: All runs of the comparison.
        finished: How many were finished before.
    """

    def __init__(self, console: Console, specs: list[Spec], finished: int) -> None:
        self._console, self._total, self._count = console, len(specs), finished
        self._before, self._began = finished, time.monotonic()
        self._specs = {run_id(spec): spec for spec in specs}
        self._several = len({spec["env"] for spec in specs}) > 1
        self._bars: dict[str, TaskID] = {}
        self._live = console.is_terminal
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=False),
            console=console,
            disable=not self._live,
        )
        self._all = self._progress.add_task("[bold]runs", total=self._total, completed=finished)

    def __enter__(self) -> Board:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def step(self, name: str, steps: int) -> None:
        """Note that a run has taken so many steps."""
        spec = self._specs[name]
        if name not in self._bars:
            label = self._label(spec)
            self._bars[name] = self._progress.add_task(label, total=spec["steps"])
        self._progress.update(self._bars[name], completed=min(steps, spec["steps"]))

    def end(self, outcome: Outcome, summary: dict[str, Any] | None) -> None:
        """Note that a run ended."""
        self._count += outcome.error is None
        name = run_id(outcome.spec)
        if name in self._bars:
            self._progress.remove_task(self._bars.pop(name))
        self._progress.update(self._all, completed=self._count)
        label = self._label(outcome.spec)
        if summary is None:
            self._print(f"{label}: FAILED, {outcome.error}")
        elif not self._live:
            self._print(
                f"[{self._count}/{self._total}] {label}: true {summary['true_return'][-1]:.4g}, "
                f"shaped {summary['shaped_return'][-1]:.4g} ({summary['wall_seconds']:.1f} s{self._left()})"
            )

    def _left(self) -> str:
        """About how long the other runs will take, by those that ended since the start."""
        done, left = self._count - self._before, self._total - self._count
        if done < 1 or left < 1:
            return ""
        return f", about {duration((time.monotonic() - self._began) * left / done)} left"

    def _label(self, spec: Spec) -> str:
        env = f"{spec['env']} " if self._several else ""
        return f"{env}{spec['strategy']} seed {spec['seed']}"

    def _print(self, line: str) -> None:
        self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)
