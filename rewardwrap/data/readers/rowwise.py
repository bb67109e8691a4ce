"""Tables of one row an episode: cells are lists, of all observations, actions and rewards.

| column | names |
|---|---|
| observations, T or T + 1 of them | as in `readers.names`; a list of lists, or of numbers |
| actions, rewards | the same |
| ends | ``terminated``, ``truncated``: one flag, or one a step; ``terminal``, ``done(s)``: why is not known |
| name | ``episode``, ``id`` ...; else the number of the row |
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.data.errors import DataError
from rewardwrap.data.readers import choice, names
from rewardwrap.data.readers.cells import as_numpy
from rewardwrap.data.readers.episodic import Whole, kept_ids, read_whole, say_done
from rewardwrap.data.reading import NONE, Note, Options, Reading

FLAGS = {
    "terminated": ("terminated", "terminations"),
    "truncated": ("truncated", "truncations", "timeouts"),
}
DONE = ("terminal", "terminals", *names.DONE)
"""What does not say why: an imitated episode is terminal where a clock ended it, too."""


def is_rowwise(table: Any, options: Options) -> bool:
    """Whether the reward of a row is a list: one row is an episode."""
    import pyarrow as pa

    rewards = [options.reward] if options.reward not in (None, NONE) else list(names.REWARD)
    found = next((name for name in rewards if name in table.column_names), None)
    if found is None:
        # without rewards: actions that are lists of lists
        found = next((n for n in names.ACTION if n in table.column_names), None)
        inner = table.schema.field(found).type if found is not None else pa.null()
        return found is not None and _is_list(inner) and _is_list(inner.value_type)
    return _is_list(table.schema.field(found).type)


def read_rowwise(path: Path, table: Any, options: Options, notes: list[Note]) -> Reading:
    """The episodes of such a table.

    Raises:
        DataError: A column that lacks, lists of other lengths, or cells that are no numbers.
    """
    cells = {name: table[name] for name in table.column_names}
    roles = {
        "obs": _one("obs", cells, options.obs, names.OBS),
        "action": _one("action", cells, options.action, names.ACTION),
        "reward": None if options.reward == NONE else
        _one("reward", cells, None if options.reward is None else (options.reward,), names.REWARD),
        "next_obs": _one("next-obs", cells, options.next_obs, names.NEXT_OBS, needed=False),
    }  # fmt: skip
    ids = _ids(cells, table.num_rows)
    kept = set(kept_ids(ids, options))
    flags = {role: next((n for n in known if n in cells), None) for role, known in FLAGS.items()}
    said = [role for role, column in flags.items() if column]
    # with one reason known, an end without it has the other
    other = next((role for role in flags if role not in said), None) if said else None
    done = next((n for n in DONE if n in cells), None) if len(said) < len(flags) else None
    clock = _clock(cells, options)
    episodes, ended = [], 0
    for row, name in enumerate(ids):
        if name not in kept:
            continue
        got = {role: _cell(path, column, cells, row) for role, column in roles.items() if column}
        if clock is not None:
            _require_rising(clock, name, _cell(path, clock, cells, row))
        ends: dict[str, Any] = {
            role: column is not None and _last(cells[column][row]) for role, column in flags.items()
        }
        over = done is not None and _last(cells[done][row])
        if other is not None:
            ends[other] = over and not any(ends.values())
        ended += over and other is None
        reward = got.pop("reward", None)
        steps = len(got["action"])
        reward = np.full(steps, np.nan) if reward is None else reward
        episodes.append(Whole(name, reward=reward, **got, **ends))
        options.progress(row + 1, len(ids))
    if done is not None:
        say_done(done, ended, notes)
    used = {*filter(None, (*roles.values(), *flags.values(), done)), *names.EPISODE, "id"}
    left = [name for name in cells if name not in used]
    if left:
        notes.append(Note("columns", f"left out: {', '.join(left)}", len(left), "note"))
    shown = "; ".join(f"{role} = {column}" for role, column in roles.items() if column)
    notes.append(Note("columns", f"one row an episode; {shown}", len(roles), "note"))
    return read_whole(path, episodes, options, notes, rule="a row of the table for each")


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    known = pa.types
    return bool(known.is_list(kind) or known.is_large_list(kind) or known.is_fixed_size_list(kind))


def _one(
    what: str, cells: dict[str, Any], asked: Any, known: tuple[str, ...], *, needed: bool = True
) -> str | None:
    if asked is not None and tuple(asked) != (NONE,):
        found = choice.matching(cells, asked)
    else:
        found = [name for name in known if name in cells]
    if not found and not needed:
        return None
    if len(found) != 1:
        raise DataError(
            f"{what} must be one column of lists where a row is an episode, got {', '.join(found) or 'none'} "
            f"among {', '.join(cells)}. Choose it with --{what}."
        )
    return found[0]


def _clock(cells: dict[str, Any], options: Options) -> str | None:
    """The column whose lists count steps; None without any."""
    import pyarrow as pa

    if options.order is not None:
        return None if options.order == NONE else choice.matching(cells, (options.order,))[0]
    found = next((name for name in names.ORDER if name in cells), None)
    if found is None or not _is_list(cells[found].type):
        return None
    inner = cells[found].type.value_type
    return found if pa.types.is_integer(inner) or pa.types.is_floating(inner) else None


def _require_rising(clock: str, episode: str, ticks: Any) -> None:
    step = np.diff(np.asarray(ticks, np.float64).reshape(-1))
    if (step > 0).all():
        return
    row = int(np.argmin(step > 0))
    raise DataError(
        f'column "{clock}" must rise inside an episode, got {ticks[row + 1]:.10g} after {ticks[row]:.10g} in '
        f"episode {episode}. Turn its lists round if the newest step comes first, or read them as they lie "
        "with --order none."
    )


def _ids(cells: dict[str, Any], rows: int) -> list[str]:
    column = next((name for name in (*names.EPISODE, "id") if name in cells), None)
    ids = (
        [str(i) for i in range(rows)]
        if column is None
        else [str(x) for x in cells[column].to_pylist()]
    )
    return ids if len(set(ids)) == len(ids) else [f"{name} (row {i})" for i, name in enumerate(ids)]


def _cell(path: Path, column: str, cells: dict[str, Any], row: int) -> Any:
    """One list of numbers, or of lists of them, as an array."""
    import pyarrow as pa

    cell = cells[column][row]
    if not cell.is_valid:
        raise DataError(
            f'{path}: column "{column}" must hold a list, got none in row {row}. Correct it.'
        )
    values = as_numpy(column, pa.chunked_array([cell.values]))
    if values.dtype.kind not in "biuf":
        raise DataError(
            f'{path}: column "{column}" must hold numbers, got {values.ravel()[0]!r} in row {row}. '
            "Correct it."
        )
    return values


def _last(cell: Any) -> bool:
    value = cell.as_py()
    if isinstance(value, list):
        value = value[-1] if value else False
    return bool(value)
