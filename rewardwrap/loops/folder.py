"""What a loop keeps: candidates, which one runs, and a journal; a source adds folders of its own.

| file | holds |
|---|---|
| ``journal.jsonl`` | one event a line: start, deploy, roll back, end, and those of the source |
| ``models/0001/`` | a candidate, as `rewardwrap.Learned` reads it |
| ``running.json`` | which candidate pays |
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from rewardwrap.core.errors import ConfigError
from rewardwrap.files import write_whole
from rewardwrap.limits import parsed
from rewardwrap.loops.deployment import Deployed

JOURNAL, RUNNING, MODELS = "journal.jsonl", "running.json", "models"


class LoopFolder:
    """The folder of one loop; what lies there already is read.

    Args:
        path: New, empty, or of a loop.

    Raises:
        ConfigError: It holds something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.exists() and not (path.is_dir() and (_ours(path))):
            raise ConfigError(
                f"loop: folder must be new or that of a loop, got {path}. Choose another name."
            )
        (path / MODELS).mkdir(parents=True, exist_ok=True)
        (path / JOURNAL).touch()

    def reward(self, *, explore: bool, rule: str, k: float) -> Deployed:
        """What the learner is paid: the model that ran last, or what comes before the first.

        Raises:
            ConfigError: ``running.json`` names no model.
        """
        # a name that never holds a model, so that nothing runs by accident
        place = self.path / MODELS / "none"
        if (self.path / RUNNING).is_file():
            try:
                place = self.path / MODELS / parsed((self.path / RUNNING).read_text())["model"]
            except (ValueError, KeyError, TypeError) as error:
                raise ConfigError(
                    f"{self.path / RUNNING} must name a model, got {error!r}. Write "
                    '{"model": "0001"} into it, with a folder of models/.'
                ) from error
            if not place.is_dir():
                raise ConfigError(
                    f"{self.path / RUNNING} must name a folder of models/, got {place.name}. "
                    "Name one that is there, or delete the file to begin without a model."
                )
        return Deployed(str(place), explore=explore, rule=rule, k=k)

    def new_model(self) -> Path:
        """Where the next candidate goes."""
        numbers = [int(p.name) for p in (self.path / MODELS).iterdir() if p.name.isdecimal()]
        return self.path / MODELS / f"{max(numbers, default=0) + 1:04d}"

    def runs(self, place: Path) -> None:
        """Remember which candidate pays."""
        write_whole(self.path / RUNNING, json.dumps({"model": place.name}))

    def note(self, event: str, **facts: Any) -> None:
        """Add a line to the journal; on disk when this returns."""
        line = json.dumps({"event": event, "time": round(time.time(), 3), **facts})
        with (self.path / JOURNAL).open("a", encoding="utf-8") as file:
            # a line that broke off when a process was killed must not swallow this one
            file.write(line + "\n" if _ends(self.path / JOURNAL) else "\n" + line + "\n")
            file.flush()
            os.fsync(file.fileno())

    def count(self, event: str) -> int:
        """How often something happened, also in a process that was killed."""
        return sum(line["event"] == event for line in self.journal())

    def journal(self) -> list[dict[str, Any]]:
        """Every event; a line that broke off is left out."""
        found = []
        for line in (self.path / JOURNAL).read_text(encoding="utf-8").splitlines():
            try:
                found.append(parsed(line))
            except ValueError:
                continue
        return found


def _ours(path: Path) -> bool:
    return (path / JOURNAL).is_file() or not any(path.iterdir())


def _ends(file: Path) -> bool:
    content = file.read_bytes()[-1:]
    return content in (b"", b"\n")
