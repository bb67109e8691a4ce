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
from rewardwrap.data.readers import borders, choice, finals, order, rlds, rowwise
from rewardwrap.data.readers import names as known
from rewardwrap.data.readers.cells import as_numpy, numbers, spread, truths, vectors
from rewardwrap.data.readers.nested import steps_apart
from rewardwrap.data.reading import Note, Options, Reading
from rewardwrap.data.rows import episodes_of, grouped

FILES = "\0file"
"""A column that no file has: the number of the file, of several that are read as one table."""


def read_table(path: Path, table: Any, options: Options, notes: list[Note]) -> Reading:
    """The episodes of an arrow table.

    Raises:
        DataError: A column that lacks or may mean several things, or no rule for borders.
    """
    require_distinct(path, table.column_names)
    table = steps_apart(table, notes)
    if rowwise.is_rowwise(table, options):
        return rowwise.read_rowwise(path, table, options, notes)
    table = spread(table)
    columns = {name: column_of(name, table[name]) for name in table.column_names}
    return read_columns(path, columns, options, notes)


def prepared(
    path: Path, columns: dict[str, Any], options: Options
) -> tuple[dict[str, Any], bool, list[boundary.Rule]]:
    """Columns under known names, whether they are RLDS', and the rules by which they are cut."""
    columns = _spelled(choice.left_out(columns, options, []), options, [])
    roles = _roles(path, columns, options)
    if any(columns[name].size != len(columns[name]) for name in roles.get("reward", ())):
        raise DataError(
            f"{path} must have a row a step to be read block by block, got rows of whole episodes. Leave "
            "--stream out."
        )
    steps_of_rlds = _is_rlds(columns, roles, options)
    return columns, steps_of_rlds, borders.rules_of(path, columns, options, steps_of_rlds, [])


def require_distinct(path: Path, names: list[str]) -> None:
    """Refuse a table two of whose columns carry one name.

    Raises:
        DataError: Names it.
    """
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f'{path} must name each column once, got "{twice}" twice. Rename one.')


def column_of(name: str, column: Any) -> Any:
    """An arrow column as numpy; vectors that were written as text are vectors."""
    return vectors(name, as_numpy(name, column))


def read_columns(
    path: Path, columns: dict[str, Any], options: Options, notes: list[Note]
) -> Reading:
    """The episodes of columns of N rows each; ``FILES`` numbers the file that a row came from.

    The columns are taken over: they are let go of as soon as they are put side by side, since a table
    of gigabytes should not be there twice.
    """
    columns, given = dict(columns), columns
    given.clear()
    if not columns or not len(next(iter(columns.values()))):
        raise DataError(f"{path} must hold at least one row, got a header alone. Check the export.")
    columns = choice.left_out(columns, options, notes)
    columns = _spelled(columns, options, notes)
    roles = _roles(path, columns, options)
    steps_of_rlds = _is_rlds(columns, roles, options)
    if not steps_of_rlds and not {"terminated", "truncated", "next_obs"} & roles.keys():
        rlds.ask_about_step_type(columns)
    columns |= _one_a_row(path, columns, roles, [])
    rules = borders.rules_of(path, columns, options, steps_of_rlds, notes)
    flagged = [*roles.get("terminated", ()), *roles.get("truncated", ()), *rlds.FLAGS]
    flagged += [rule.column for rule in rules if isinstance(rule, boundary.Flag)]
    columns |= {name: truths(columns[name]) for name in flagged if name in columns}
    columns |= _one_a_row(path, columns, roles, rules)
    columns, left_out = _without_episodes(columns, rules, options, notes)
    columns, names, clock = _in_order(columns, rules, roles, options, notes)
    read = boundary.column_reader(columns)
    count = len(next(iter(columns.values())))
    begins = boundary.begins(rules, read, count, names=names)
    if steps_of_rlds:
        begins |= rlds.begins(columns)
    if FILES in columns:
        begins[1:] |= _new_file(columns, clock, "next_obs" in roles)
    rows = _rows(
        path, columns, roles, rules, clock, options, replace_info=steps_of_rlds, notes=notes
    )
    rows = replace(rows, episode=names, begins=begins)
    ended = np.append(
        True, (np.asarray(rows.terminated, bool) | np.asarray(rows.truncated, bool))[:-1]
    )
    if clock is not None:
        time = order.seconds(clock, columns[clock])
        order.require_steady(clock, time, begins | ended, names)
    elif options.order is None:
        taken = {name for role in roles.values() for name in role}
        order.require_no_other(columns, taken, ~(begins | ended)[1:])
    rows = rlds.transitions(rows, columns, notes) if steps_of_rlds else \
        finals.empty_finals(replace(rows, begins=begins | ended), notes)  # fmt: skip
    choice.say(roles, clock, notes)
    borders.say_done(rules, len(roles.keys() & set(borders.REASONS)), notes)
    reading = episodes_of(
        rows, rule=borders.in_words(rules, steps_of_rlds), drop_last=options.drop_last
    )
    return Reading(reading.store, reading.rule, notes + reading.notes, left_out)


def _one_a_row(
    path: Path, columns: dict[str, Any], roles: dict[str, list[str]], rules: list[boundary.Rule]
) -> dict[str, Any]:
    """Rewards, flags and what tells borders, one value a row: ``(N, 1)`` is, lanes side by side are not.

    Raises:
        DataError: Names the column, and how several lanes are written.
    """
    single = [
        name
        for role, named in roles.items()
        if role not in ("obs", "action", "next_obs")
        for name in named
    ]
    single += [name for rule in rules if (name := _column(rule)) is not None]
    found = {}
    for name in single:
        values = columns.get(name)
        if values is None or values.ndim == 1:
            continue
        if values.size != len(values):
            raise DataError(
                f'{path}: column "{name}" must have one value a row, got shape {values.shape}. Where lanes '
                "lie side by side, put them end to end, each whole, and name them in a column env."
            )
        found[name] = values.reshape(-1)
    return found


