"""A small language for principles: what is asked of an episode, in words that a rule can check.

```
principle  = statement { (";" | new line) statement }
statement  = rule | "not" rule | preference
rule       = "never" THING | "always" THING | "reach" THING | "end with" THING
           | [STATISTIC] QUANTITY RELATION NUMBER [UNIT]
preference = "prefer" WANT { "over" WANT } | "minimise" QUANTITY | "maximise" QUANTITY
THING      = QUANTITY [RELATION NUMBER [UNIT]]
WANT       = ["low" | "less" | "high" | "more"] [STATISTIC] QUANTITY
STATISTIC  = "mean" | "total" | "highest" | "lowest" | "last"
RELATION   = "<=" | "<" | ">=" | ">" | "at most" | "at least" | "below" | "above"
```
A rule is kept or broken: ``never touch lava``, ``always torso z > 0.8 m``, ``reach goal``, ``time <= 200``. A
preference only says what is better, the first most: ``prefer low energy over speed``. What is not in the
grammar is refused, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rewardwrap.core.errors import ConfigError

STATISTICS = {
    "mean": "mean", "average": "mean", "total": "total", "sum of": "total", "number of": "total",
    "highest": "highest", "maximum": "highest", "max": "highest", "lowest": "lowest",
    "minimum": "lowest", "min": "lowest", "last": "last", "final": "last",
}  # fmt: skip
RELATIONS = {
    "<=": "<=", ">=": ">=", "<": "<", ">": ">", "at most": "<=", "at least": ">=", "below": "<",
    "under": "<", "above": ">",
}  # fmt: skip
SPANS = {"never": "never", "always": "always", "reach": "ever", "end with": "end"}
WANTS = {"low": -1, "less": -1, "lower": -1, "little": -1, "high": 1, "more": 1, "higher": 1}
FILLERS = r"(?:(?:touch|enter|be|have|hit|stay|keep|the|a|an) )*"
_COMPARED = re.compile(
    rf"(.+?) ?({'|'.join(map(re.escape, RELATIONS))}) ?([+-]?\d+\.?\d*(?:e[+-]?\d+)?)(?: ([a-z/0-9]+))?"
)
_SPAN = re.compile(rf"({'|'.join(SPANS)}) {FILLERS}(.+)")
_PREFERRED = re.compile(r"(prefer|minimise|minimize|maximise|maximize) (.+)")
_STATISTIC = re.compile(rf"({'|'.join(STATISTICS)}) (.+)")
_QUANTITY = re.compile(r"(?:the )?(absolute )?(?:the )?([a-z_][a-z0-9_ ]*)")


@dataclass(frozen=True)
class Quantity:
    """A number that an episode has at every step, or once.

    Args:
        name: A field, a number in info, or one that every episode has; spaces are underscores.
        statistic: Over the steps; None where the grammar does not ask for one.
        absolute: Whether its sign is left away.
    """

    name: str
    statistic: str | None = None
    absolute: bool = False


@dataclass(frozen=True)
class Rule:
    """What an episode keeps or breaks.

    Args:
        text: As it was written.
        span: ``"never"``, ``"always"``, ``"ever"``, ``"end"``: of steps; ``"whole"``: of a statistic.
        of: What is looked at.
        relation: To ``limit``.
        limit: The number; "never lava" is never ``lava > 0``.
        unit: That was written beside it.
        negated: Whether the opposite is asked for.
    """

    text: str
    span: str
    of: Quantity
    relation: str = ">"
    limit: float = 0.0
    unit: str = ""
    negated: bool = False


@dataclass(frozen=True)
class Preference:
    """What makes one episode better than another.

    Args:
        text: As it was written.
        wants: ``(1 more, -1 less; of what)``, the first counts most.
    """

    text: str
    wants: tuple[tuple[int, Quantity], ...]


Statement = Rule | Preference


def statements(text: str) -> tuple[Statement, ...]:
    """The statements of a principle, in order.

    Raises:
        ConfigError: None, or one that is not in the grammar.

    >>> rule, better = statements("never touch lava; prefer low energy over speed")
    >>> rule.span, rule.of.name, [(way, of.name) for way, of in better.wants]
    ('never', 'lava', [(-1, 'energy'), (1, 'speed')])
    """
    found = [part.strip(" .") for part in re.split(r"[;\n]", text)]
    parts = tuple(_statement(part) for part in found if part)
    if not parts:
        raise ConfigError(
            'a principle must state something, got nothing. Write e.g. "never touch lava; time <= 200".'
        )
    return parts


def _statement(text: str) -> Statement:
    words = " ".join(text.lower().replace("≤", "<=").replace("≥", ">=").split())
    preferred = _PREFERRED.fullmatch(words)
    if preferred:
        return _preference(text, *preferred.groups())
    negated, words = words.startswith("not "), words.removeprefix("not ")
    span = _SPAN.fullmatch(words)
    compared = _COMPARED.fullmatch(span[2] if span else words)
    if not (span or compared):
        raise _unknown(text)
    about = _quantity(compared[1] if compared else span[2] if span else "", text)
    if span and about.statistic:
        raise ConfigError(
            f'"{text}" must speak of single steps, got "{about.statistic}" of an episode. Write '
            f'"{about.statistic} {about.name} <= 1" instead.'
        )
    more = {} if compared is None else {
        "relation": RELATIONS[compared[2]], "limit": float(compared[3]), "unit": compared[4] or "",
    }  # fmt: skip
    kind = SPANS[span[1]] if span else "whole"
    return Rule(text, kind, about, negated=negated, **more)  # type: ignore[arg-type]


def _preference(text: str, verb: str, rest: str) -> Preference:
    if verb != "prefer":
        return Preference(text, ((1 if verb.startswith("max") else -1, _quantity(rest, text)),))
    wants = []
    for part in rest.split(" over "):
        first, _, others = part.partition(" ")
        way = WANTS.get(first)
        wants.append((way or 1, _quantity(others if way else part, text)))
    return Preference(text, tuple(wants))


def _quantity(words: str, text: str) -> Quantity:
    statistic = _STATISTIC.fullmatch(words)
    named = _QUANTITY.fullmatch(statistic[2] if statistic else words)
    if named is None:
        raise _unknown(text)
    kind = STATISTICS[statistic[1]] if statistic else None
    return Quantity(named[2].replace(" ", "_"), kind, bool(named[1]))


def _unknown(text: str) -> ConfigError:
    return ConfigError(
        f'a statement must be one that the grammar has, got "{text}". Write e.g. "never touch lava", '
        '"always height > 0.8", "reach goal", "mean speed >= 1", "time <= 200" or '
        '"prefer low energy over speed".'
    )
