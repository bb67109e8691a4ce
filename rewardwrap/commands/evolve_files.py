"""What ``rewardwrap evolve`` plays, the limits it keeps, and the files it leaves."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.commands.asked import Asked, is_begun, require_same
from rewardwrap.core.errors import ConfigError

if TYPE_CHECKING:
    from rewardwrap_policies.evolution import Moves

SAVED = "evolved.json"
Row = dict[str, float]


@dataclass(frozen=True)
class Limits:
    """Whether the last ``info`` of a run keeps them; false where there are none."""

    least: dict[str, float]
    most: dict[str, float]

    def __bool__(self) -> bool:
        return bool(self.least or self.most)

    def __call__(self, info: dict[str, Any]) -> bool:
        low = all(info[name] >= limit for name, limit in self.least.items())
        return low and all(info[name] <= limit for name, limit in self.most.items())


def require_numbers(make: Asked, limits: Limits, field: str | None) -> None:
    """Refuse limits and a field that the info of a step has no number for.

    Raises:
        ConfigError: With those it has.
    """
    asked = [*limits.least.items(), *limits.most.items()]
    for name, limit in asked:
        if isinstance(limit, bool) or not isinstance(limit, int | float):
            raise ConfigError(
                f"a limit must be a number, got {limit!r} for {name}. Write {name}:1."
            )
    env = make()
    env.reset(seed=0)
    there = _numbers(env.step(env.action_space.sample())[-1])
    env.close()
    for name in (*(name for name, _ in asked), *([field] if field else [])):
        if name not in there:
            known = ", ".join(there) or "none"
            raise ConfigError(
                f"limits and --field must name numbers of info, got {name!r}. It has: {known}."
            )


def kept(place: Path, asked: dict[str, Any]) -> Moves | None:
    """What lies there, of the same question; None where nothing does.

    Raises:
        ConfigError: Something else lies there.
    """
    from rewardwrap_policies.evolution import Moves

    if not is_begun(place, SAVED, "evolve"):
        return None
    document = json.loads((place / SAVED).read_text(encoding="utf-8"))
    require_same(place, document["asked"], json.loads(json.dumps(asked)))
    return Moves.read(document["moves"])


def played(make: Asked, found: Moves) -> list[Row]:
    """The best list again: each move, the return so far and the numbers of info."""
    env = make()
    env.reset(seed=0)
    rows, total, over = list[Row](), 0.0, False
    while not over and len(rows) < len(found.moves):
        action = int(found.moves[len(rows)])
        _, reward, terminated, truncated, info = env.step(action)
        total, over = total + float(reward), terminated or truncated
        rows.append({"move": len(rows) + 1, "action": action, "return": total, **_numbers(info)})
    env.close()
    return rows


def write(
    place: Path, asked: dict[str, Any], found: Moves, rows: list[Row] | None = None, field: str = ""
) -> None:
    """What to go on from; with the best list's rows, tables and figures too."""
    from rewardwrap.files import write_whole

    place.mkdir(parents=True, exist_ok=True)
    write_whole(place / SAVED, json.dumps({"asked": asked, "moves": found.document()}))
    if rows is None:
        return
    history: list[Row] = [{"steps": step, "return": best} for step, best in found.history]
    _table(place / "history", history, "environment steps", "steps", "return")
    _table(place / "run", rows, "moves", "move", field)


def _table(file: Path, rows: list[Row], label: str, x: str, y: str) -> None:
    from rewardwrap.files import write_whole
    from rewardwrap.pages.drawing import WIDTH, drawing, save
    from rewardwrap.pages.palette import INK

    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[-1]), extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(file.with_suffix(".csv"), text.getvalue())
    with drawing(WIDTH, 3.1) as (figure, axes):
        heights = [row.get(y, float("nan")) for row in rows]
        axes.step([row[x] for row in rows], heights, color=INK, where="post")
        axes.set_xlabel(label)
        axes.set_ylabel(y)
        write_whole(file.with_suffix(".svg"), save(figure, suffix="svg"))


def _numbers(info: dict[str, Any]) -> Row:
    return {k: float(v) for k, v in info.items() if isinstance(v, int | float)}
