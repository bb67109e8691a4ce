"""From preferences between sentences to a model that is judged by prompts it has not seen."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from rewardwrap.core.transitions import FloatArray
from rewardwrap.data import DataError
from rewardwrap.data.readers.arrowfile import json_table
from rewardwrap.data.readers.csvfile import table_of
from rewardwrap.files import write_whole
from rewardwrap.nets.place import model_place
from rewardwrap.rewards.sealed import FORMAT, METRICS, MODEL, WEIGHTS, digest, seal
from rewardwrap.rewards.text_body import HASHED, Remembering, body_of, features, usual_body
from rewardwrap.rewards.text_reward import KIND, TextHead

RIDGE = 1e-3
"""Weight decay of the head."""
Triple = tuple[str, str, str]
"""Prompt, chosen, rejected."""


@dataclass(frozen=True)
class FittedText:
    """A head and how good it is.

    Args:
        head: Scores (prompt, answer).
        metrics: ``heldout``, ``train``, and what knows less: ``length`` and ``bag_of_words``.
    """

    head: TextHead
    metrics: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)

    def save(self, folder: str | Path) -> Path:
        """Write the folder that `rw.TextReward` and ``rewardwrap rank`` read.

        Raises:
            NetError: It holds something else.
        """
        from safetensors.numpy import save

        target = model_place(folder)
        arrays = {
            "weight": self.head.weight.astype(np.float32),
            "mean": np.array([self.head.mean]),
            "sd": np.array([self.head.sd]),
        }
        contents = {WEIGHTS: save(arrays), METRICS: json.dumps(self.metrics, indent=2).encode()}
        document: dict[str, Any] = {
            "format": FORMAT, "objective": "text preferences", "settings": self.settings,
            "net": {"kind": KIND, "body": self.head.body.name},
            "files": {name: digest(content) for name, content in contents.items()},
        }  # fmt: skip
        document["sha256"] = seal(document)
        for name, content in contents.items():
            write_whole(target / name, content)
        write_whole(target / MODEL, json.dumps(document, indent=2))
        return target


def read_rows(path: str | Path, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """Columns of a table (.jsonl, .csv) as rows; a column named "" is empty.

    Raises:
        DataError: No such file or column.
    """
    place = Path(path)
    if not place.is_file():
        raise DataError(f"answers must be a file, got {place}. Name a .jsonl or .csv table.")
    table = json_table(place) if place.suffix == ".jsonl" else table_of(place)
    lacking = [name for name in columns if name and name not in table.column_names]
    if lacking:
        raise DataError(
            f"{place} must have columns {', '.join(filter(None, columns))}, got "
            f"{', '.join(table.column_names)}. Name those that hold the text: --text prompt,chosen,rejected."
        )
    told = [table[name].to_pylist() if name else [""] * len(table) for name in columns]
    return list(zip(*told, strict=True))


def fit_text(
    rows: Sequence[Triple], *, body: str | None = None, heldout: float = 0.2, seed: int = 0
) -> FittedText:
    """Fit a scalar head to preferences by Bradley's and Terry's loss; the body stays as it is.

    Args:
        rows: Prompt, chosen, rejected; prompts may be empty.
        body: ``"minilm"``, ``"hashed"`` or the folder of a model; None: ``"minilm"`` where it is installed.
        heldout: Share of the prompts (of the rows, where there is one prompt) to judge by, in (0, 1).
        seed: Of the split.

    Raises:
        DataError: Text that is none, or fewer than 10 rows.
    """
    wrong = [
        row for row in rows if not all(isinstance(part, str) for part in row) or not row[1].strip()
    ]
    if wrong or len(rows) < 10:
        got = repr(wrong[0]) if wrong else f"{len(rows)} rows"
        raise DataError(
            f"preferences must be 10 rows of text or more, got {got}. Write a prompt, a chosen and a "
            "rejected answer in each; leave out what nobody compared."
        )
    reader = body_of(body or usual_body())
    held = _held(rows, heldout, seed)
    train, judged = (
        [row for row, out in zip(rows, held, strict=True) if out == side] for side in (False, True)
    )
    head = _fitted(reader, train)
    words = head if reader.name == HASHED else _fitted(body_of(HASHED), train)
    longer = _longer(train) >= 0.5
    by_length = _longer(judged) if longer else 1.0 - _longer(judged)
    metrics = {
        "heldout": _measures(head, judged),
        "train": _measures(head, train),
        "length": {"pair_accuracy": by_length},
        "bag_of_words": _measures(words, judged),
        "body": reader.name,
        "pairs": {"train": len(train), "heldout": len(judged)},
    }  # fmt: skip
    return FittedText(head, metrics, {"seed": seed, "heldout": heldout, "ridge": RIDGE})


def _fitted(body: Remembering, rows: Sequence[Triple]) -> TextHead:
    chosen, rejected = (features(body, [(row[0], row[side]) for row in rows]) for side in (1, 2))
    gap = chosen - rejected

    def loss(weight: FloatArray) -> tuple[float, FloatArray]:
        logits = gap @ weight
        value = np.logaddexp(0.0, -logits).mean() + 0.5 * RIDGE * weight @ weight
        wrong = 1.0 / (1.0 + np.exp(np.clip(logits, -60, 60)))
        return float(value), RIDGE * weight - gap.T @ wrong / len(gap)

    weight = minimize(loss, np.zeros(gap.shape[1]), jac=True, method="L-BFGS-B").x
    paid = np.concatenate([chosen, rejected]) @ weight
    return TextHead(
        body, weight.astype(np.float32).astype(float), float(paid.mean()), float(paid.std()) or 1.0
    )


def _held(rows: Sequence[Triple], heldout: float, seed: int) -> NDArray[np.bool_]:
    """Which rows judge: those of some prompts, so that no prompt is on both sides."""
    prompts = np.unique([row[0] for row in rows])
    names = (
        np.array([row[0] for row in rows]) if len(prompts) > 1 else np.arange(len(rows)).astype(str)
    )
    order = np.random.default_rng(seed).permutation(np.unique(names))
    return np.isin(names, order[: max(1, round(heldout * len(order)))])


def _longer(rows: Sequence[Triple]) -> float:
    """Share of the rows whose chosen answer is the longer one; a tie is a coin."""
    return (
        float(np.mean([0.5 + 0.5 * np.sign(len(c) - len(r)) for _, c, r in rows])) if rows else 0.5
    )


def _measures(head: TextHead, rows: Sequence[Triple]) -> dict[str, float]:
    gap = head([(p, c) for p, c, _ in rows]) - head([(p, r) for p, _, r in rows])
    logits = gap * head.sd
    return {
        "pair_accuracy": float(np.mean(0.5 + 0.5 * np.sign(gap))),
        "log_loss": float(np.logaddexp(0.0, -logits).mean()),
    }


def ranked(
    head: TextHead, rows: Sequence[Mapping[str, Any]], prompt: str, answer: str
) -> list[dict[str, Any]]:
    """Rows with ``score`` and ``rank`` (1 best) among the answers of their prompt; lists are spread."""
    spread = [
        {**row, answer: each}
        for row in rows
        for each in (row[answer] if isinstance(row[answer], list) else [row[answer]])
    ]
    asked = [(str(row.get(prompt) or ""), str(row[answer])) for row in spread]
    scores = head(asked)
    best: dict[str, list[float]] = defaultdict(list)
    for (named, _), score in zip(asked, scores.tolist(), strict=True):
        best[named].append(score)
    for row, (named, _), score in zip(spread, asked, scores.tolist(), strict=True):
        row |= {"score": score, "rank": 1 + sum(other > score for other in best[named])}
    order = list(best)
    return sorted(spread, key=lambda row: (order.index(str(row.get(prompt) or "")), row["rank"]))
