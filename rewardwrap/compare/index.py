"""The index of a store: one row for each finished run, for whoever wants to read them all at once.

``index.parquet`` is made by scanning the finished folders and decides nothing: no part of rewardwrap
reads it, it may be deleted at any time, and `write` makes it again.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.compare.store import Store
from rewardwrap.files import write_whole

if TYPE_CHECKING:
    import pyarrow as pa

NAME = "index.parquet"


def write(store: Store) -> Path:
    """Scan the store and write the index anew, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = pa.BufferOutputStream()
    pq.write_table(table(store), content)
    store.root.mkdir(parents=True, exist_ok=True)
    write_whole(store.root / NAME, content.getvalue().to_pybytes())
    return store.root / NAME


def table(store: Store) -> pa.Table:
    """Every finished run: what it was, what it came to, what it cost."""
    import pyarrow as pa

    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("run_id", "strategy", "env", "algo")),
            ("seed", pa.int64()),
            ("steps", pa.int64()),
            *((name, pa.float64()) for name in ("true_return", "shaped_return", "length")),
            *((name, pa.float64()) for name in ("cpu_seconds", "wall_seconds")),
            ("env_steps", pa.int64()),
            ("continued", pa.int64()),
            ("same_curve", pa.bool_()),
        ]
    )
    return pa.Table.from_pylist([_row(store, name) for name in store.finished()], schema=schema)


def _row(store: Store, run_id: str) -> dict[str, Any]:
    spec, found = store.spec(run_id), store.summary(run_id)
    return {
        "run_id": run_id,
        **{name: spec[name] for name in ("strategy", "env", "algo", "seed", "steps")},
        **{name: found[name][-1] for name in ("true_return", "shaped_return", "length")},
        **{name: found[name] for name in ("cpu_seconds", "wall_seconds", "env_steps")},
        "continued": len(found["continued"]),
        "same_curve": found["same_curve"],
    }
