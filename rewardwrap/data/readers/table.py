"""Tables, one row per step: which columns are what, where episodes begin, in which order rows came.

| columns | meaning |
|---|---|
| known names of `readers.names`, or what the user says | observation, action, reward, successor |
| a lone ``action`` of whole numbers | discrete |
| ``terminated``, ``truncated`` (or ``terminal``, ``timeout``) | flags |
| ``is_first``, ``is_last``, ``is_terminal`` | RLDS: final rows are no steps |
| ``step``, ``t``, ``timestamp``, ``frame_index`` | puts rows in order, and must not jump |
| every other column of numbers | info |
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.core.transitions import BoolArray
from rewardwrap.data import boundary
from rewardwrap.data.errors import DataError
from rewardwrap.data.flat import Rows
from rewardwrap.data.readers import choice, order, rlds
from rewardwrap.data.readers.cells import as_numpy, numbers
from rewardwrap.data.readers.names import DONE, EPISODE
from rewardwrap.data.reading import Note, Options, Reading
from rewardwrap.data.rows import episodes_of, grouped

MANY = 12
"""Columns of one role that are printed one by one."""


def read_table(path: Path, table: Any, options: Options, notes: list[Note]) -> Reading:
    """The episodes of an arrow table.

    Raises:
        DataError: A column that lacks or may mean several things, or no rule for borders.
    """
    if len(set(table.column_names)) < table.num_columns:
        twice = next(n for n in table.column_names if table.column_names.count(n) > 1)
        raise DataError(f'{path} must name each column once, got "{twice}" twice. Rename one.')
    columns = {name: as_numpy(name, table[name]) for name in table.column_names}
    if not table.num_rows:
        raise DataError(f"{path} must hold at least one row, got a header alone. Check the export.")
    return read_columns(path, columns, options, notes)


def read_columns(
    path: Path, columns: dict[str, Any], options: Options, notes: list[Note]
) -> Reading:
    """The episodes of columns of N rows each."""
    columns = choice.left_out(columns, options, notes)
    roles = _roles(path, columns, options)
    steps_of_rlds = _is_rlds(columns, roles, options)
    rules = _rules(path, columns, options, steps_of_rlds)
    columns, names, clock = _in_order(columns, rules, roles, options, notes)
    read = boundary.column_reader(columns)
    count = len(next(iter(columns.values())))
    begins = boundary.begins(rules, read, count, names=names)
    if steps_of_rlds:
        begins |= rlds.begins(columns)
    rows = _rows(path, columns, roles, rules, replace_info=steps_of_rlds, notes=notes)
    rows = replace(rows, episode=names, begins=begins)
    if clock is not None:
        ended = np.append(
            True, (np.asarray(rows.terminated, bool) | np.asarray(rows.truncated, bool))[:-1]
        )
        time = order.seconds(clock, columns[clock])
        order.require_steady(clock, time, begins | ended, names)
    if steps_of_rlds:
        rows = rlds.transitions(rows, columns, notes)
    _say_roles(roles, clock, notes)
    _say_done(rules, notes)
    reading = episodes_of(rows, rule=_in_words(rules, steps_of_rlds), drop_last=options.drop_last)
    return Reading(reading.store, reading.rule, notes + reading.notes)


def _roles(path: Path, columns: dict[str, Any], options: Options) -> dict[str, list[str]]:
    """Which columns are what; roles without a column are left out.

    Raises:
        DataError: What has to be asked.
    """
    obs = choice.chosen("obs", columns, options.obs)
    found = {
        "obs": obs,
        "action": choice.chosen("action", columns, options.action),
        "next_obs": choice.successors(path, columns, obs, options.next_obs) or [],
    }
    single = {
        "reward": choice.reward(path, columns, options),
        "terminated": choice.flag("terminated", columns, options.terminated),
        "truncated": choice.flag("truncated", columns, options.truncated),
    }
    found |= {role: [name] for role, name in single.items() if name is not None}
    taken = [name for role in found.values() for name in role]
    twice = next((name for name in taken if taken.count(name) > 1), None)
    if twice is not None and not (options.obs or options.action or options.reward):
        raise DataError(f'column "{twice}" must have one meaning, got two. Say --obs and --action.')
    choice.ask_about_the_rest(columns, set(taken), options)
    return {role: names for role, names in found.items() if names}


def _is_rlds(columns: dict[str, Any], roles: dict[str, list[str]], options: Options) -> bool:
    """Whether final rows are no steps: the flags of RLDS, and nothing that says it otherwise."""
    flagged = rlds.LAST in columns or rlds.TERMINAL in columns or rlds.FIRST in columns
    said = {"terminated", "truncated", "next_obs"} & roles.keys()
    return flagged and not said and options.terminated is None and options.truncated is None


def _in_order(
    columns: dict[str, Any],
    rules: list[boundary.Rule],
    roles: dict[str, list[str]],
    options: Options,
    notes: list[Note],
) -> tuple[dict[str, Any], Any, str | None]:
    """Columns with the rows of one episode together and in time, their names, and the clock."""
    names = _names(columns, rules)
    clock = order.clock(columns, options.order)
    taken = {name for role in roles.values() for name in role}
    if clock is not None and options.order is None and clock in taken:
        clock = None
    if clock is not None:
        time = order.seconds(clock, boundary.column_reader(columns)(clock))
    if names is None:
        return columns, None, clock
    if clock is None and "next_obs" not in roles:
        names = order.by_blocks(names, notes)
    rows, note = grouped(names)
    notes += [note] if note is not None else []
    names = names[rows]
    if clock is not None and boundary.Gap not in {type(r) for r in rules if _column(r) == clock}:
        within, names = order.by_clock(names, clock, time[rows], notes)
        rows, names = rows[within], names[within]
    if (rows == np.arange(len(rows))).all():
        return columns, names, clock
    return {name: column[rows] for name, column in columns.items()}, names, clock


def _column(rule: boundary.Rule) -> str | None:
    return getattr(rule, "column", None)


def _rows(
    path: Path,
    columns: dict[str, Any],
    roles: dict[str, list[str]],
    rules: list[boundary.Rule],
    *,
    replace_info: bool,
    notes: list[Note],
) -> Rows:
    count = len(next(iter(columns.values())))
    used = {*(name for role in roles.values() for name in role), *EPISODE, *_asked(rules)}
    used |= set(rlds.FLAGS) if replace_info else set()
    one = {role: numbers(names[0], columns[names[0]]) for role, names in roles.items()
           if role not in ("obs", "action", "next_obs")}  # fmt: skip
    none = np.zeros(count, bool)
    obs = choice.stacked(columns, roles["obs"])
    after, unknown = _known(obs, choice.stacked(columns, roles["next_obs"])) \
        if "next_obs" in roles else (None, None)  # fmt: skip
    return Rows(
        obs=obs,
        action=choice.stacked(columns, roles["action"]),
        reward=one.get("reward", np.full(count, np.nan)),
        terminated=one.get("terminated", none),
        truncated=one.get("truncated", none),
        next_obs=after,
        unknown=unknown,
        info=_info(columns, used, notes),
        source=path.name,
    )


def _known(obs: Any, after: Any) -> tuple[Any, BoolArray | None]:
    """Successors, and which of them are none: rows whose cells are all empty."""
    if after.dtype.kind != "f":
        return after, None
    unknown = np.isnan(after).reshape(len(after), -1).all(axis=1)
    if not unknown.any():
        return after, None
    here = unknown.reshape(-1, *[1] * (after.ndim - 1))
    return np.where(here, obs, after) if obs.shape == after.shape else after, unknown


def _rules(
    path: Path, columns: dict[str, Any], options: Options, steps_of_rlds: bool
) -> list[boundary.Rule]:
    """The stated rules; without any, a column with the usual name of an id, or flags."""
    if options.boundary:
        return [boundary.parse(text) for text in options.boundary]
    named = [name for name in EPISODE if name in columns]
    if named:
        return [boundary.Name(named[0])]
    if steps_of_rlds:
        return []
    asked = [name for name in (options.terminated, options.truncated) if name in columns]
    usual = (*boundary.TERMINATED, *boundary.TRUNCATED, *DONE)
    flagged = [boundary.Flag(name) for name in (*asked, *usual) if name in columns and name]
    if not flagged:
        raise DataError(
            f"{path} must come with a rule for where episodes begin, got columns "
            f"{', '.join(columns)}. State one: --boundary {boundary.FORMS}."
        )
    return list(dict.fromkeys(flagged))


def _names(columns: dict[str, Any], rules: list[boundary.Rule]) -> Any:
    """The id of each row, of all id rules together; None without one."""
    read = boundary.column_reader(columns)
    named = [read(rule.column) for rule in rules if isinstance(rule, boundary.Name)]
    if not named:
        return None
    for column in named:
        if _empty(column).any():
            raise DataError(
                f"boundary: an id must stand in every row, got {int(_empty(column).sum())} empty "
                "cells. Fill them: a row without a name belongs to no episode."
            )
    # text only where it must be: a million names of numbers compare quicker as numbers
    names = _plain_names(named[0])
    for more in named[1:]:
        both = names.astype(np.str_), _plain_names(more).astype(np.str_)
        names = np.char.add(np.char.add(both[0], "/"), both[1])
    return names


def _plain_names(column: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Whole numbers without a point, other objects as text."""
    if column.dtype.kind == "O":
        return column.astype(np.str_)
    if column.dtype.kind == "f" and (column == np.round(column)).all():
        return column.astype(np.int64)
    return column


