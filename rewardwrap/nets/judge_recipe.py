"""From the answers of a judge to a judge of our own: what ``rewardwrap fit judge`` runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rewardwrap.annotate.reports import Reports, figures
from rewardwrap.annotate.rubric import SIDES
from rewardwrap.annotate.trained import KIND, Choice, Trained, parts, shared, sides
from rewardwrap.core.task import NO_TASK, Task
from rewardwrap.data import DataError, EpisodeStore
from rewardwrap.data.answers import read_answers
from rewardwrap.files import write_whole
from rewardwrap.limits import parsed
from rewardwrap.nets.judge_net import Check, JudgeNet, Verified, distil, reinforce
from rewardwrap.nets.place import model_place
from rewardwrap.rewards.sealed import FORMAT, METRICS, MODEL, WEIGHTS, digest, seal

GATE = TEST = 0.15
"""Shares of the verified questions that decide whether the second stage is kept, and that judge."""
VOTES = (1, 3, 9)
REWARD = "reward"


@dataclass(frozen=True)
class FittedJudge:
    """A judge and how good it is.

    Args:
        choice: Its weights.
        metrics: Share of right verdicts on questions that no stage saw, drawn once and by votes.
        settings: Of the fit.
    """

    choice: Choice
    metrics: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)

    def client(self) -> Trained:
        """As ``rewardwrap judge`` asks it."""
        return Trained(self.choice)

    def save(self, folder: str | Path) -> Path:
        """Write the folder that ``rewardwrap judge --judge model:FOLDER`` reads.

        Raises:
            NetError: It holds something else.
        """
        from safetensors.numpy import save

        target = model_place(folder)
        contents = {
            WEIGHTS: save(
                {name: np.ascontiguousarray(a) for name, a in self.choice.arrays.items()}
            ),
            METRICS: json.dumps(self.metrics, indent=2).encode(),
        }
        document: dict[str, Any] = {
            "format": FORMAT, "objective": "traces, then verdicts", "settings": self.settings,
            "net": {"kind": KIND}, "files": {name: digest(c) for name, c in contents.items()},
        }  # fmt: skip
        document["sha256"] = seal(document)
        for name, content in contents.items():
            write_whole(target / name, content)
        write_whole(target / MODEL, json.dumps(document, indent=2))
        return target


def fit_judge(
    store: EpisodeStore,
    answers: Sequence[str | Path],
    *,
    verified: Sequence[str | Path] = (),
    task: Task = NO_TASK,
    seed: int = 0,
    **stages: Any,
) -> FittedJudge:
    """Distil the traces beside answers, then reinforce by verified verdicts.

    Args:
        store: What was judged.
        answers: Files that ``rewardwrap judge DATA --principle ... --out`` wrote, their traces beside them.
        verified: Answers that are right, with the column ``principle``; or ``"reward"``: the logged reward
            decides the pairs of ``answers``. None: distil alone.
        task: Names of fields, as the judge saw them.
        seed: Of draws and of the split.
        **stages: ``epochs`` of the first; ``rounds``, ``group``, ``lr``, ``pull`` of the second.

    Raises:
        DataError: No traces, or answers without a principle.
    """
    checks, weights = traces_of(store, answers, task)
    asked: list[Verified] = []
    for path in answers if REWARD in verified else ():
        asked += questions_of(store, path, task, by_reward=True)
    for path in verified:
        asked += [] if path == REWARD else questions_of(store, path, task)
    return taught(checks, weights, asked, seed=seed, **stages)


def taught(
    checks: Sequence[Check], weights: Sequence[tuple[str, float]], asked: Sequence[Verified], *,
    seed: int = 0, epochs: int = 150, **second: Any,
) -> FittedJudge:  # fmt: skip
    """The same from checks and questions in memory."""
    net = JudgeNet()
    history = distil(net, checks, weights, epochs=epochs)
    first = net.frozen()
    metrics: dict[str, Any] = {"checks": len(checks), "loss": history[-1], "questions": len(asked)}
    if not asked:
        return FittedJudge(first, metrics, {"seed": seed, "epochs": epochs})
    order = np.random.default_rng(seed).permutation(len(asked))
    cuts = np.cumsum([max(1, round(GATE * len(asked))), max(1, round(TEST * len(asked)))])
    gate, test, rest = (
        [asked[i] for i in part]
        for part in (order[: cuts[0]], order[cuts[0] : cuts[1]], order[cuts[1] :])
    )
    if not rest:
        raise DataError(
            f"verified verdicts must be 4 or more, got {len(asked)}. Verify more, or distil alone."
        )
    generator = torch.Generator().manual_seed(seed)
    rounds = reinforce(net, rest, generator=generator, **second)
    last = net.frozen()
    kept = right(last, gate) >= right(first, gate)
    metrics |= {
        "distilled": _by_votes(first, test, seed),
        "reinforced": _by_votes(last, test, seed),
        "kept": "reinforced" if kept else "distilled",
        "drawn_right": [rounds[0], rounds[-1]],
        "split": {"train": len(rest), "gate": len(gate), "test": len(test)},
    }
    return FittedJudge(last if kept else first, metrics, {"seed": seed, "epochs": epochs, **second})


def right(choice: Choice, asked: Sequence[Verified], votes: int = 0, seed: int = 0) -> float:
    """Share of right verdicts, a tie half right: of the likeliest programs (0 votes), or of drawn ones."""
    rng = np.random.default_rng(seed)
    return float(
        np.mean([0.5 + 0.5 * np.sign(_said(choice, q, votes, rng)) * q.side for q in asked])
    )


def _by_votes(choice: Choice, asked: Sequence[Verified], seed: int) -> dict[str, float]:
    found = {"likeliest": right(choice, asked)}
    return found | {f"votes_{v}": right(choice, asked, v, seed) for v in VOTES}


def _said(choice: Choice, asked: Verified, votes: int, rng: np.random.Generator) -> float:
    """The sum of the votes' verdicts, each the sign of weights times sides."""
    total = np.zeros(max(1, votes))
    for part, says in zip(asked.parts, asked.says, strict=True):
        picked = []
        for logits in choice.logits(part, asked.names):
            noise = rng.gumbel(size=(votes, len(logits))) if votes else np.zeros((1, len(logits)))
            picked.append((logits + noise).argmax(axis=1))
        total += (1 + int(choice.weight(part).argmax())) * says[picked[0], picked[1], picked[2]]
    return float(np.sign(total).sum())


