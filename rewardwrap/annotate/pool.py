"""Which pairs are in the file: clips with hashes, random sides, drawn so that none is lost later."""

from __future__ import annotations

import hashlib
import sqlite3
import time

import numpy as np

from rewardwrap.annotate.annotator import Query, Ticket
from rewardwrap.annotate.database import Database, set_meta
from rewardwrap.annotate.selection import Candidates, IntArray, keys_of, select
from rewardwrap.core import tree
from rewardwrap.data import DataError, EpisodeStore, Fragments, sample_fragments

BLOCKS, EPISODES_PER_BLOCK = 10, 4
"""Pairs stay within a block of episodes, see `draw`."""
TRIES, LEAST_DRAWN = 20, 200


def clip_hash(store: EpisodeStore, episode: int, start: int, length: int) -> str:
    """sha256 of what a clip shows: observations (one more than steps) and actions, with dtypes."""
    seen = int(store.first_obs[episode]) + start
    done = int(store.first_step[episode]) + start
    hashed = hashlib.sha256()
    for columns, rows in (
        (store.obs, slice(seen, seen + length + 1)),
        (store.action, slice(done, done + length)),
    ):
        for leaf in tree.leaves(tree.take(columns, rows)):
            array = np.ascontiguousarray(leaf)
            hashed.update(f"{array.dtype.str} {array.shape}\n".encode())
            hashed.update(array.data)
    return hashed.hexdigest()


def same_data(database: Database, store: EpisodeStore) -> None:
    """Bind a new file to its data, or see that it is the data the file was made on.

    Raises:
        DataError: Other data.
    """
    kept = database.meta("store")
    if kept and kept != store.fingerprint():
        raise DataError(
            f"{database.path} must go with the data it was made on, got fingerprint "
            f"{store.fingerprint()[:12]} instead of {kept[:12]}. Give that data, or another --out."
        )
    if not kept:
        with database.write() as connection:
            set_meta(connection, "store", store.fingerprint())


def add_pairs(database: Database, query: Query, *, seed: int) -> Ticket:
    """Put pairs into the file, each with a random side; all of them or none."""
    rng = np.random.default_rng(seed)
    sides = rng.integers(2, size=len(query))
    with database.write() as connection:
        first = _next(connection, "pair")
        for row in range(len(query)):
            clips = (_clip(connection, side, row) for side in (query.a, query.b))
            connection.execute(
                "INSERT INTO pair(id, a, b, a_left, created) VALUES (?, ?, ?, ?, ?)",
                (first + row, *clips, int(sides[row]), time.time()),
            )
    return Ticket(first, len(query))


def draw(store: EpisodeStore, length: int, count: int, *, seed: int, asked: IntArray) -> Query:
    """Uniform pairs that were not asked, both clips out of one block of episodes.

    A preference set is later split so that no episode is on both sides. Pairs across all episodes
    soon connect everything, and such a split then loses a third of the answers; pairs that stay
    within a tenth of the episodes can be dealt block by block and lose none.

    Raises:
        DataError: The data hold fewer different pairs.
    """
    long = np.flatnonzero(store.lengths >= length)
    if not len(long):
        sample_fragments(store, 1, length, seed=seed)  # says so
    blocks = max(1, min(BLOCKS, len(long) // EPISODES_PER_BLOCK))
    while True:
        found = _drawn(store, _blocks(long, blocks), length, count, seed, asked)
        if len(found) == count:
            break
        if blocks == 1:
            raise DataError(
                f"data must hold {count} more pairs of {length} steps, got {len(found)}. "
                "Ask for fewer --pairs, or use a smaller --length."
            )
        blocks //= 2  # few windows: better to lose answers in a split than not to have them
    order = np.random.default_rng(seed).permutation(count)
    a, b = np.split(found[order], 2, axis=1)
    return Query(Fragments(store, *a.T), Fragments(store, *b.T))


def _blocks(long: IntArray, count: int) -> list[IntArray]:
    """Episodes dealt into blocks, the same ones in every call for one store."""
    dealt = np.random.default_rng(0).permutation(long)
    return [np.sort(dealt[block::count]) for block in range(count)]


def _drawn(
    store: EpisodeStore,
    blocks: list[IntArray],
    length: int,
    count: int,
    seed: int,
    asked: IntArray,
) -> IntArray:
    """``(at most count, 6)`` clips a and b, every block its share."""
    rng = np.random.default_rng(seed)
    found, known = np.zeros((0, 6), np.int64), asked
    for turn in range(TRIES * len(blocks)):
        if len(found) == count:
            break
        place = turn % len(blocks)
        numbers = blocks[(len(asked) + place) % len(blocks)]
        share = -(-(count - len(found)) // (len(blocks) - place))
        pairs = _pairs(store, numbers, length, max(LEAST_DRAWN, 4 * share), rng)
        keys = keys_of(pairs)
        rows = select(
            Candidates(keys), "uniform", share, seed=int(rng.integers(2**31)), asked=known
        )
        both = np.concatenate([_columns(pairs.a), _columns(pairs.b)], axis=1)
        found = np.concatenate([found, both[rows]])
        known = np.concatenate([known, keys[rows]])
    return found


def asked_keys(database: Database) -> IntArray:
    """``(m, 6)`` keys of all pairs in the file, as `selection.keys_of` makes them."""
    rows = database.read(
        "SELECT a.episode, a.start, a.length, b.episode, b.start, b.length FROM pair "
        "JOIN clip a ON a.id = pair.a JOIN clip b ON b.id = pair.b WHERE repeats IS NULL"
    )
    keys = [[*min(tuple(r)[:3], tuple(r)[3:]), *max(tuple(r)[:3], tuple(r)[3:])] for r in rows]
    return np.array(keys, np.int64).reshape(-1, 6)


def _pairs(
    store: EpisodeStore, numbers: IntArray, length: int, count: int, rng: np.random.Generator
) -> Query:
    part = store.select(numbers)
    clips = sample_fragments(part, 2 * count, length, seed=rng)
    whole = Fragments(store, numbers[clips.episode], clips.start, clips.length)
    a, b = whole.select(slice(0, count)), whole.select(slice(count, None))
    apart = np.flatnonzero((a.episode != b.episode) | (np.abs(a.start - b.start) >= length))
    if not len(apart):  # short data: clips may overlap, but not be the same
        apart = np.flatnonzero((a.episode != b.episode) | (a.start != b.start))
    return Query(a.select(apart), b.select(apart))


def _columns(clips: Fragments) -> IntArray:
    return np.stack([clips.episode, clips.start, clips.length], axis=1)


def _clip(connection: sqlite3.Connection, clips: Fragments, row: int) -> int:
    where = (int(clips.episode[row]), int(clips.start[row]), int(clips.length[row]))
    found = connection.execute(
        "SELECT id FROM clip WHERE episode = ? AND start = ? AND length = ?", where
    ).fetchone()
    if found:
        return int(found["id"])
    store = clips.store
    made = connection.execute(
        "INSERT INTO clip(episode_id, episode, start, length, hash) VALUES (?, ?, ?, ?, ?)",
        (str(store.ids[where[0]]), *where, clip_hash(store, *where)),
    )
    return int(made.lastrowid or 0)


def _next(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f"SELECT coalesce(max(id), 0) + 1 FROM {table}").fetchone()[0])
