"""A judge of its own weights: it chooses what to read of two reports, and quotes it.

For every criterion of a rubric it chooses a small program: one **line** of the reports, one **statistic** on
that line and one **relation**; running the program on both reports decides the criterion:

    more: sign(v2 - v1)    less: sign(v1 - v2)    above: [v2 > x] - [v1 > x]    below: [v2 <= x] - [v1 <= x]

with ``x`` the number in the criterion, else 0. The choices are softmaxes of words alone,

    line       a w(word of the criterion, word of the name) summed, + b (share of the name's words it says)
    statistic  W_s phi(criterion),  relation  W_r phi(criterion),  weight of a part of a rubric  W_w phi(part)

``phi``: hashed words and pairs of words. So what it says is a checklist with quotes from both recordings, as
`rewardwrap.annotate.rubric` wants of every reader, and it has no sense of place: exchanged reports exchange
the answer. At temperature 0 it takes what is likeliest, else it draws, so votes are deliberation.

`rewardwrap.nets.judge_recipe` makes one.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.annotate.reports import Figures, figures
from rewardwrap.annotate.rubric import SIDES
from rewardwrap.annotate.scripted import CRITERION, RECORDING, Said
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.rewards.sealed import arrays_of, read_model

KIND = "judge"
WORDS, CROSSED = 512, 2048
"""Sizes of the hashed words of a criterion, and of its words beside those of a name."""
STATISTICS = ("last", "mean", "total", "lowest", "highest")
RELATIONS = ("more", "less", "above", "below")
WEIGHTS = (1, 2, 3, 4, 5)
SHAPES = {
    "line": (CROSSED + 1,), "statistic": (WORDS, len(STATISTICS)),
    "relation": (WORDS, len(RELATIONS)), "weight": (WORDS, len(WEIGHTS)),
}  # fmt: skip
"""Array -> its shape."""
_NUMBER = re.compile(r"(?<![a-z_0-9])[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_PRINCIPLE = re.compile(r"Principle: (.*?)\n\n(?:Answer|The recordings)", re.DOTALL)
_SAID = {side: word for word, side in SIDES.items() if word != "na"}


def parts(principle: str) -> list[str]:
    """A principle in its parts, in order.

    >>> parts("Stay dry; then spend little, and be quick.")
    ['Stay dry', 'then spend little', 'be quick']
    """
    found = re.split(r"[;\n,]|\.(?!\d)|\band\b|\bbut\b", principle)
    return [" ".join(part.split()) for part in found if part.strip()]


def limit(criterion: str) -> float:
    """The number that a criterion names; 0 where it names none."""
    found = _NUMBER.search(criterion.lower())
    return float(found.group()) if found else 0.0


@lru_cache(maxsize=4096)
def phi(text: str) -> FloatArray:
    """``(WORDS,)`` hashed words and pairs of words, and a 1."""
    said = _words(text)
    found = np.zeros(WORDS)
    for word in (*said, *map(" ".join, pairwise(said))):
        found[1 + zlib.crc32(word.encode()) % (WORDS - 1)] += 1.0
    found[0] = 1.0
    return found / np.linalg.norm(found)


@lru_cache(maxsize=4096)
def beside(criterion: str, name: str) -> FloatArray:
    """``(CROSSED + 1,)`` words of the criterion beside those of a name; last the share of the name said."""
    said, named = _words(criterion), _words(name)
    found = np.zeros(CROSSED + 1)
    for one in said:
        for other in named:
            found[zlib.crc32(f"{one}|{other}".encode()) % CROSSED] += 1.0
    found /= max(1.0, float(np.linalg.norm(found)))
    found[-1] = np.mean([word in said for word in named]) if named else 0.0
    return found


def sides(
    criterion: str, first: Figures, second: Figures, names: Sequence[str]
) -> NDArray[np.int8]:
    """``(lines, statistics, relations)``: what each program says, -1 first, 1 second, 0 alike."""
    x = limit(criterion)
    one, other = (np.array([_row(told[name]) for name in names]) for told in (first, second))
    gap = np.sign(other - one)
    above = (other > x).astype(float) - (one > x)
    told = np.nan_to_num(np.stack([gap, -gap, above, -above], axis=-1))
    return np.asarray(told, np.int8)


@dataclass(frozen=True)
class Choice:
    """Arrays of a judge, as `SHAPES` lists them."""

    arrays: Mapping[str, FloatArray]

    def logits(self, criterion: str, names: Sequence[str]) -> tuple[FloatArray, ...]:
        """Of lines, statistics and relations."""
        line = np.array([beside(criterion, name) for name in names]) @ self.arrays["line"]
        return line, *(phi(criterion) @ self.arrays[which] for which in ("statistic", "relation"))

    def weight(self, part: str) -> FloatArray:
        """Logits of `WEIGHTS`."""
        return np.asarray(phi(part) @ self.arrays["weight"])


class Trained:
    """A client, as `Scripted` is one, that answers by a `Choice`.

    Args:
        choice: Its weights.
        model: Its name in traces.
    """

    def __init__(self, choice: Choice, model: str = "trained") -> None:
        self.choice, self.model = choice, model

    def complete(self, request: Any) -> Said:
        """A rubric, checks with a verdict, or a yes or no, whatever is asked.

        Raises:
            ConfigError: A question of no such form.
        """
        prompt = str(request.messages[-1]["content"])
        rng = None
        if float(getattr(request, "temperature", 0.0)) > 0:
            drawn = hashlib.sha256(f"{request.seed} {prompt}".encode()).digest()
            rng = np.random.default_rng(list(drawn[:8]))
        texts = RECORDING.findall(prompt)
        if len(texts) == 1:
            return Said(json.dumps(self._one(prompt, texts[0], rng)))
        principle = _PRINCIPLE.search(prompt)
        if principle is None:
            raise ConfigError(
                f"a trained judge must be asked by a principle, got {prompt[:80]!r}. Ask by rewardwrap judge."
            )
        written = [(name, float(weight), text) for name, weight, text in CRITERION.findall(prompt)]
        rubric = written or self._rubric(principle[1])
        if not texts:
            rows = [{"text": text, "weight": weight} for _, weight, text in rubric]
            return Said(json.dumps({"rubric": rows}))
        told = [figures(text) for text in texts]
        checks = [{"id": name, **self._check(text, told, texts, rng)} for name, _, text in rubric]
        total = sum(w * SIDES[row["better"]] for (_, w, _), row in zip(rubric, checks, strict=True))
        verdict = _SAID[int(np.sign(total))]
        if not written:
            return Said(json.dumps({"reasoning": "", "better": verdict}))
        return Said(json.dumps({"checks": checks, "better": verdict}))

    def _rubric(self, principle: str) -> list[tuple[str, float, str]]:
        each = parts(principle)[:6]
        return [
            (f"c{i + 1}", float(WEIGHTS[int(self.choice.weight(part).argmax())]), part)
            for i, part in enumerate(each)
        ]

    def _check(self, criterion: str, told: Any, texts: Sequence[str], rng: Any) -> dict[str, Any]:
        names = shared(*told)
        if not names:
            return {"better": "na", "evidence": ["", ""]}
        program = tuple(_drawn(logits, rng) for logits in self.choice.logits(criterion, names))
        side = int(sides(criterion, told[0], told[1], names)[program])
        return {
            "better": _SAID[side],
            "evidence": [_line(names[program[0]], text) for text in texts],
            "program": [names[program[0]], STATISTICS[program[1]], RELATIONS[program[2]]],
        }

    def _one(self, prompt: str, text: str, rng: Any) -> dict[str, Any]:
        criterion = prompt.split("Criterion: ", 1)[1].split("\n", 1)[0]
        told = figures(text)
        names = shared(told, told)
        if not names:
            return {"verdict": "na", "evidence": ""}
        line, statistic, relation = (
            _drawn(logits, rng) for logits in self.choice.logits(criterion, names)
        )
        value = _row(told[names[line]])[statistic]
        if RELATIONS[relation] not in ("above", "below") or np.isnan(value):
            return {"verdict": "na", "evidence": ""}
        kept = (value > limit(criterion)) == (RELATIONS[relation] == "above")
        return {"verdict": "yes" if kept else "no", "evidence": _line(names[line], text)}


def read_judge(folder: str | Path) -> Trained:
    """The judge that ``rewardwrap fit judge`` wrote.

    Raises:
        ConfigError: No model, one that was changed, or one of something else.
    """
    document, packed = read_model(Path(folder))
    if document.get("net", {}).get("kind") != KIND:
        raise ConfigError(
            f"a judge must be one that was trained, got one fitted by {document.get('objective')} in "
            f"{folder}. Train one with rewardwrap fit judge DATA ANSWERS.jsonl --out {folder}."
        )
    arrays = arrays_of(packed, str(folder))
    return Trained(Choice({name: np.asarray(arrays[name], np.float64) for name in SHAPES}),
                   f"trained {document['sha256'][:12]}")  # fmt: skip


def shared(first: Figures, second: Figures) -> list[str]:
    """Names that stand in both reports."""
    return [name for name in first if name in second]


def _row(of: Mapping[str, float]) -> FloatArray:
    return np.array([of.get(which, of.get("", np.nan)) for which in STATISTICS])


def _drawn(logits: FloatArray, rng: np.random.Generator | None) -> int:
    return int((logits if rng is None else logits + rng.gumbel(size=len(logits))).argmax())


def _line(name: str, text: str) -> str:
    return next((line for line in text.split("\n") if re.match(rf"{name}\b", line)), "")


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+|[<>]=?", text.lower().replace("_", " "))
