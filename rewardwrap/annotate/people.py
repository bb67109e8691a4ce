"""People as an annotator: questions go into the file, answers come out of it while training goes on."""

from __future__ import annotations

import os

import numpy as np

from rewardwrap.annotate.annotator import Query, Ticket
from rewardwrap.annotate.database import Database, set_meta
from rewardwrap.annotate.judgements import preferences_from
from rewardwrap.annotate.pool import add_pairs, same_data
from rewardwrap.data import EpisodeStore, Preferences


class People:
    """Asks whoever has ``rewardwrap label`` open on the same data and file.

    Skipped questions come back as NaN. An answer that is taken back after it was polled stays with
    whoever polled it; `judgements.read` has the last word.

    Args:
        path: The file of judgements, made where there is none.
        store: The episodes that questions are about.
        seed: Of the sides.

    Raises:
        DataError: A file for other data.
    """

    def __init__(self, path: str | os.PathLike[str], store: EpisodeStore, *, seed: int = 0) -> None:
        self.store = store
        self._database = Database(path, create=True)
        same_data(self._database, store)
        self._seeds = np.random.default_rng(seed)
        self._seen = 0

    def submit(self, query: Query) -> Ticket:
        """Add the questions; the goal that the page shows grows by as many."""
        ticket = add_pairs(self._database, query, seed=int(self._seeds.integers(2**31)))
        with self._database.write() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = 'goal'").fetchone()
            set_meta(connection, "goal", int(row["value"] if row else 0) + ticket.count)
        return ticket

    def poll(self) -> Preferences | None:
        """Answers since the last call; repeated questions come with the number of the first."""
        newest = self._database.read("SELECT coalesce(max(id), 0) AS id FROM judgment")[0]["id"]
        standing = self._database.read(
            "SELECT 1 FROM judgment WHERE id > ? AND superseded_by IS NULL AND choice <> 'undone' "
            "LIMIT 1",
            (self._seen,),
        )
        if not standing:
            self._seen = newest
            return None
        found = preferences_from(self._database, self.store, after=self._seen)
        self._seen = newest
        return found

    def close(self) -> None:
        """Give the file back."""
        self._database.close()
