"""What is worth knowing about the episodes of a store before anything is learned from them."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from rewardwrap.data.checks import named_leaves
from rewardwrap.data.episodes import EpisodeStore
from rewardwrap.data.reading import Note
from rewardwrap.data.rows import UNKNOWN_SUCCESSOR

MANY = 4096  # features of a leaf above which it is an image, whose constant pixels say nothing
NAMED = 8


def findings(store: EpisodeStore) -> list[Note]:
    """All notes about a store, worst first."""
    notes = [
        *_few(store),
        *_rewards(store),
        *_not_finite(store),
        *_outside(store, "action"),
        *_outside(store, "obs"),
        *_constant(store),
        *_never_filled(store),
        *_borders(store),
        *_twice(store),
    ]
    return worst_first(notes)


def worst_first(notes: list[Note]) -> list[Note]:
    """Errors, then warnings, then the rest."""
    order = ("error", "warning", "note")
    return sorted(notes, key=lambda note: order.index(note.severity))


def _few(store: EpisodeStore) -> list[Note]:
    if len(store) != 1:
        return []
    sentence = "there is one episode: nothing can be held out, so nothing learned can be validated"
    return [Note("episodes", sentence, 1)]


def _rewards(store: EpisodeStore) -> list[Note]:
    missing = np.isnan(store.reward)
    if missing.all():
        sentence = "no row has a reward: learn from preferences, or add one"
        return [Note("rewards", sentence, store.steps)]
    notes = []
    if missing.any():
        touched = len(np.unique(store.episode_of_step[missing]))
        sentence = (
            f"{missing.sum()} of {store.steps} rewards are missing, in {touched} of {len(store)} "
            "episodes; they stay missing and are masked, never read as 0"
        )
        notes.append(Note("rewards", sentence, int(missing.sum()), "note"))
    infinite = np.isinf(store.reward)
    if infinite.any():
        sentence = f"{infinite.sum()} rewards are infinite, the first {_where(store, infinite)}"
        notes.append(Note("rewards", sentence, int(infinite.sum()), "error"))
    paid = store.reward[~missing]
    if len(paid) > 1 and (paid == paid[0]).all():
        sentence = f"every reward is {paid[0]:g}: only the length of an episode can be learned"
        notes.append(Note("rewards", sentence, len(paid)))
    return notes


def _where(store: EpisodeStore, mask: Any) -> str:
    step = int(np.flatnonzero(mask)[0])
    episode = int(store.episode_of_step[step])
    return f"in step {step - store.first_step[episode]} of episode {store.ids[episode]}"


def _not_finite(store: EpisodeStore) -> list[Note]:
    notes = []
    for name, array in _columns(store):
        if array.dtype.kind != "f":
            continue
        wrong = ~np.isfinite(array)
        if wrong.any():
            features = np.unique(np.nonzero(wrong.reshape(len(array), -1))[1])
            rows = wrong.reshape(len(array), -1).any(axis=1)
            of = "" if array.ndim == 1 else f", columns {_listed(features)}"
            sentence = (
                f"{name} has {wrong.sum()} cells that are not finite in {rows.sum()} rows{of}; "
                "networks refuse them: drop or fill the rows before fitting"
            )
            notes.append(Note("not finite", sentence, int(wrong.sum()), "error"))
    return notes


def _outside(store: EpisodeStore, name: str) -> list[Note]:
    """Values that the space does not hold: wrong scaling or a wrong environment."""
    space = store.action_space if name == "action" else store.observation_space
    if space is None:
        return []
    notes = []
    for leaf, array, inner in _with_spaces(getattr(store, name), space, name):
        wrong = _rows_outside(array, inner)
        if wrong.any():
            sentence = (
                f"{leaf}: {wrong.sum()} of {len(array)} rows lie outside {inner}; "
                "check the units, or whether actions are still scaled"
            )
            notes.append(Note(f"{name} out of space", sentence, int(wrong.sum())))
    return notes


def _with_spaces(columns: Any, space: Any, name: str) -> list[tuple[str, Any, Any]]:
    if isinstance(columns, dict):
        return [x for k, v in columns.items() for x in _with_spaces(v, space[k], f"{name}/{k}")]
    if isinstance(columns, tuple):
        return [x for i, v in enumerate(columns) for x in _with_spaces(v, space[i], f"{name}/{i}")]
    return [(name, columns, space)]


def _rows_outside(array: Any, space: Any) -> Any:
    from gymnasium import spaces

    flat = array.reshape(len(array), -1)
    match space:
        case spaces.Box():
            low, high = space.low.ravel(), space.high.ravel()
            room = 1e-6 * np.where(np.isfinite(high - low), np.abs(high - low), 0.0)
            if space.dtype.kind != "f":
                room = np.zeros_like(room)
            # a NaN is counted as not finite, not here
            return ((flat < low - room) | (flat > high + room)).any(axis=1)
        case spaces.Discrete():
            return ((flat < space.start) | (flat >= space.start + space.n)).any(axis=1)
        case spaces.MultiDiscrete():
            start = space.start.ravel()
            return ((flat < start) | (flat >= start + space.nvec.ravel())).any(axis=1)
        case spaces.MultiBinary():
            return ~np.isin(flat, (0, 1)).all(axis=1)
    return np.zeros(len(flat), bool)


def _constant(store: EpisodeStore) -> list[Note]:
    notes = []
    for name, array in _columns(store):
        flat = array.reshape(len(array), -1)
        if len(flat) < 2 or flat.shape[1] > MANY or name == f"info/{UNKNOWN_SUCCESSOR}":
            continue
        same = np.flatnonzero((flat == flat[0]).all(axis=0))
        if same.size:
            features = "" if array.ndim == 1 else f" in columns {_listed(same)}"
            sentence = f"{name} never changes{features}: nothing can be learned from it"
            notes.append(Note("constant", sentence, len(same), "note"))
    return notes


def _never_filled(store: EpisodeStore) -> list[Note]:
    """Episodes whose every number is 0: rows of a buffer that had room for more."""
    empty = np.ones(store.steps, bool)
    for leaves, rows in (
        (store.obs, store.obs_row_of_step),
        (store.action, np.arange(store.steps)),
        (store.reward, np.arange(store.steps)),
    ):
        for _, leaf in named_leaves(leaves, ""):
            flat = leaf.reshape(len(leaf), -1)
            empty[empty] = ~flat[rows[empty]].any(axis=1)
            if not empty.any():
                return []
    whole = np.add.reduceat(empty, store.first_step) == store.lengths
    found = np.flatnonzero(whole & (store.lengths > 1))
    if not found.size:
        return []
    sentence = (
        f"{len(found)} episodes are 0 in all they saw, did and were paid ({_listed(store.ids[found])}): rows "
        "of a buffer that were never filled? Leave them out with --leave-out episode:ID"
    )
    return [Note("empty", sentence, len(found))]


def _borders(store: EpisodeStore) -> list[Note]:
    if not len(store):
        return []
    notes = []
    ends = store.first_step + store.lengths - 1
    cut = ~(store.terminated | store.truncated)[ends]
    if cut.any():
        sentence = (
            f"{cut.sum()} of {len(store)} episodes end without a flag: they were cut, and are kept"
            f" ({_listed(list(dict.fromkeys(store.ids[cut])))})"
        )
        notes.append(Note("cut episodes", sentence, int(cut.sum()), "note"))
    single = store.lengths == 1
    if single.any():
        severity = "warning" if single.mean() > 0.5 else "note"
        sentence = f"{single.sum()} of {len(store)} episodes have a single step"
        if severity == "warning":
            sentence += ": the rows may be shuffled, or the boundary rule cuts too often"
        notes.append(Note("short episodes", sentence, int(single.sum()), severity))
    return notes


def _twice(store: EpisodeStore) -> list[Note]:
    """Episodes that are the same byte for byte."""
    seen: dict[bytes, int] = {}
    again = []
    for i, episode in enumerate(store):
        hashed = hashlib.sha256()
        for _, array in (
            *named_leaves(episode.obs, "obs"),
            *named_leaves(episode.action, "action"),
        ):
            hashed.update(np.ascontiguousarray(array).data)
        hashed.update(episode.reward.tobytes())
        if seen.setdefault(hashed.digest(), i) != i:
            again.append(i)
    if not again:
        return []
    sentence = (
        f"{len(again)} of {len(store)} episodes are copies of another ({_listed(store.ids[again])}); "
        "a split keeps them on one side"
    )
    return [Note("duplicates", sentence, len(again), "warning")]


def _columns(store: EpisodeStore) -> list[tuple[str, Any]]:
    info = [(f"info/{name}", column) for name, column in store.info.items()]
    return [*named_leaves(store.obs, "obs"), *named_leaves(store.action, "action"), *info]


def _listed(names: Any) -> str:
    shown = ", ".join(map(str, names[:NAMED]))
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"
