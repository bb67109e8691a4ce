"""Which model is in use: a list of models with their stage, kept beside them."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.files import write_whole
from rewardwrap.limits import parsed
from rewardwrap.nets.folder import Model, load_model
from rewardwrap.rewards.judgement import require_passed

INDEX, LOCK = "models.json", ".models.lock"
STAGES = ("candidate", "prod", "retired")


@dataclass(frozen=True)
class Entry:
    """One model of a registry.

    Args:
        name: Of the model.
        version: First 12 digits of its SHA-256.
        sha256: All of them.
        path: Its folder, relative to the registry where it lies below it.
        stage: candidate, prod or retired.
        objective: What it was fitted by.
        data: Fingerprint of its data.
        heldout: Its held-out figures.
        parent: Version that was prod when it was promoted.
        forced: Whether it was promoted without having passed its gate.
    """

    name: str
    version: str
    sha256: str
    path: str
    stage: str
    objective: str
    data: str
    heldout: dict[str, Any]
    parent: str | None = None
    forced: bool = False


class Registry:
    """Models of one folder, at most one of each name in stage prod.

    Every change reads, verifies and writes the whole index under a lock, so that two processes
    never lose each other's.

    Args:
        folder: Where ``models.json`` lies.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    def entries(self) -> list[Entry]:
        """All models, in the order they came.

        Raises:
            ConfigError: The index was cut short or changed.
        """
        path = self.folder / INDEX
        if not path.is_file():
            return []
        try:
            read = parsed(path.read_text(encoding="utf-8"))
            return [Entry(**entry) for entry in read["models"]]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ConfigError(
                f"{path} must list models, got {error}. Delete it and add them again."
            ) from error

    def add(self, model: str | os.PathLike[str], *, name: str | None = None) -> Entry:
        """Enter a model as candidate, after verifying it; one that is there already stays as it is."""
        loaded = load_model(model)
        with self._changing() as entries:
            for entry in entries:
                if entry.sha256 == loaded.document["sha256"]:
                    return entry
            made = self._entry(loaded, name or Path(model).resolve().name)
            entries.append(made)
        return made

    def promote(self, version: str, *, force: bool = False) -> Entry:
        """Make a model the one in use, if it passed its gate; the one before is retired.

        Args:
            version: Which.
            force: Promote it all the same; the index says so for good.

        Raises:
            UnknownName: No such model.
            ConfigError: Its folder is gone, cut short or changed, or it did not pass its gate.
        """
        with self._changing() as entries:
            place = self._place(entries, version)
            chosen = entries[place]
            found = load_model(self.folder / chosen.path)
            if found.document["sha256"] != chosen.sha256:
                raise ConfigError(
                    f"model {chosen.version} must still lie in {chosen.path}, got {found.version}. "
                    "Add the new one, or restore the old one."
                )
            if not force:
                require_passed(self.folder / chosen.path, chosen.sha256, "a model to be promoted")
            parent = None
            for i, entry in enumerate(entries):
                if entry.name == chosen.name and entry.stage == "prod" and i != place:
                    entries[i] = _with(entry, stage="retired")
                    parent = entry.version
            entries[place] = _with(
                chosen, stage="prod", parent=parent or chosen.parent, forced=force
            )
        return entries[place]

    def retire(self, version: str) -> Entry:
        """Take a model out of use; its folder stays."""
        with self._changing() as entries:
            place = self._place(entries, version)
            entries[place] = _with(entries[place], stage="retired")
        return entries[place]

    def _entry(self, model: Model, name: str) -> Entry:
        path = model.folder.resolve()
        base = self.folder.resolve()
        shown = path.relative_to(base) if path.is_relative_to(base) else path
        return Entry(
            name,
            model.version,
            model.document["sha256"],
            str(shown),
            "candidate",
            model.document["objective"],
            str(model.document["data"].get("fingerprint", "")),
            model.metrics.get("heldout", {}),
        )

    @staticmethod
    def _place(entries: list[Entry], version: str) -> int:
        found = [i for i, e in enumerate(entries) if e.sha256.startswith(version)]
        found = found or [i for i, e in enumerate(entries) if e.name == version]
        if len(found) != 1:
            raise UnknownName("one model", version, [f"{e.version} ({e.name})" for e in entries])
        return found[0]

    @contextmanager
    def _changing(self) -> Iterator[list[Entry]]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / LOCK, "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            entries = self.entries()
            yield entries
            document = {"format": 1, "models": [asdict(entry) for entry in entries]}
            write_whole(self.folder / INDEX, json.dumps(document, indent=2))


def _with(entry: Entry, **changes: Any) -> Entry:
    return Entry(**{**asdict(entry), **changes})