def _empty(column: np.ndarray[Any, Any]) -> Any:
    if column.dtype.kind == "f":
        return np.isnan(column)
    if column.dtype.kind == "M":
        return np.isnat(column)
    return np.array([cell is None for cell in column]) if column.dtype.kind == "O" \
        else np.zeros(len(column), bool)  # fmt: skip


def _asked(rules: list[boundary.Rule]) -> set[str]:
    """Columns that a rule used up; a gap's column is still worth keeping."""
    return {rule.column for rule in rules if isinstance(rule, boundary.Flag | boundary.Name)}


def _info(columns: dict[str, Any], used: set[str], notes: list[Note]) -> dict[str, Any]:
    left = {name: column for name, column in columns.items() if name not in used}
    info = {n: c for n, c in left.items() if c.dtype.kind in "biuf" and c.ndim == 1}
    out = [name for name in left if name not in info]
    if out:
        sentence = f"columns without one number per row were left out: {', '.join(out)}"
        notes.append(Note("columns", sentence, len(out), "note"))
    return info


def _say_done(rules: list[boundary.Rule], notes: list[Note]) -> None:
    known = (*boundary.TERMINATED, *boundary.TRUNCATED)
    unclear = [r.column for r in rules if isinstance(r, boundary.Flag) and r.column not in known]
    if unclear:
        sentence = (
            f'"{unclear[0]}" says that an episode ended but not why: such ends carry neither flag; '
            "rename the column to terminated or truncated if it is one of them"
        )
        notes.append(Note("borders", sentence, len(unclear)))


def _say_roles(roles: dict[str, list[str]], clock: str | None, notes: list[Note]) -> None:
    words = [f"{role} = {_some(names)}" for role, names in roles.items()]
    words += [f"order = {clock}"] if clock is not None else []
    notes.append(Note("columns", "; ".join(words), len(words), "note"))


def _some(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= MANY else f"{', '.join(names[:3])} ... {names[-1]}"


def _in_words(rules: list[boundary.Rule], steps_of_rlds: bool) -> str:
    words = ["after is_last"] if steps_of_rlds else []
    for rule in rules:
        match rule:
            case boundary.Flag(column):
                words.append(f"after {column}")
            case boundary.Name(column):
                words.append(f"where {column} changes")
            case boundary.Gap(column, limit):
                words.append(f"where {column} jumps by more than {limit:g} or runs backwards")
            case boundary.Length(steps):
                words.append(f"after every {steps} rows")
    return ", ".join((*words, "and after terminated or truncated"))
