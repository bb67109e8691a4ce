"""Two comparisons beside each other: what changed between them, and what that did to every strategy.

Runs of two comparisons are independent samples even where seeds have one number: what differs between them
(code, versions, settings) is what is asked about. So the
difference of means has an interval of unpaired samples: Welch's, or of success rates.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rewardwrap import statistics
from rewardwrap.compare.results import Comparison
from rewardwrap.compare.verdict import judge
from rewardwrap.core.errors import ConfigError
from rewardwrap.files import write_whole
from rewardwrap.pages.templates import environment
from rewardwrap.pages.words import number, signed

SETTINGS = ("algo", "steps", "threshold", "primary", "eval_episodes")
MAPPINGS = ("hyperparameters", "versions", "rewards")


def write(new: Comparison, old: Comparison, file: Path) -> Path:
    """Write the page of two comparisons.

    Args:
        new: What is asked about.
        old: What it is held against.
        file: The HTML page.

    Raises:
        ConfigError: They are of two environments, or share no strategy.
    """
    page = environment(Path(__file__).parent).get_template("against.html.jinja")
    write_whole(file, page.render(**told(new, old)))
    return file


def told(new: Comparison, old: Comparison) -> dict[str, Any]:
    """What the page says: ``changes``, ``strategies`` and both headlines."""
    if new.env != old.env:
        raise ConfigError(
            f"two comparisons must be of one environment, got {new.env} against {old.env}. "
            "Name another folder."
        )
    shared = [name for name in new.strategies if name in old.strategies]
    if not shared:
        raise ConfigError(
            f"two comparisons must share a strategy, got {', '.join(new.strategies)} against "
            f"{', '.join(old.strategies)}. Give one the same name in both."
        )
    return {
        "new": new,
        "old": old,
        "headlines": (judge(old).headline, judge(new).headline),
        "changes": list(_changes(new, old)),
        "strategies": [_strategy(new, old, name) for name in shared],
        "alone": [
            (where, names)
            for where, names in (
                ("new", [n for n in new.strategies if n not in shared]),
                ("before", [n for n in old.strategies if n not in shared]),
            )
            if names
        ],
    }


def _changes(new: Comparison, old: Comparison) -> list[tuple[str, Any, Any]]:
    """Name, before and now of everything that differs."""
    found = [(name, getattr(old, name), getattr(new, name)) for name in SETTINGS]
    for mapping in MAPPINGS:
        before, now = dict(getattr(old, mapping)), dict(getattr(new, mapping))
        names = dict.fromkeys([*before, *now])
        found += [(f"{mapping}: {n}", before.get(n, "–"), now.get(n, "–")) for n in names]
    return [(name, before, now) for name, before, now in found if before != now]


def _strategy(new: Comparison, old: Comparison, name: str) -> dict[str, Any]:
    rows = []
    for heading, measure in (("area", Comparison.auc), ("final true return", Comparison.final)):
        now, before = measure(new, name), measure(old, name)
        gap = statistics.difference(now, before) if min(now.size, before.size) > 1 else None
        interval = "" if gap is None else f"[{signed(gap.low)}, {signed(gap.high)}]"
        apart = gap is not None and (gap.low > 0 or gap.high < 0)
        rows.append(
            {
                "measure": heading,
                "before": number(before.mean()) if before.size else "–",
                "now": number(now.mean()) if now.size else "–",
                "difference": signed(now.mean() - before.mean())
                if now.size and before.size
                else "–",
                "interval": interval,
                "word": ("better" if gap.value > 0 else "worse") if apart and gap else "",
            }
        )
    return {"name": name, "place": new.strategies.index(name), "rows": rows,
            "seeds": (len(old.of(name)), len(new.of(name)))}  # fmt: skip
