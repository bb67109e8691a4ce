"""The tables of one run as Parquet, for readers that bring their own tools.

| file | one row for | columns |
|---|---|---|
| ``evaluation.parquet`` | evaluation episode | ``step, episode, seed, true_return, shaped_return, length`` |
| ``terms.parquet`` | reward term of it | ``step, episode, term, value`` (sum over the episode) |
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

    from rewardwrap.training.evaluation import Evaluation

EVALUATION, TERMS = "evaluation.parquet", "terms.parquet"


def write(folder: Path, points: Mapping[int, Evaluation], *, seed: int) -> None:
    """Write both tables.

    Args:
        folder: Where.
        points: Step -> evaluation.
        seed: Episode ``i`` was reset with ``seed + i``.
    """
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(evaluation_table(points, seed=seed), folder / EVALUATION)
    pq.write_table(term_table(points), folder / TERMS)


def evaluation_table(points: Mapping[int, Evaluation], *, seed: int) -> pa.Table:
    """Every evaluation episode as a row."""
    import pyarrow as pa

    episodes = np.concatenate([np.arange(len(e.lengths)) for e in points.values()])
    columns: dict[str, Any] = {
        "step": _steps(points),
        "episode": episodes.astype(np.int32),
        "seed": seed + episodes,
        "true_return": np.concatenate([e.true for e in points.values()]),
        "shaped_return": np.concatenate([e.shaped for e in points.values()]),
        "length": np.concatenate([e.lengths for e in points.values()]),
    }
    return pa.table(columns)


def term_table(points: Mapping[int, Evaluation]) -> pa.Table:
    """Every term of every evaluation episode as a row, the true and the shaped return included."""
    import pyarrow as pa

    rows: dict[str, list[Any]] = {"step": [], "episode": [], "term": [], "value": []}
    for step, found in points.items():
        for name, values in found.terms.items():
            rows["step"] += [step] * len(values)
            rows["episode"] += range(len(values))
            rows["term"] += [name] * len(values)
            rows["value"] += values.tolist()
    schema = [
        ("step", pa.int64()), ("episode", pa.int32()),
        ("term", pa.dictionary(pa.int32(), pa.string())), ("value", pa.float64()),
    ]  # fmt: skip
    return pa.table(rows, schema=pa.schema(schema))


def _steps(points: Mapping[int, Evaluation]) -> np.ndarray[Any, Any]:
    return np.repeat(list(points), [len(e.lengths) for e in points.values()]).astype(np.int64)
