"""A judge without a model: it reads principles of the grammar, and figures of reports."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rewardwrap.annotate.reports import ahead, figures, holds
from rewardwrap.annotate.rubric import SIDES
from rewardwrap.core.errors import ConfigError
from rewardwrap.scores.statements import Rule, Statement, statements

RECORDING = re.compile(r'<recording(?: name="\d")?>\n(.*?)\n</recording>', re.DOTALL)
CRITERION = re.compile(r"^(c\d+) \(weight ([\d.]+)\): (.+)$", re.MULTILINE)
_WORDS = {side: word for word, side in SIDES.items() if word != "na"}
RULE = 3.0
"""Weight of a rule; a preference weighs 1."""


@dataclass(frozen=True)
class Tokens:
    """What an answer cost: nothing."""

    total: int = 0


@dataclass(frozen=True)
class Said:
    """An answer, as clients give it."""

    text: str
    usage: Tokens = Tokens()
    cached: bool = False


class Answering:
    """A function of the request as a client that costs nothing.

    Args:
        answer: Returns the text.
        model: Its name.
    """

    def __init__(self, answer: Callable[[Any], str], model: str) -> None:
        self._answer, self.model = answer, model

    def complete(self, request: Any) -> Said:
        """What the function says."""
        return Said(str(self._answer(request)))


class Scripted:
    """A client that answers the questions of `Judge` and `Verdict` from the figures in them.

    It follows the whole protocol of a model, rubric, checks and quotes, costs nothing and needs no network:
    for principles in the grammar of `rewardwrap.scores.statements`, and to try the road before a model is
    paid.
    """

    model = "scripted"

    def complete(self, request: Any) -> Said:
        """The answer to the last message.

        Raises:
            ConfigError: A principle or criterion that is not in the grammar.
        """
        prompt = str(request.messages[-1]["content"])
        texts = RECORDING.findall(prompt)
        if not texts:
            principle = prompt.split("Principle: ", 1)[1].split("\n\nAnswer", 1)[0]
            rows = [{"text": part.text, "weight": _weight(part)} for part in _parts(principle)]
            return Said(json.dumps({"rubric": rows}))
        if len(texts) == 1:
            return Said(json.dumps(_one(prompt, texts[0])))
        checks, total = [], 0.0
        for name, weight, text in CRITERION.findall(prompt):
            statement = _parts(text)[0]
            side = ahead(statement, *map(figures, texts))
            word = "na" if side is None else _WORDS[side]
            total += float(weight) * (side or 0)
            quotes = [_line(statement, each) for each in texts]
            checks.append({"id": name, "better": word, "evidence": quotes})
        return Said(json.dumps({"checks": checks, "better": _WORDS[(total > 0) - (total < 0)]}))


def _one(prompt: str, text: str) -> dict[str, str]:
    criterion = prompt.split("Criterion: ", 1)[1].split("\n", 1)[0]
    rules = [part for part in _parts(criterion) if isinstance(part, Rule)]
    kept = [holds(rule, figures(text)) for rule in rules]
    if not kept or None in kept:
        return {"verdict": "na", "evidence": ""}
    # what shows a broken rule is its own line
    shown = rules[kept.index(False)] if False in kept else rules[0]
    return {"verdict": "no" if False in kept else "yes", "evidence": _line(shown, text)}


def _parts(text: str) -> tuple[Statement, ...]:
    try:
        return statements(text)
    except ConfigError as error:
        raise ConfigError(
            f"the scripted judge must be given principles of its grammar, got {text!r}: {error} "
            "For free words name a model: --judge openai --model NAME."
        ) from error


def _weight(statement: Statement) -> float:
    return RULE if isinstance(statement, Rule) else 1.0


def _line(statement: Statement, text: str) -> str:
    """The line of a report that a statement speaks of."""
    name = statement.of.name if isinstance(statement, Rule) else statement.wants[0][1].name
    return next((line for line in text.split("\n") if re.match(rf"{name}\b", line)), "")
