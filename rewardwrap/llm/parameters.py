"""Rewards as a table of targets that a model fills in: no code is written, so none is run.

A table maps names to terms; each pays ``-weight * norm((field - target) / scale)``. A correction changes
the one term it names; everything else stays as it was, word for word.

Source: Yu et al., "Language to Rewards for Robotic Skill Synthesis", 2023, arXiv 2306.08647. Deviations:
the model writes the table itself as JSON instead of calls that edit it; any named field of the recipe is
allowed instead of six functions for one robot.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

from gymnasium import spaces

from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.core.reward import Reward, Sum, affine
from rewardwrap.limits import parsed
from rewardwrap.llm.client import Completion, Message, Request
from rewardwrap.llm.prompt import VERSION, Scene, abstraction, render
from rewardwrap.rewards.track import ACTION, NORMS, Track

MOST_TERMS = 8
MOST_WEIGHT = 10.0
KEYS = ("of", "target", "scale", "norm", "weight")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_BLOCK = re.compile(r"```[ \t]*(?:json)?[ \t]*\n(.*?)```", re.S)


@dataclass(frozen=True)
class Term:
    """One line of the table.

    Args:
        of: A field, or ``"action"``.
        target: Where it should be, in the field's unit.
        scale: Error that counts as one, in the same unit.
        norm: A key of `rewardwrap.rewards.track.NORMS`.
        weight: In [0, 10].
    """

    of: str
    target: float = 0.0
    scale: float = 1.0
    norm: str = "square"
    weight: float = 1.0

    def reward(self) -> Reward:
        """The term as a reward, weight included."""
        track = Track(self.of, target=self.target, scale=self.scale, norm=self.norm)
        return affine(track, scale=self.weight)


Table: TypeAlias = Mapping[str, Term]


def reward_of(table: Table) -> Reward:
    """The sum of all terms, each under its name."""
    return Sum(tuple(term.reward().named(name) for name, term in table.items()))


def read_table(completion: Completion, scene: Scene) -> dict[str, Term]:
    """The table in an answer.

    Raises:
        ConfigError: No JSON, an unknown field or key, a value out of its range: each names it.
    """
    data = _json_in(completion)
    if not data or len(data) > MOST_TERMS:
        raise ConfigError(
            f"the table must have 1 to {MOST_TERMS} terms, got {len(data)}. Keep the important ones."
        )
    return {name: _term(name, row, scene) for name, row in data.items()}


def read_correction(completion: Completion, table: Table, scene: Scene) -> dict[str, Term]:
    """The table after a correction of one term.

    Raises:
        ConfigError: The answer names several terms, or what `read_table` refuses.
    """
    data = _json_in(completion)
    if len(data) != 1:
        raise ConfigError(
            f"a correction must change one term, got {len(data)}: {', '.join(data) or 'none'}. "
            "Answer with that term alone."
        )
    ((name, row),) = data.items()
    corrected = dict(table)
    if row is not None:
        corrected[name] = _term(name, row, scene)
    elif name in corrected:
        del corrected[name]
    else:
        raise UnknownName("term", name, table)
    if not 1 <= len(corrected) <= MOST_TERMS:
        raise ConfigError(
            f"the table must have 1 to {MOST_TERMS} terms, got {len(corrected)}. "
            "Change a term instead."
        )
    return corrected


def to_json(table: Table) -> str:
    """As the model writes it, and as it lies on disk."""
    return json.dumps({name: asdict(term) for name, term in table.items()}, indent=1)


def from_json(text: str, scene: Scene) -> dict[str, Term]:
    """Read `to_json` again, with the same checks as an answer."""
    try:
        data = parsed(text)
    except ValueError as error:
        raise ConfigError(f"a table must be JSON, got {text[:60]!r} ({error}).") from error
    return {name: _term(name, row, scene) for name, row in data.items()}


def first_table_request(scene: Scene, task: str, *, ask: Request) -> Request:
    """The question for a table; `ask` carries sampling, seed and label."""
    system = render(
        "parameters.jinja",
        example=scene.fields[0],
        box=isinstance(scene.action_space, spaces.Box),
        norms=", ".join(f'"{name}"' for name in NORMS),
        most=f"{MOST_WEIGHT:g}",
        terms=MOST_TERMS,
    )
    user = f"{abstraction(scene)}\n\nTask: {task}"
    messages = ({"role": "system", "content": system}, {"role": "user", "content": user})
    return replace(ask, messages=messages, version=VERSION)


def correction_request(first: Request, table: Table, words: str, *, ask: Request) -> Request:
    """The question for a correction in words."""
    said = render("correction.jinja", table=to_json(table), words=words)
    extra: tuple[Message, ...] = ({"role": "user", "content": said},)
    return replace(ask, messages=(*first.messages, *extra), version=VERSION)


def _json_in(completion: Completion) -> dict[str, Any]:
    text = completion.text.strip()
    if completion.finish_reason == "length":
        raise ConfigError(
            "the answer must be complete, got one that was cut off at the token limit. "
            "Answer with the JSON block alone."
        )
    blocks = _BLOCK.findall(text) or [text]
    try:
        data = parsed(blocks[-1])
    except ValueError as error:
        raise ConfigError(
            f"the answer must hold a JSON table, got {text[:60]!r} ({error}). "
            "Write one ```json block."
        ) from error
    if not isinstance(data, dict):
        raise ConfigError(
            f"the table must map names to terms, got {type(data).__name__}. "
            'Write {"name": {"of": ...}}.'
        )
    return data


def _term(name: str, row: Any, scene: Scene) -> Term:
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"a term must have a short snake_case name, got {name!r}. Write e.g. height."
        )
    if not isinstance(row, Mapping) or "of" not in row:
        raise ConfigError(
            f'term {name} must say what it is of, got {row!r}. Write {{"of": "{scene.fields[0]}"}}.'
        )
    unknown = [key for key in row if key not in KEYS]
    if unknown:
        raise UnknownName(f"key of term {name}", str(unknown[0]), KEYS)
    box = isinstance(scene.action_space, spaces.Box)
    known = [*scene.fields, *([ACTION] if box else [])]
    if row["of"] not in known:
        raise UnknownName(f"field (term {name})", str(row["of"]), known)
    if row.get("norm", "square") not in NORMS:
        raise UnknownName(f"norm (term {name})", str(row["norm"]), NORMS)
    term = Term(
        str(row["of"]),
        _number(name, row, "target", 0.0),
        _number(name, row, "scale", 1.0),
        str(row.get("norm", "square")),
        _number(name, row, "weight", 1.0),
    )
    _check_ranges(name, term, scene)
    return term


def _number(name: str, row: Mapping[str, Any], key: str, default: float) -> float:
    value = row.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(f"term {name}: {key} must be a finite number, got {value!r}. Write one.")
    return float(value)


def _check_ranges(name: str, term: Term, scene: Scene) -> None:
    if term.scale <= 0:
        raise ConfigError(
            f"term {name}: scale must be above 0, got {term.scale:g}. It is the error that counts "
            "as one."
        )
    if not 0 <= term.weight <= MOST_WEIGHT:
        raise ConfigError(
            f"term {name}: weight must lie in [0, {MOST_WEIGHT:g}], got {term.weight:g}. "
            "Terms are minimised already; a larger weight only drowns the others."
        )
    field = scene.recipe.fields.get(term.of)
    if field is None:
        return
    low, high = field.low, field.high
    if (low is not None and term.target < low) or (high is not None and term.target > high):
        raise ConfigError(
            f"term {name}: target must lie in the range of {term.of} "
            f"({'-inf' if low is None else f'{low:g}'} to {'inf' if high is None else f'{high:g}'}), "
            f"got {term.target:g}. The body cannot get there."
        )