def traces_of(
    store: EpisodeStore, answers: Sequence[str | Path], task: Task
) -> tuple[list[Check], list[tuple[str, float]]]:
    """The checks of traces that passed, and the weights of their rubrics.

    Raises:
        DataError: A file without traces, or none that passed.
    """
    checks: list[Check] = []
    weights: dict[str, float] = {}
    for path in map(Path, answers):
        beside = path.with_suffix(".traces.jsonl")
        if not beside.is_file():
            raise DataError(
                f"{path} must have traces in {beside.name}, got none. Judge with a rubric: rewardwrap judge "
                f"DATA --principle TEXT --out {path.name}."
            )
        told = _told(store, path, task)
        for row in map(parsed, beside.read_text(encoding="utf-8").splitlines()):
            if row.get("dropped") or not isinstance(row.get("checks"), list):
                continue
            pair = told[int(row["pair"])]
            shown = pair if row.get("order") == "ab" else pair[::-1]
            texts = {str(c["id"]): str(c["text"]) for c in row.get("rubric", ())}
            weights |= {str(c["text"]): float(c["weight"]) for c in row.get("rubric", ())}
            checks += filter(None, (_check(each, texts, shown) for each in row["checks"]))
    if not checks:
        raise DataError(
            f"traces must hold a check with a quote, got none in {', '.join(map(str, answers))}. Judge more "
            "pairs."
        )
    return checks, list(weights.items())


def questions_of(
    store: EpisodeStore, path: str | Path, task: Task, *, by_reward: bool = False
) -> list[Verified]:
    """Sure answers of a file as questions.

    Raises:
        DataError: No column ``principle``.
    """
    place = Path(path)
    found = read_answers(place, store)
    rows = [parsed(line) for line in place.read_text(encoding="utf-8").splitlines() if line]
    gap = found.b.returns() - found.a.returns() if by_reward else found.preferred - 0.5
    asked = []
    for i, (row, told) in enumerate(zip(rows, _told(store, place, task), strict=True)):
        if not row.get("principle"):
            raise DataError(
                f"{place} must say by which principle, got no column principle in row {i}. Write it there."
            )
        if np.isfinite(gap[i]) and gap[i]:
            asked.append(Verified.of(parts(row["principle"]), *told, int(np.sign(gap[i]))))
    return asked


def _told(store: EpisodeStore, path: Path, task: Task) -> list[tuple[Any, Any]]:
    """The figures of both clips of each answer, as a judge was shown them."""
    found = read_answers(path, store)
    one, other = ([figures(text) for text in Reports(task)(side)] for side in (found.a, found.b))
    return list(zip(one, other, strict=True))


def _check(row: Mapping[str, Any], texts: Mapping[str, str], told: Sequence[Any]) -> Check | None:
    """A check of a trace; None where it says nothing or quotes no line."""
    text, better = texts.get(str(row.get("id"))), str(row.get("better"))
    quotes = row.get("evidence")
    names = shared(*told)
    if text is None or better in ("na", "None") or not isinstance(quotes, list) or not quotes:
        return None
    said = " ".join(str(quotes[0]).split())
    where = [
        i
        for i, name in enumerate(names)
        if said.startswith(name) and not said[len(name) : len(name) + 1].isidentifier()
    ]
    if not where:
        return None
    return Check(text, tuple(names), where[0], SIDES[better], sides(text, told[0], told[1], names))
