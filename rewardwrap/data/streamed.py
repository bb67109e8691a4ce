"""A store that is written while it is read: memory holds one block, and ids and lengths of episodes.

What comes out is what `rewardwrap.data.saved` writes, with the same fingerprint, and the report is put
together from those of the blocks.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from rewardwrap.data import saved
from rewardwrap.data.checks import named_leaves
from rewardwrap.data.columns import hashed_words
from rewardwrap.data.episodes import EpisodeStore
from rewardwrap.data.errors import DataError
from rewardwrap.data.reading import Note, Reading
from rewardwrap.data.report import Report, inspect, spread_of
from rewardwrap.data.rows import UNKNOWN_SUCCESSOR
from rewardwrap.data.spaces import to_json
from rewardwrap.files import whole_file, whole_folder

HEAD = 256
"""Bytes of the head of an npy file: room for the largest count of rows."""
BLOCK = 8 << 20
"""Bytes that are hashed at a time."""


def write_stream(
    readings: Iterable[Reading], folder: str | os.PathLike[str], *, source: str
) -> Report:
    """Write a store of all readings; an older store in ``folder`` is replaced whole.

    Args:
        readings: Blocks of whole episodes with the same columns.
        folder: Where.
        source: What the user named, for the report.

    Raises:
        DataError: The folder holds something else, or blocks whose columns differ.
    """
    target = Path(folder)
    saved.check_free(target)
    with whole_folder(target, replace=True) as aside:
        written = _Written(aside)
        reports = []
        for reading in readings:
            reports.append(replace(inspect(reading, source=source), fingerprint=""))
            written.add(reading.store)
        fingerprint = written.finish()
        report = _merged(reports, written, fingerprint)
        report.write(aside)
    return report


class _Leaf:
    """One array that grows, as an npy file."""

    def __init__(self, path: Path, first: np.ndarray[Any, Any]) -> None:
        self.path, self.dtype, self.shape, self.rows = path, first.dtype, first.shape[1:], 0
        self._file: BinaryIO = path.open("wb")
        self._file.write(b" " * HEAD)

    def add(self, name: str, array: np.ndarray[Any, Any]) -> None:
        if array.shape[1:] != self.shape or not np.can_cast(array.dtype, self.dtype, "same_kind"):
            raise DataError(
                f"{name} must be {self.dtype} of shape {self.shape} in all blocks of a stream, got "
                f"{array.dtype} of {array.shape[1:]} after {self.rows} rows. Leave --stream out."
            )
        self._file.write(np.ascontiguousarray(array, self.dtype).data)
        self.rows += len(array)

    def close(self) -> None:
        shape = (self.rows, *self.shape)
        form = {"descr": self.dtype.str, "fortran_order": False, "shape": shape}
        text = repr(form).encode()
        # magic, version 1.0, the length of what follows, the dict padded with spaces to a line
        head = b"\x93NUMPY\x01\x00" + (HEAD - 10).to_bytes(2, "little") + text
        self._file.seek(0)
        self._file.write(head.ljust(HEAD - 1) + b"\n")
        self._file.close()

    def bytes(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            file.seek(HEAD)
            while block := file.read(BLOCK):
                yield block


class _Written:
    """The files of a store, open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.leaves: dict[str, dict[str, _Leaf]] = {"obs": {}, "action": {}}
        self.structure: dict[str, Any] = {}
        self.lengths: list[np.ndarray[Any, Any]] = []
        self.returns: list[np.ndarray[Any, Any]] = []
        self.ids: list[str] = []
        self.sources: list[str] = []
        self._steps: Any = None
        self._unknown = False
        self._spaces: tuple[Any, Any] = (None, None)

    def add(self, store: EpisodeStore) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        for name in ("obs", "action"):
            self._add_leaves(name, getattr(store, name))
        unknown = store.info.get(UNKNOWN_SUCCESSOR, np.zeros(store.steps))
        self._unknown |= bool(unknown.any())
        info = {f"info/{k}": v for k, v in (store.info | {UNKNOWN_SUCCESSOR: unknown}).items()}
        flags = {"terminated": store.terminated, "truncated": store.truncated}
        table = pa.table({"reward": store.reward, **flags, **info})
        if self._steps is None:
            self._steps = pq.ParquetWriter(self.folder / saved.STEPS, table.schema)
            self._spaces = store.observation_space, store.action_space
        if set(table.column_names) != set(self._steps.schema.names):
            other = sorted(set(table.column_names) ^ set(self._steps.schema.names))[0]
            raise DataError(
                f'columns of a stream must stay the same, got "{other}" in some blocks alone. '
                "Leave --stream out."
            )
        self._steps.write_table(table.select(self._steps.schema.names))
        self.lengths.append(store.lengths)
        self.returns.append(store.returns())
        self.ids += store.ids.tolist()
        self.sources += store.source.tolist()

    def _add_leaves(self, name: str, columns: Any) -> None:
        if name not in self.structure:
            self.structure[name] = saved.structure_of(columns, name)
            files = saved.files_of(self.structure[name])
            for file, (leaf, array) in zip(files, named_leaves(columns, name), strict=True):
                self.leaves[name][leaf] = _Leaf(self.folder / file, array)
        found = dict(named_leaves(columns, name))
        if found.keys() != self.leaves[name].keys():
            raise DataError(
                f"{name} must have the same entries in all blocks of a stream, got {', '.join(found)}. "
                "Leave --stream out."
            )
        for leaf, array in found.items():
            self.leaves[name][leaf].add(leaf, array)

    def finish(self) -> str:
        """Close the files, write what is small, and name the content; returns the fingerprint."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._steps is None:
            raise DataError("a stream must hold an episode, got none. Check what was left out.")
        self._steps.close()
        for own in self.leaves.values():
            for leaf in own.values():
                leaf.close()
        if not self._unknown:
            _without(self.folder / saved.STEPS, f"info/{UNKNOWN_SUCCESSOR}")
        lengths = np.concatenate(self.lengths)
        words = {
            "id": pa.array(self.ids, pa.string()),
            "source": pa.array(self.sources, pa.string()),
        }
        pq.write_table(pa.table({**words, "length": lengths}), self.folder / saved.EPISODES)
        fingerprint = self._fingerprint(lengths)
        manifest: dict[str, Any] = {
            "format": saved.FORMAT, "episodes": len(lengths), "steps": int(lengths.sum()),
            "fingerprint": fingerprint, "observation_space": to_json(self._spaces[0]),
            "action_space": to_json(self._spaces[1]), **self.structure,
        }  # fmt: skip
        (self.folder / saved.MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        return fingerprint

    def _fingerprint(self, lengths: np.ndarray[Any, Any]) -> str:
        """As `rewardwrap.data.columns` computes it, from the files."""
        import pyarrow.parquet as pq

        hashed, steps = hashlib.sha256(), int(lengths.sum())
        for own in self.leaves.values():
            for name, leaf in own.items():
                hashed.update(f"{name} {leaf.dtype.str} {(leaf.rows, *leaf.shape)}\n".encode())
                for block in leaf.bytes():
                    hashed.update(block)
        with pq.ParquetFile(self.folder / saved.STEPS) as file:
            flags = ["reward", "terminated", "truncated"]
            for name in flags:
                _hash_column(hashed, file, name, name, steps)
            hashed.update(f"lengths {lengths.dtype.str} {lengths.shape}\n".encode())
            hashed.update(np.ascontiguousarray(lengths).data)
            for name in sorted(n for n in file.schema_arrow.names if n.startswith("info/")):
                _hash_column(hashed, file, name, name, steps)
        hashed.update(hashed_words(self.ids, self.sources, *self._spaces))
        return hashed.hexdigest()


def _hash_column(hashed: Any, file: Any, column: str, name: str, steps: int) -> None:
    import pyarrow as pa

    dtype = np.dtype(np.bool_ if column in ("terminated", "truncated") else np.float64)
    hashed.update(f"{name} {dtype.str} {(steps,)}\n".encode())
    for i in range(file.num_row_groups):
        # all groups in one iterator would stay in arrow's memory until it ends
        for batch in file.iter_batches(columns=[column], row_groups=[i]):
            values = batch.column(0).to_numpy(zero_copy_only=False)
            hashed.update(np.ascontiguousarray(values, dtype).data)
        pa.default_memory_pool().release_unused()


def _without(path: Path, column: str) -> None:
    """Write a parquet file again without a column, row group by row group."""
    import pyarrow.parquet as pq

    with whole_file(path) as aside, pq.ParquetFile(path) as file:
        names = [name for name in file.schema_arrow.names if name != column]
        schema = file.schema_arrow.remove(file.schema_arrow.get_field_index(column))
        with pq.ParquetWriter(aside, schema) as writer:
            for i in range(file.num_row_groups):
                writer.write_table(file.read_row_group(i, columns=names))


def _merged(reports: list[Report], written: _Written, fingerprint: str) -> Report:
    """One report of all blocks; what only a whole store shows is left out, and said."""
    returns = np.concatenate(written.returns)
    returns = returns[np.isfinite(returns)]
    counts = {name: sum(r.counts[name] for r in reports) for name in reports[0].counts}
    named = set(zip(written.sources, written.ids, strict=True))
    counts["sharing_a_name"] = len(written.ids) - len(named)
    notes = _notes(reports, len(written.ids))
    columns = [_column([r.columns[i] for r in reports]) for i in range(len(reports[0].columns))]
    return replace(
        reports[0],
        counts=counts,
        lengths=spread_of(np.concatenate(written.lengths)),
        returns=spread_of(returns) if len(returns) else None,
        columns=columns,
        notes=notes,
        fingerprint=fingerprint,
    )


def _notes(reports: list[Report], episodes: int) -> list[Note]:
    found: dict[tuple[str, str], list[Note]] = {}
    for report in reports:
        for note in report.notes:
            found.setdefault((note.check, note.severity), []).append(note)
    # seen in one block, these say nothing about all of them
    found = {k: v for k, v in found.items() if k[0] != "constant" or len(v) >= len(reports)}
    found = {k: v for k, v in found.items() if k[0] != "episodes" or episodes == 1}
    notes = []
    for own in found.values():
        first, total = own[0], sum(note.count for note in own)
        more = (
            f" (in the first of {len(own)} blocks that say so; {total} in all)"
            if len(own) > 1
            else ""
        )
        notes.append(replace(first, sentence=first.sentence + more, count=total))
    said = f"read in {len(reports)} blocks: copies of an episode are looked for within each"
    return [*notes, Note("stream", said, len(reports), "note")]


def _column(parts: list[dict[str, Any]]) -> dict[str, Any]:
    low = [part["min"] for part in parts if part["min"] is not None]
    high = [part["max"] for part in parts if part["max"] is not None]
    return parts[0] | {
        "min": min(low, default=None),
        "max": max(high, default=None),
        "not_finite": sum(part["not_finite"] for part in parts),
    }
