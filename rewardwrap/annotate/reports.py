"""A clip as text: the figures of its named numbers, line by line, and the figures read back from it.

Nothing of it says what the environment paid: a judge is asked for an opinion of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.task import NO_TASK, Task
from rewardwrap.data import Fragments
from rewardwrap.scores.quantities import ALIASES, HOLDS, OVER, WHOLE, known, measure, series
from rewardwrap.scores.statements import Preference, Quantity, Rule, Statement

HIDDEN = ("return", "reward")
_LINE = re.compile(r"^([a-z_][a-z0-9_]*)(?: \[[^\]]*\])?: (.+?)(?: \(.*\))?$", re.MULTILINE)
_FIGURE = re.compile(r"(?:(last|mean|total|lowest|highest) )?([+-]?(?:\d[\d.e+-]*|inf|nan))")
_WHICH = {"never": "highest", "always": "lowest", "ever": "highest", "end": "last"}


@dataclass(frozen=True)
class Reports:
    """n clips -> n texts: ``name [unit]: last 1; mean 2; total 40; lowest 0; highest 3 (what it is)``.

    Args:
        task: Names fields of the observation; without one, numbers in ``info`` alone have names.
    """

    task: Task = NO_TASK

    def __call__(self, clips: Fragments) -> list[str]:
        return [self.of(episode) for episode in clips.episodes()]

    def of(self, episode: Episode) -> str:
        """The lines of one clip."""
        names = [n for n in known(episode, self.task) if n not in HIDDEN]
        return "\n".join(filter(None, (self._line(name, episode) for name in names)))

    def _line(self, name: str, episode: Episode) -> str:
        field: Any = self.task.fields.get(name)
        unit = getattr(field, "unit", "step" if name == "time" else "1")
        head = name if unit == "1" else f"{name} [{unit}]"
        about = getattr(field, "description", "")
        try:
            said = f"{head}: {self._figures(name, episode)}"
        except ConfigError:
            # discrete actions have no energy
            return ""
        return f"{said} ({about})" if about else said

    def _figures(self, name: str, episode: Episode) -> str:
        of = Quantity(name)
        if name in WHOLE:
            return f"{measure(of, episode, self.task):.6g}"
        steps = series(of, episode, self.task)
        return "; ".join(f"{which} {float(over(steps)):.6g}" for which, over in _ORDERED.items())


_ORDERED = {name: OVER[name] for name in ("last", "mean", "total", "lowest", "highest")}
Figures = Mapping[str, Mapping[str, float]]
"""Name -> statistic -> number; what there is once has the statistic ""."""


def figures(report: str) -> Figures:
    """The numbers of a report.

    >>> figures("time [step]: 7\\nx: last 0; mean 0.5; total 2; lowest 0; highest 1 (heat)")["x"]["mean"]
    0.5
    """
    found = {}
    for name, rest in _LINE.findall(report):
        found[name] = {which: float(number) for which, number in _FIGURE.findall(rest)}
    return found


def holds(rule: Rule, told: Figures) -> bool | None:
    """Whether figures say that a rule is kept; None where they do not tell.

    >>> from rewardwrap.scores.statements import statements
    >>> holds(statements("never lava")[0], figures("lava: last 0; mean 0.5; total 2; lowest 0; highest 1"))
    False
    """
    which = _WHICH.get(rule.span, rule.of.statistic or "mean")
    if rule.relation in ("<", "<=") and rule.span in ("never", "always", "ever"):
        # "always below" is decided by the highest, "ever below" and "never below" by the lowest
        which = "highest" if rule.span == "always" else "lowest"
    number = _number(Quantity(rule.of.name, which, rule.of.absolute), told)
    if number is None:
        return None
    kept = bool(HOLDS[rule.relation](number, rule.limit)) != (rule.span == "never")
    return kept != rule.negated


def ahead(statement: Statement, first: Figures, second: Figures) -> int | None:
    """-1 where the first is better by a statement, 1 where the second is, 0 alike; None: cannot be told."""
    if isinstance(statement, Preference):
        for way, of in statement.wants:
            one, other = (_number(of, told) for told in (first, second))
            if one is None or other is None:
                return None
            if one != other:
                return way * (1 if other > one else -1)
        return 0
    kept = [holds(statement, told) for told in (first, second)]
    return None if None in kept else int(bool(kept[1])) - int(bool(kept[0]))


def _number(of: Quantity, told: Figures) -> float | None:
    each = told.get(of.name) or told.get(ALIASES.get(of.name, ""))
    if each is None or of.absolute:
        return None
    found = each.get("", each.get(of.statistic or "mean"))
    return None if found is None or np.isnan(found) else found
