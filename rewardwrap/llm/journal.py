"""``run.jsonl``: everything a search did, one line each, only ever appended to.

A line is on disk before the next step begins. A line that a crash cut short is cut off when the
journal is opened again; nothing before it is touched.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rewardwrap.core.errors import ConfigError
from rewardwrap.limits import parsed

FILE = "run.jsonl"


class Journal:
    """The events of one search.

    Args:
        path: The file; made with the first event.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self._events = list(self._read())

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(list(self._events))

    def of(self, event: str) -> list[dict[str, Any]]:
        """All events of that name, oldest first."""
        return [line for line in self._events if line["event"] == event]

    def write(self, event: str, **data: Any) -> dict[str, Any]:
        """Append one event and wait until the disk has it."""
        line = {"event": event, "time": datetime.now(UTC).isoformat(timespec="seconds"), **data}
        text = json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n"
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            with os.fdopen(handle, "ab") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            self._events.append(json.loads(text))
        return line

    def _read(self) -> Iterator[dict[str, Any]]:
        if not self.path.is_file():
            return
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(self.path, whole)
        for number, line in enumerate(content[:whole].splitlines(), 1):
            try:
                event = parsed(line)
            except ValueError as error:
                raise ConfigError(
                    f"{self.path.name}: line {number} must be JSON, got {line[:60]!r}. "
                    "Delete that line to go on without what it says."
                ) from error
            yield event