def _spelled(columns: dict[str, Any], options: Options, notes: list[Note]) -> dict[str, Any]:
    """Columns under the known names that they differ from by capitals alone."""
    said = [
        *options.boundary,
        *(options.obs or ()),
        *(options.action or ()),
        *(options.next_obs or ()),
    ]
    single = (options.reward, options.terminated, options.truncated, options.order)
    said += [name for name in single if name is not None]
    said += [text.partition(":")[2].partition(">")[0] for text in options.boundary]
    other = known.without_capitals(columns, said)
    if other:
        shown = ", ".join(f"{name} as {low}" for name, low in other.items())
        notes.append(Note("capitals", f"read {shown}", len(other), "note"))
    return {other.get(name, name): column for name, column in columns.items()}


def _without_episodes(
    columns: dict[str, Any], rules: list[boundary.Rule], options: Options, notes: list[Note]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Columns without the rows of episodes that the user left out, where rows carry their names.

    They are gone before anything is asked of them: an episode may be left out because it is broken.
    """
    asked = options.without
    names = borders.names_of(columns, rules) if asked else None
    if names is None:
        return columns, ()
    text = names.astype(np.str_)
    found = tuple(sorted(asked & set(np.unique(text).tolist())))
    out = np.isin(text, found)
    if not found or out.all():
        return columns, ()
    notes.append(Note("left out", f"episodes as asked: {', '.join(found)}", len(found), "note"))
    return {name: column[~out] for name, column in columns.items()}, found


def _new_file(columns: dict[str, Any], clock: str | None, joins: bool) -> BoolArray:
    """``(N - 1,)``: rows of another file, unless what they hold says that an episode goes on."""
    changed: BoolArray = np.diff(columns[FILES]) != 0
    if joins:
        return np.zeros_like(changed)  # successors say it themselves
    if clock is None:
        return changed
    return changed & (np.diff(order.seconds(clock, columns[clock])) <= 0)


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
    names = borders.names_of(columns, rules)
    clock = order.clock(columns, options.order)
    taken = {name for role in roles.values() for name in role}
    if clock is not None and options.order is None and clock in taken:
        clock = None
    if clock is not None:
        time = order.seconds(clock, boundary.column_reader(columns)(clock))
    if names is None:
        return columns, None, clock
    if clock is None and "next_obs" not in roles and FILES not in columns:
        names = order.by_blocks(names, notes)
    rows, note = grouped(names)
    notes += [note] if note is not None else []
    names = names[rows]
    if clock is not None and boundary.Gap not in {type(r) for r in rules if _column(r) == clock}:
        apart = rows if options.order is None else None
        within, names = order.by_clock(names, clock, time[rows], notes, apart=apart)
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
    clock: str | None,
    options: Options,
    *,
    replace_info: bool,
    notes: list[Note],
) -> Rows:
    count = len(next(iter(columns.values())))
    used = {
        *(name for role in roles.values() for name in role),
        *known.EPISODE,
        *borders.used_up(rules),
        FILES,
    }
    used |= set(rlds.FLAGS) if replace_info else set()
    one = {role: numbers(names[0], columns[names[0]]) for role, names in roles.items()
           if role not in ("obs", "action", "next_obs")}  # fmt: skip
    if not replace_info:
        one = borders.with_both_reasons(one, rules, columns, options, notes)
    none = np.zeros(count, bool)
    info = _info(columns, used, notes)
    wanted = [name for role in roles.values() for name in role]
    kept = {clock, *(name for name in wanted if wanted.count(name) > 1), *rlds.FLAGS}
    obs = choice.stacked(columns, roles["obs"], kept)
    action = choice.stacked(columns, roles["action"], kept)
    after, unknown = _known(obs, choice.stacked(columns, roles["next_obs"], kept)) \
        if "next_obs" in roles else (None, None)  # fmt: skip
    return Rows(
        obs=obs,
        action=action,
        reward=one.get("reward", np.full(count, np.nan)),
        terminated=one.get("terminated", none),
        truncated=one.get("truncated", none),
        next_obs=after,
        unknown=unknown,
        info=info,
        source=path.name,
    )


def _known(obs: Any, after: Any) -> tuple[Any, BoolArray | None]:
    """Successors, and which of them are none: rows whose cells are all empty."""
    if isinstance(after, dict) or after.dtype.kind != "f":
        return after, None
    unknown = np.isnan(after).reshape(len(after), -1).all(axis=1)
    if not unknown.any():
        return after, None
    here = unknown.reshape(-1, *[1] * (after.ndim - 1))
    return np.where(here, obs, after) if obs.shape == after.shape else after, unknown


def _info(columns: dict[str, Any], used: set[str], notes: list[Note]) -> dict[str, Any]:
    left = {name: column for name, column in columns.items() if name not in used}
    info = {n: c for n, c in left.items() if c.dtype.kind in "biuf" and c.ndim == 1}
    out = [name for name in left if name not in info]
    if out:
        sentence = f"columns without one number per row were left out: {', '.join(out)}"
        notes.append(Note("columns", sentence, len(out), "note"))
    return info
